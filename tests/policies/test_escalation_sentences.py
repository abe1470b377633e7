"""A policy in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from policies.definition import (
    AckMode,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Raci,
    Repeat,
    TargetDef,
    TargetKind,
    Timeout,
)
from policies.escalation import Because
from policies.examples import default_policy, staged_policy
from policies.sentences import because_text, duration_words, joined, policy_text
from tests.policies.strategies import policies, steady

SAM = TargetDef(TargetKind.USER, "Sam")
MIA = TargetDef(TargetKind.USER, "Mia")


def name(target: TargetDef) -> str:
    return f"the {target.role} on {target.ref}" if target.role else str(target.ref)


@pytest.mark.requirement("R038")
@pytest.mark.requirement("R130")
def test_when_the_default_policy_is_put_into_words_then_each_level_says_who_when_and_how() -> None:
    text = policy_text(default_policy(schedule="Payments", senior=SAM, manager=MIA), name)

    assert [level.sentences for level in text.levels] == [
        (
            "At once, tell the primary on Payments.",
            "Time to acknowledge: 5 minutes. Time to resolve or mitigate: 30 minutes.",
            "Each person is reached by the contact methods they chose, one after the other. One answer is enough.",
        ),
        (
            "If nobody at level 1 acknowledges in time, tell the secondary on Payments and Sam.",
            "At once too if it is acknowledged, but neither resolved nor mitigated 30 minutes after level 1 was told.",
            "Time to acknowledge: 10 minutes. Time to resolve or mitigate: 1 hour.",
            "Each person is reached by the contact methods they chose, one after the other. One answer is enough.",
        ),
        (
            "If nobody at level 2 acknowledges in time, tell Mia.",
            "At once too if it is acknowledged, but neither resolved nor mitigated 1 hour after level 2 was told.",
            "Time to acknowledge: 15 minutes.",
            "Each person is reached by the contact methods they chose, one after the other. One answer is enough.",
        ),
    ]


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (MeasuredFrom.START, "tell the secondary on Payments and Sam 20 minutes after the start."),
        (MeasuredFrom.PREVIOUS, "wait 20 minutes more, then tell the secondary on Payments and Sam."),
    ],
)
def test_when_a_delay_is_measured_each_way_then_the_words_tell_them_apart(reading: MeasuredFrom, words: str) -> None:
    policy = staged_policy(schedule="Payments", senior=SAM, leadership=(MIA,), second_stage_from=reading)

    assert policy_text(policy, name).levels[1].tell == f"If nobody at level 1 acknowledges in time, {words}"


@pytest.mark.parametrize(
    ("origin", "mitigation_counts", "words"),
    [
        (MeasuredFrom.LEVEL, True, "neither resolved nor mitigated 1 hour after level 1 was told"),
        (MeasuredFrom.LEVEL, False, "not resolved 1 hour after level 1 was told"),
        (MeasuredFrom.START, True, "neither resolved nor mitigated 1 hour after the start"),
        (MeasuredFrom.START, False, "not resolved 1 hour after the start"),
    ],
)
def test_when_only_a_resolution_timeout_leads_on_then_the_words_say_from_when_and_whether_mitigation_counts(
    origin: MeasuredFrom, mitigation_counts: bool, words: str
) -> None:
    resolve = Timeout(3600, origin)
    second = LevelDef("Two", (MIA,), Timeout(60))
    alone = PolicyDef((LevelDef("One", (SAM,), None, resolve), second), 1, (), mitigation_counts)
    both = PolicyDef((LevelDef("One", (SAM,), Timeout(60), resolve), second), 1, (), mitigation_counts)

    assert policy_text(alone, name).levels[1].tell == f"If it is {words}, acknowledged or not, tell Mia."
    assert policy_text(alone, name).levels[1].also == ""
    assert policy_text(both, name).levels[1].also == f"At once too if it is acknowledged, but {words}."


def test_when_the_first_level_waits_then_that_is_said() -> None:
    policy = PolicyDef((LevelDef("One", (SAM,), Timeout(60), start=Entry(90)),))

    assert policy_text(policy, name).levels[0].tell == "If it is still open after 90 seconds, tell Sam."


def test_when_a_policy_ends_then_the_closing_words_say_how_often_and_who_is_told_last() -> None:
    level = LevelDef("One", (SAM,), Timeout(60, MeasuredFrom.START))

    assert policy_text(PolicyDef((level,), 3, (MIA, SAM)), name).closing == (
        "A level with nobody on call, or nobody who can be reached, is skipped at once, and the skip is shown.",
        "The levels are gone through 3 times.",
        "After that the incident is listed as exhausted, and these are told: Mia and Sam.",
    )
    assert "the administrators" in policy_text(PolicyDef((level,)), name).closing[-1]
    assert policy_text(PolicyDef((level,)), name).levels[0].answer == "Time to acknowledge: 1 minute from the start."


@steady
@given(policies())
def test_when_any_policy_is_put_into_words_then_every_target_is_named_and_no_placeholder_is_left(
    policy: PolicyDef,
) -> None:
    text = policy_text(policy, name)

    for level, definition in zip(text.levels, policy.levels, strict=True):
        assert all(name(target) in level.tell for target in definition.targets)
        assert not any("%(" in sentence for sentence in level.sentences)
        assert level.answer
    assert not any("%(" in sentence for sentence in text.closing)


def test_when_a_name_holds_a_percent_sign_then_it_is_shown_as_it_is() -> None:
    policy = PolicyDef((LevelDef("100%", (SAM,), Timeout(60)),))

    assert policy_text(policy, lambda _target: "50%(x)s").levels[0].tell == "At once, tell 50%(x)s."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes"),
        (5400, "1 hour 30 minutes"), (86_400, "1 day"), (90_061, "1 day 1 hour 1 minute 1 second"),
    ],
)  # fmt: skip
def test_when_a_duration_is_put_into_words_then_it_reads_as_people_say_it(seconds: int, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")]
)
def test_when_names_are_joined_then_the_last_two_are_linked_by_a_word(names: list[str], text: str) -> None:
    assert joined(names) == text


@steady
@given(st.sampled_from(Because))
def test_when_a_cause_is_shown_then_it_has_words(because: Because) -> None:
    with translation.override("en"):
        assert because_text(because)
        assert because_text(because.value) == because_text(because)


def test_when_a_cause_is_unknown_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="because"):
        because_text("because")


# The finer points.


def words_of(level: LevelDef, **policy: Any) -> tuple[str, ...]:
    return policy_text(PolicyDef((level,), **policy), name).levels[0].sentences


@pytest.mark.requirement("R136")
@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (Repeat(300), "At SEV-1 and SEV-2 they are told again every 5 minutes until somebody answers."),
        (Repeat(300, 3, (1,)), "At SEV-1 they are told again every 5 minutes, 3 times, unless somebody answers."),
        (Repeat(300, 1, (1,)), "At SEV-1 they are told again after 5 minutes, 1 time, unless somebody answers."),
    ],
)
def test_when_a_level_repeats_then_the_words_say_how_often_and_for_whom(repeat: Repeat, words: str) -> None:
    assert words in words_of(LevelDef("One", (SAM,), Timeout(3600), repeat=repeat))


def test_when_a_level_has_repeats_and_no_timeout_then_the_words_say_when_its_time_is_over() -> None:
    level = LevelDef("One", (SAM,), repeat=Repeat(300, 2))
    policy = PolicyDef((level, LevelDef("Two", (MIA,), Timeout(60))))

    assert "Time to acknowledge: 5 minutes after they were last told." in words_of(level)
    assert policy_text(policy, name).levels[1].tell == "If nobody at level 1 acknowledges in time, tell Mia."


@pytest.mark.requirement("R042")
def test_when_times_differ_by_severity_then_each_has_its_sentence() -> None:
    level = LevelDef(
        "One",
        (SAM,),
        Timeout(1800, by_severity=((1, 300), (2, 900))),
        Timeout(7200, MeasuredFrom.START, by_severity=((1, 3600),)),
        Entry(60, by_severity=((1, 0),)),
    )

    assert words_of(level)[2:] == (
        "At SEV-1 this is 0 seconds after the beginning.",
        "Time to acknowledge at SEV-1: 5 minutes.",
        "Time to acknowledge at SEV-2: 15 minutes.",
        "Time to resolve or mitigate at SEV-1: 1 hour from the start.",
        "Each person is reached by the contact methods they chose, one after the other. One answer is enough.",
    )


def test_when_a_time_counts_back_from_the_sla_then_the_words_say_so_and_what_holds_without_one() -> None:
    resolve = Timeout(900, MeasuredFrom.BEFORE_SLA, otherwise_seconds=3600, hours=Hours.BUSINESS)
    second = LevelDef("Two", (MIA,), Timeout(60), start=Entry(600, MeasuredFrom.BEFORE_SLA))
    policy = PolicyDef((LevelDef("One", (SAM,), Timeout(60), resolve), second))

    first, then = policy_text(policy, name).levels

    assert first.answer == (
        "Time to acknowledge: 1 minute. Time to resolve or mitigate: until 15 minutes before the SLA ends, "
        "or 1 hour where there is none."
    )
    assert "Only business hours count for the time to resolve." in first.more
    assert then.tell == (
        "If nobody at level 1 acknowledges in time, tell Mia 10 minutes before the SLA of the incident ends."
    )
    assert then.also == (
        "At once too if it is acknowledged, but neither resolved nor mitigated 15 minutes before its SLA ends."
    )
    assert then.more == ("Where the incident has no SLA, they are told at once.",)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry(), "tell Mia."),
        (Entry(60), "wait 1 minute more, then tell Mia."),
        (Entry(60, MeasuredFrom.START), "tell Mia 1 minute after the start."),
        (Entry(60, MeasuredFrom.BEFORE_SLA), "tell Mia 1 minute before the SLA of the incident ends."),
    ],
)
def test_when_everybody_must_answer_then_the_words_of_both_levels_say_so(entry: Entry, words: str) -> None:
    both = LevelDef("Both", (SAM, MIA), Timeout(60), ack_mode=AckMode.ALL)
    policy = PolicyDef((both, LevelDef("Next", (MIA,), Timeout(60), start=entry)))

    first, then = policy_text(policy, name).levels

    assert first.how.endswith("Everybody has to answer.")
    assert then.tell == f"If not everybody at level 1 acknowledges in time, {words}"


@pytest.mark.requirement("R273")
def test_when_a_level_waits_though_nobody_can_be_reached_then_the_words_say_so() -> None:
    level = LevelDef("One", (SAM,), Timeout(60), if_unreachable=IfUnreachable.WAIT)

    assert "Even if none of them can be reached, the next level is only told when their time is over." in words_of(
        level
    )
    assert "unless it says otherwise" in policy_text(PolicyDef((level,)), name).closing[0]


@pytest.mark.requirement("R078")
def test_when_a_policy_has_beginnings_rounds_and_a_last_word_then_the_closing_names_them() -> None:
    levels = tuple(LevelDef(word, (SAM,), Timeout(60)) for word in ("One", "Two"))
    policy = PolicyDef(levels, 2, cycle_severities=(1,), starts_at=((1, 1), (2, 0)), final=Final(MIA, 900, 8))

    assert policy_text(policy, name).closing == (
        "Incidents of SEV-1 begin at level 2, at once; the levels below are informed.",
        "Incidents of SEV-2 begin at level 1.",
        "A level with nobody on call, or nobody who can be reached, is skipped at once, and the skip is shown.",
        "The levels are gone through 2 times for SEV-1, and once otherwise.",
        "After that the incident is listed as exhausted, and these are told: the administrators.",
        "The last word is with Mia, who is told then, and told again every 15 minutes until somebody answers, "
        "at most 8 times.",
    )


@pytest.mark.requirement("R292")
@pytest.mark.requirement("R095")
def test_when_a_level_has_a_raci_map_then_each_filled_cell_has_its_sentence() -> None:
    level = LevelDef("One", (SAM,), Timeout(60), raci=Raci((SAM,), MIA, (), (SAM, MIA)))

    assert words_of(level)[2:-1] == (
        "Responsible for the work: Sam.",
        "Accountable for it: Mia.",
        "To be informed: Sam and Mia.",
    )


@pytest.mark.requirement("R135")
def test_when_a_level_makes_it_a_major_incident_then_the_words_say_so_and_who_oversees_it() -> None:
    level = LevelDef("One", (SAM,), Timeout(60), major=True)
    text = policy_text(PolicyDef((level,), overseer=MIA), name)

    assert "An incident that gets as far as this level is declared a major incident." in text.levels[0].more
    assert text.closing[-1] == "The work on a major incident is overseen by Mia."
