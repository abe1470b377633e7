"""A level says over which channels its people are told (R130): in documents, in words, to the linter. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from policies.definition import POLICY_SCHEMA, AckMode, policy_dump, policy_parse
from policies.examples import staged_policy
from policies.lint import Code, Finding, Person, Reach, Weight
from policies.reading import DefinitionInvalid
from policies.sentences import policy_text
from policies.ways import Way, level_record, ways_left
from tests.policies.test_escalation_sentences import MIA, SAM, name
from tests.policies.test_lint import ELENA, JONAS, MARTA, PEOPLE, RACI, codes, found, one, policy, said

KNOWN = "email, sms, voice, push, chat"


def document(**more: Any) -> dict[str, Any]:
    level = {"name": "On call", "targets": [{"kind": "user", "ref": "marta"}], "ack_timeout": "5m", **more}
    return {"levels": [level]}


def channels_of(**more: Any) -> tuple[Way, ...]:
    return policy_parse(document(**more)).levels[0].channels


# --- documents


@pytest.mark.requirement("R130")
def test_when_a_level_names_channels_then_they_are_kept_in_one_order_each_once() -> None:
    assert channels_of(channels=["chat", "sms", "chat"]) == (Way.SMS, Way.CHAT)
    assert policy_dump(policy_parse(document(channels=["chat", "sms"])))["levels"][0]["channels"] == ["sms", "chat"]


@pytest.mark.parametrize("more", [{}, {"channels": None}, {"channels": "own"}])
def test_when_a_level_leaves_it_to_each_person_then_its_document_is_the_one_of_earlier_releases(
    more: dict[str, Any],
) -> None:
    assert channels_of(**more) == ()
    assert policy_dump(policy_parse(document(**more))) == policy_dump(policy_parse(document()))
    assert "channels" not in policy_dump(policy_parse(document(**more)))["levels"][0]


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        ([], "levels[0].channels: needs at least one entry"),
        ("sms", 'levels[0].channels: must be "own" or a list of channels'),
        ({"sms": True}, "levels[0].channels: must be a list"),
        (["sms", "pigeon"], f"levels[0].channels[1]: must be one of {KNOWN}"),
        (["own", "sms"], f"levels[0].channels[0]: must be one of {KNOWN}"),
        ([None], "levels[0].channels[0]: must not be empty"),
    ],
)
def test_when_channels_cannot_be_read_then_the_field_is_named(channels: object, problem: str) -> None:
    with pytest.raises(DefinitionInvalid) as error:
        policy_parse(document(channels=channels))

    assert str(error.value) == problem


@pytest.mark.parametrize(
    ("channels", "is_allowed"),
    [("own", True), (["sms"], True), (None, True), ([], False), ("sms", False), (["x"], False)],
)
def test_the_schema_says_the_same(channels: object, is_allowed: bool) -> None:
    assert jsonschema.Draft202012Validator(POLICY_SCHEMA).is_valid(document(channels=channels)) is is_allowed


# --- who is told by what


@pytest.mark.parametrize(
    ("ways", "use", "then", "left"),
    [
        (("email", "sms", "chat"), ("sms", "chat"), (), ("sms", "chat")),
        (("chat", "sms"), ("sms", "chat"), (), ("chat", "sms")),
        (("email",), ("sms",), (), ("email",)),
        (("email", "chat", "voice"), ("voice",), ("email", "voice"), ("voice", "email")),
        (("email", "chat"), ("voice",), ("chat",), ("chat",)),
        (("email", "chat"), (), (), ("email", "chat")),
        ((), ("sms",), (), ()),
    ],
)
def test_kinds_that_are_named_come_in_the_persons_own_order_and_those_named_second_after_them(
    ways: tuple[str, ...], use: tuple[str, ...], then: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert ways_left(ways, use, then) == left


def test_somebody_lacks_the_channels_of_a_level_only_where_they_have_others_instead() -> None:
    assert level_record(("sms",), ("email",)) == {"use": ["sms"], "lacks": True}
    assert level_record(("sms",), ("email",), ("email",))["lacks"] is False
    assert level_record(("sms",), ("sms", "email"))["lacks"] is False
    assert level_record(("sms",), ())["lacks"] is False


# --- words


@pytest.mark.requirement("R130")
def test_when_a_level_names_channels_then_its_sentences_say_by_which_people_are_told() -> None:
    level = policy_parse(document(channels=["sms", "chat"])).levels[0]
    everybody = replace(level, ack_mode=AckMode.ALL)
    both = replace(policy_parse(document()), levels=(level, everybody))

    one_answer, all_answers = (text.how for text in policy_text(both, name).levels)

    told = "People are told by SMS and chat; whoever has no such contact method, by those they chose."
    assert one_answer == f"{told} One answer is enough."
    assert all_answers == f"{told} Everybody has to answer."


@pytest.mark.requirement("R132")
@pytest.mark.requirement("R133")
def test_the_example_path_tells_its_first_stage_by_sms_and_chat_and_its_second_by_e_mail_too() -> None:
    path = staged_policy(schedule="Payments", senior=SAM, leadership=(MIA,))

    assert [level.channels for level in path.levels[:2]] == [(Way.SMS, Way.CHAT), (Way.EMAIL, Way.SMS, Way.CHAT)]


# --- the linter


def linted(*channels: str, sendable: tuple[str, ...] = ("email", "sms", "chat")) -> list[Finding]:
    """Marta and Jonas are on call, by e-mail both, and Marta by SMS too."""
    kinds = {MARTA: ("email", "sms"), JONAS: ("email",), ELENA: ("chat",)}
    people = {pk: replace(person, kinds=kinds.get(pk, ("email",))) for pk, person in PEOPLE.items()}
    first = {"name": "On call", "targets": [{"kind": "schedule", "ref": "payments"}], "ack_timeout": "5m", "raci": RACI}
    return found(policy({**first, "channels": list(channels)}), people=people, sendable=sendable)


@pytest.mark.requirement("R130")
def test_when_somebody_on_a_level_has_none_of_its_channels_then_the_linter_names_them() -> None:
    finding = one(linted("sms", "chat"), Code.CHANNELS_LACKED)

    assert (finding.place, finding.weight) == ("levels.0.channels", Weight.WEAK)
    assert said(finding) == (
        "Jonas de Wit has no contact method over which level 1, On call, tells people: SMS and chat. They are told by "
        "what they have instead, and that may be nothing that they hear in time."
    )


def test_when_everybody_has_one_of_them_then_nothing_is_found() -> None:
    assert codes(linted("email", "chat")) == []


def test_when_somebody_cannot_be_told_at_all_then_it_is_not_said_a_second_time() -> None:
    people = {
        **PEOPLE,
        MARTA: Person(MARTA, "Marta Ferri", reachable=False),
        JONAS: Person(JONAS, "Jonas", kinds=("sms",)),
    }
    level = {"name": "On call", "targets": [{"kind": "schedule", "ref": "payments"}], "ack_timeout": "5m", "raci": RACI}

    findings = found(policy({**level, "channels": ["sms"]}), people=people)

    assert Code.CHANNELS_LACKED not in codes(findings)


def test_when_nothing_sends_by_the_channels_of_a_level_here_then_that_is_said_once_for_all() -> None:
    findings = linted("voice", "push", sendable=("email",))

    assert Code.CHANNELS_LACKED not in codes(findings)
    assert said(one(findings, Code.CHANNELS_UNSENT)).startswith(
        "Level 1, On call, tells people by call and push, and nothing sends by that here."
    )


def test_when_several_lack_them_then_one_finding_names_all() -> None:
    reach = {(target, ""): Reach((MARTA, JONAS, ELENA), 1) for target in SHARED.all_targets}

    finding = one(found(SHARED, reach=reach), Code.CHANNELS_LACKED)

    assert finding.data["people"] == ["Marta Ferri", "Jonas de Wit", "Elena Conti"]
    assert said(finding).startswith("Marta Ferri, Jonas de Wit and Elena Conti have no contact method")


SHARED = policy(
    {
        "name": "On call",
        "targets": [{"kind": "schedule", "ref": "payments"}],
        "ack_timeout": "5m",
        "raci": RACI,
        "channels": ["sms"],
    }
)
