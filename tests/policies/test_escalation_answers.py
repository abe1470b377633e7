"""Whose answer is enough, and what follows when nobody can be reached."""

from __future__ import annotations

import pytest

from policies.definition import AckMode, IfUnreachable, LevelDef, PolicyDef, Repeat, TargetDef, TargetKind, Timeout
from policies.escalation import (
    Acknowledged,
    Because,
    CancelPages,
    EndLevel,
    EnterLevel,
    LevelPaged,
    LevelUnreachable,
    Phase,
    RepeatLevel,
    StandDown,
    Unacknowledged,
)
from tests.policies.walking import Run, at

BOB, SAM, MIA = (TargetDef(TargetKind.USER, name) for name in ("bob", "sam", "mia"))
BOBS, SAMS, MIAS = 1, 2, 3
NEXT = LevelDef("Next", (MIA,), Timeout(600))


def both_must(repeat: Repeat | None = None) -> Run:
    """Bob and Sam have ten minutes, and both have to answer."""
    both = LevelDef("Both", (BOB, SAM), Timeout(600), ack_mode=AckMode.ALL, repeat=repeat)
    run = Run(PolicyDef((both, NEXT)))
    run.on(LevelPaged(at(0), 0, 0, (BOBS, SAMS)))
    return run


def test_when_any_one_may_acknowledge_then_the_first_answer_is_enough() -> None:
    run = Run(PolicyDef((LevelDef("Any", (BOB, SAM), Timeout(600)), NEXT)))
    run.on(LevelPaged(at(0), 0, 0, (BOBS, SAMS)))

    run.on(Acknowledged(at(1), who=SAMS))

    assert run.state.acknowledged


def test_when_all_must_acknowledge_then_the_first_is_stood_down_and_the_clock_runs_on_for_the_other() -> None:
    run = both_must()

    assert run.on(Acknowledged(at(1), who=BOBS)) == (StandDown(BOBS, Because.ACKNOWLEDGED, at(1)),)
    assert run.state.phase is Phase.PAGING
    assert run.state.next_due_at == at(10)


def test_when_the_last_of_them_acknowledges_then_the_level_is_answered() -> None:
    run = both_must()
    run.on(Acknowledged(at(1), who=BOBS))

    assert run.on(Acknowledged(at(2), who=SAMS)) == (CancelPages(Because.ACKNOWLEDGED, at(2)),)
    run.let_pass(until=1000)
    assert run.entered == [(0, 0, 0)]


def test_when_one_of_them_does_not_answer_in_time_then_the_next_level_is_told_why() -> None:
    run = both_must()
    run.on(Acknowledged(at(1), who=BOBS))

    run.let_pass(until=10)

    assert run.done[-2:] == [
        EndLevel(0, 0, Because.PARTLY_ANSWERED, at(10)),
        EnterLevel(1, 0, Because.PARTLY_ANSWERED, at(10)),
    ]


def test_when_somebody_who_was_not_paged_acknowledges_then_that_answers_for_nobody() -> None:
    run = both_must()

    assert run.on(Acknowledged(at(1), who=MIAS)) == ()
    assert run.state.phase is Phase.PAGING


def test_when_the_answer_is_nobodys_in_particular_then_it_answers_for_all() -> None:
    run = both_must()

    run.on(Acknowledged(at(1)))

    assert run.state.acknowledged


def test_when_the_run_was_not_told_who_is_paged_then_any_answer_is_enough() -> None:
    run = Run(PolicyDef((LevelDef("Both", (BOB, SAM), Timeout(600), ack_mode=AckMode.ALL), NEXT)))

    run.on(Acknowledged(at(1), who=BOBS))

    assert run.state.acknowledged


def test_when_the_level_is_told_again_then_who_has_answered_is_left_alone() -> None:
    run = both_must(Repeat(300, 1))
    run.on(Acknowledged(at(1), who=BOBS))

    run.let_pass(until=5)

    assert run.done[-1] == RepeatLevel(0, 0, 1, (BOBS,), Because.PARTLY_ANSWERED, at(5), opens=True)


def test_when_a_handoff_leaves_only_people_who_have_answered_then_the_level_is_answered() -> None:
    run = both_must(Repeat(300, 1))
    run.on(Acknowledged(at(1), who=BOBS))
    run.let_pass(until=5)

    run.on(LevelPaged(at(5), 0, 0, (BOBS,)))

    assert run.state.acknowledged


def test_when_the_level_is_told_in_turn_then_the_answer_of_whoever_was_told_before_still_counts() -> None:
    run = both_must(Repeat(240, 2))
    run.let_pass(until=4)
    run.on(LevelPaged(at(4), 0, 0, (SAMS,)))

    done = run.on(Acknowledged(at(6), who=BOBS))

    assert [type(action) for action in done] == [StandDown]
    assert not run.state.acknowledged
    run.let_pass(until=8)
    assert run.done[-1] == RepeatLevel(0, 0, 2, (BOBS,), Because.PARTLY_ANSWERED, at(8), opens=True)
    run.on(Acknowledged(at(9), who=SAMS))
    assert run.state.acknowledged


def test_when_one_gives_it_back_before_all_have_answered_then_that_answer_is_missing_again() -> None:
    run = both_must()
    run.on(Acknowledged(at(1), who=BOBS))

    run.on(Unacknowledged(at(2), who=BOBS))
    run.on(Acknowledged(at(3), who=SAMS))

    assert run.state.phase is Phase.PAGING


def test_when_word_of_who_was_paged_comes_late_then_it_is_ignored() -> None:
    run = both_must()
    run.let_pass(until=10)
    before = run.state

    run.on(LevelPaged(at(11), 0, 0, (BOBS,)))

    assert run.state == before


# Nobody can be reached.


@pytest.mark.requirement("R273")
def test_when_the_first_level_cannot_be_reached_then_the_next_is_told_at_once() -> None:
    run = Run(PolicyDef((LevelDef("First", (BOB,), Timeout(600)), NEXT)))

    run.on(LevelUnreachable(at(0), 0, 0, Because.NOBODY_REACHABLE))

    assert run.entered == [(0, 0, 0), (0, 1, 0)]


def patient() -> Run:
    level = LevelDef("First", (BOB,), Timeout(600), if_unreachable=IfUnreachable.WAIT)
    return Run(PolicyDef((level, NEXT)))


@pytest.mark.requirement("R273")
def test_when_a_level_says_that_it_waits_then_an_undelivered_page_leaves_it_its_time() -> None:
    run = patient()

    assert run.on(LevelUnreachable(at(0), 0, 0, Because.NOBODY_REACHABLE)) == ()
    run.let_pass(until=10)
    assert run.entered == [(0, 0, 0), (10, 1, 0)]


def test_when_nobody_is_on_call_then_even_a_level_that_waits_is_left_at_once() -> None:
    run = patient()

    run.on(LevelUnreachable(at(0), 0, 0, Because.NOBODY_ON_CALL))

    assert run.entered == [(0, 0, 0), (0, 1, 0)]
