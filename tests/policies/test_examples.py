"""The policies that are shipped do what their types promise."""

from __future__ import annotations

import json

import pytest

from policies.definition import (
    TargetDef,
    TargetKind,
    policy_dump,
    policy_parse,
    policy_problems,
    policy_warnings,
)
from policies.escalation import Acknowledged, Because, EnterLevel, LevelPaged, Phase, SeverityChanged
from policies.examples import (
    EXAMPLES,
    Example,
    People,
    functional_policy,
    hierarchical_policy,
    hybrid_policy,
    impact_based_policy,
    parallel_policy,
    simple_policy,
    time_based_policy,
)
from policies.sentences import policy_text
from tests.policies.walking import Run, at

SAM = TargetDef(TargetKind.USER, "sam")
PEOPLE = People(schedule="payments", specialists="database", senior=SAM)

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.key)


@every_example
def test_when_an_example_is_shipped_then_it_has_no_problem_and_no_warning_and_survives_its_document(
    example: Example,
) -> None:
    policy = example.build(PEOPLE)

    assert policy_problems(policy) == ()
    assert policy_warnings(policy) == ()
    assert policy_parse(json.loads(json.dumps(policy_dump(policy)))) == policy


@pytest.mark.requirement("R038")
@every_example
def test_when_an_example_is_put_into_words_then_every_level_has_a_duty_and_nothing_is_left_open(
    example: Example,
) -> None:
    text = policy_text(example.build(PEOPLE), lambda target: f"{target.kind} {target.ref}")

    assert all(level.duty for level in text.levels)
    assert not any("%(" in sentence for level in text.levels for sentence in (*level.sentences, *text.closing))


@every_example
@pytest.mark.parametrize("severity", [None, 1, 3, 5])
def test_when_nobody_answers_an_example_then_it_ends_exhausted(example: Example, severity: int | None) -> None:
    run = Run(example.build(PEOPLE), severity=severity)

    run.let_pass(until=100_000)

    assert run.state.phase is Phase.EXHAUSTED
    assert run.state.next_due_at is None


def test_when_the_simple_policy_is_used_then_only_critical_incidents_go_round_again() -> None:
    assert policy_warnings(simple_policy(schedule="ops", backup=SAM)) == ()


@pytest.mark.requirement("R049")
@pytest.mark.requirement("R050")
@pytest.mark.requirement("R078")
def test_when_escalation_is_hierarchical_then_it_goes_up_one_rung_at_a_time_to_one_final_decision_maker() -> None:
    policy = hierarchical_policy(PEOPLE)
    run = Run(policy, severity=2)

    run.let_pass(until=45)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (15, 2, 0)]
    assert [len(level.targets) for level in policy.levels] == [1, 1, 1]
    assert run.told_again == [(45, 4, 1)]


@pytest.mark.requirement("R051")
@pytest.mark.requirement("R066")
def test_when_escalation_is_functional_then_the_owning_teams_specialists_are_told_and_the_first_team_stays() -> None:
    policy = functional_policy(PEOPLE)
    run = Run(policy)
    run.on(Acknowledged(at(2)))

    run.let_pass(until=15)

    assert run.done[-1] == EnterLevel(1, 0, Because.RESOLVE_TIMEOUT, at(15))
    assert TargetDef(TargetKind.FUNCTIONAL_TEAM, "database") in policy.levels[1].targets
    assert policy.levels[0].targets[0] in policy.levels[1].targets


@pytest.mark.requirement("R042")
@pytest.mark.requirement("R052")
@pytest.mark.requirement("R058")
@pytest.mark.parametrize(("severity", "minute"), [(1, 5), (2, 15), (3, 30)])
def test_when_escalation_is_by_time_then_the_next_level_comes_after_5_15_or_30_minutes(
    severity: int, minute: int
) -> None:
    run = Run(time_based_policy(PEOPLE), severity=severity)

    run.let_pass(until=minute)

    assert run.entered == [(0, 0, 0), (minute, 1, 0)]


@pytest.mark.requirement("R052")
@pytest.mark.requirement("R039")
def test_when_an_sla_is_about_to_end_then_the_next_level_is_told_though_somebody_has_it() -> None:
    run = Run(time_based_policy(PEOPLE), severity=2, sla=60)
    run.on(Acknowledged(at(3)))

    run.let_pass(until=45)

    assert run.entered == [(0, 0, 0), (45, 1, 0)]


@pytest.mark.requirement("R053")
@pytest.mark.requirement("R056")
@pytest.mark.requirement("R241")
@pytest.mark.parametrize(("severity", "level"), [(1, 2), (2, 1), (3, 0)])
def test_when_escalation_is_by_impact_then_the_worse_it_is_the_higher_it_begins(severity: int, level: int) -> None:
    run = Run(impact_based_policy(PEOPLE), severity=severity)

    assert run.entered == [(0, level, 0)]
    assert run.informed == list(range(level))


@pytest.mark.requirement("R056")
def test_when_the_impact_grows_then_the_major_incident_begins_in_the_same_instant() -> None:
    run = Run(impact_based_policy(PEOPLE), severity=4)
    run.on(Acknowledged(at(2)))

    run.on(SeverityChanged(at(7), severity=1))

    assert run.entered == [(0, 0, 0), (7, 2, 0)]
    assert run.informed == [1]


@pytest.mark.requirement("R054")
def test_when_escalation_is_parallel_then_all_are_told_at_once_and_all_must_answer() -> None:
    policy = parallel_policy(PEOPLE)
    run = Run(policy, severity=1)
    run.on(LevelPaged(at(0), 0, 0, (1, 2, 3)))
    run.on(Acknowledged(at(1), who=1))
    run.on(Acknowledged(at(2), who=3))

    run.let_pass(until=5)

    assert len(policy.levels[0].targets) == 3
    assert run.done[-1] == EnterLevel(1, 0, Because.PARTLY_ANSWERED, at(5))


@pytest.mark.requirement("R076")
def test_when_a_hybrid_is_walked_then_severity_time_and_skill_all_count() -> None:
    policy = hybrid_policy(PEOPLE)
    worst, mild = Run(policy, severity=1), Run(policy, severity=4)

    worst.let_pass(until=5)
    mild.let_pass(until=30)

    assert worst.entered == [(0, 1, 0), (5, 2, 0)]
    assert worst.informed == [0]
    assert mild.entered == [(0, 0, 0), (30, 1, 0)]
    assert mild.told_again == []
