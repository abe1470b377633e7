"""Repeats, times by severity, SLA, business hours and the end of the ladder, as people write them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from policies.definition import (
    CRITICAL,
    POLICY_SCHEMA,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    MeasuredFrom,
    PolicyDef,
    Raci,
    Repeat,
    TargetDef,
    TargetKind,
    Timeout,
    policy_dump,
    policy_parse,
    policy_vacancies,
    policy_warnings,
)
from tests.policies.test_definition import BOB, a_level, a_policy, problems_of

SCHEMA = jsonschema.Draft202012Validator(POLICY_SCHEMA)


def read(**changes: Any) -> PolicyDef:
    """A policy of one level with `changes`, which the schema accepts too."""
    data = a_policy(levels=[a_level(**changes)])
    assert list(SCHEMA.iter_errors(data)) == []
    return policy_parse(data)


def warnings_of(policy: PolicyDef) -> list[str]:
    return [str(warning) for warning in policy_warnings(policy)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1m", Repeat(60)),
        ({"every": "1m"}, Repeat(60, None, CRITICAL)),
        ({"every": "1m", "times": "until_answered"}, Repeat(60, None, CRITICAL)),
        ({"every": 90, "times": 2, "severities": ["SEV-3", 1]}, Repeat(90, 2, (1, 3))),
    ],
)
@pytest.mark.requirement("R136")
def test_when_a_repeat_is_written_then_it_is_read_and_by_default_holds_for_critical_incidents_only(
    written: Any, meant: Repeat
) -> None:
    assert read(repeat=written).levels[0].repeat == meant


def test_when_a_level_repeats_then_it_needs_no_timeout() -> None:
    assert read(ack_timeout=None, repeat="5m").levels[0].ack_timeout is None


@pytest.mark.requirement("R042")
def test_when_times_differ_by_severity_then_each_is_read() -> None:
    timeout = {"after": "1h", "by_severity": {"SEV-1": "5m", "SEV-2": "15m", "3": 1800}}
    level = read(ack_timeout=timeout, start={"delay": "1h", "by_severity": {"sev1": "0s"}}).levels[0]

    assert level.ack_timeout == Timeout(3600, by_severity=((1, 300), (2, 900), (3, 1800)))
    assert level.start == Entry(3600, by_severity=((1, 0),))


def test_when_a_time_counts_back_from_the_sla_in_business_hours_then_both_are_read() -> None:
    timeout = {"after": "15m", "measured_from": "before_sla", "hours": "business", "otherwise": "4h"}
    start = {"delay": "15m", "measured_from": "before_sla"}
    level = read(resolve_timeout=timeout, start=start).levels[0]

    assert level.resolve_timeout == Timeout(900, MeasuredFrom.BEFORE_SLA, (), Hours.BUSINESS, 14_400)
    assert level.start == Entry(900, MeasuredFrom.BEFORE_SLA)


def test_when_the_end_and_the_beginnings_are_written_then_levels_count_from_one() -> None:
    data = a_policy(
        levels=[a_level(if_unreachable="wait"), a_level()],
        starts_at={"SEV-1": 2},
        inform_skipped=False,
        cycles=2,
        cycle_severities=["SEV-1"],
        final={"target": BOB, "every": "15m", "times": 8},
    )
    assert list(SCHEMA.iter_errors(data)) == []

    policy = policy_parse(data)

    assert policy.starts_at == ((1, 1),)
    assert policy.levels[0].if_unreachable is IfUnreachable.WAIT
    assert policy.final == Final(TargetDef(TargetKind.USER, "bob"), 900, 8)
    assert policy_dump(policy)["starts_at"] == {"SEV-1": 2}
    assert policy_parse(policy_dump(policy)) == policy


def test_when_a_policy_uses_nothing_new_then_its_document_is_the_one_stored_before() -> None:
    assert policy_dump(policy_parse(a_policy())) == {
        "levels": [
            {
                "name": "Primary",
                "duty": "",
                "start": {"delay": "0s", "measured_from": "previous"},
                "targets": [{"kind": "schedule", "ref": "payments", "role": "primary"}],
                "ack_timeout": {"after": "5m", "measured_from": "level"},
                "resolve_timeout": None,
                "ack_mode": "any",
            }
        ],
        "cycles": 1,
        "catch_all": [],
        "mitigated_satisfies_resolution": True,
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"repeat": {"every": "0s"}}, "repeat.every: must be longer than 0 seconds"),
        ({"repeat": {"every": "1m", "times": 0}}, "repeat.times: must be a whole number from 1 to 100"),
        ({"repeat": {"every": "1m", "times": "often"}}, "repeat.times: must be a whole number from 1 to 100"),
        ({"repeat": {"every": "1m", "severities": []}}, "repeat.severities: needs at least one entry"),
        (
            {"repeat": {"every": "1m", "severities": ["SEV-9"]}},
            "repeat.severities[0]: must be a severity from SEV-1 to SEV-5",
        ),
        ({"repeat": "5m"}, "repeat.every: is so long that the level has ended before it is told again"),
        (
            {"ack_timeout": {"after": "5m", "by_severity": {"worst": "1m"}}},
            "ack_timeout.by_severity.worst: must be a severity from SEV-1 to SEV-5",
        ),
        (
            {"ack_timeout": {"after": "5m", "by_severity": {"SEV-1": "1m", "1": "2m"}}},
            "ack_timeout.by_severity.1: names the same severity a second time",
        ),
        (
            {"ack_timeout": {"after": "5m", "by_severity": {"SEV-1": 0}}},
            "ack_timeout.by_severity.SEV-1: must be longer than 0 seconds",
        ),
        ({"ack_timeout": {"after": "5m", "by_severity": []}}, "ack_timeout.by_severity: must be an object with named fields"),
        (
            {"ack_timeout": {"after": "5m", "measured_from": "before_sla"}},
            "ack_timeout.otherwise: is needed: how long people have where the incident has no SLA",
        ),
        (
            {"ack_timeout": {"after": "5m", "otherwise": "1h"}},
            "ack_timeout.otherwise: belongs to what is measured before the end of the SLA only",
        ),
        ({"start": {"delay": "5m", "hours": "office"}}, "start.hours: must be one of all, business"),
        ({"if_unreachable": "cry"}, "if_unreachable: must be one of next_level, wait"),
    ],
)  # fmt: skip
def test_when_a_finer_point_is_wrong_then_the_message_says_where_and_what(change: dict[str, Any], problem: str) -> None:
    assert problems_of(a_policy(levels=[a_level(**change)])) == [f"levels[0].{problem}"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"starts_at": {"SEV-1": 2}}, "starts_at.SEV-1: names level 2 of 1"),
        ({"starts_at": {"SEV-1": 0}}, "starts_at.SEV-1: must be a whole number from 1 to 20"),
        ({"cycle_severities": "SEV-1"}, "cycle_severities: must be a list"),
        ({"final": {"target": BOB}}, 'final.every: must be a duration such as "5m", "90s" or "1h30m", or a whole number of seconds'),
        ({"final": {"target": {"kind": "user"}, "every": "5m"}}, "final.target.ref: must not be empty"),
        ({"final": {"target": BOB, "every": "5m", "times": 101}}, "final.times: must be a whole number from 1 to 100"),
    ],
)  # fmt: skip
def test_when_the_whole_has_a_wrong_part_then_the_message_says_where_and_what(
    change: dict[str, Any], problem: str
) -> None:
    assert problems_of(a_policy(**change)) == [problem]


# Allowed, and worth a second look.


@pytest.mark.requirement("R137")
@pytest.mark.requirement("R138")
def test_when_repeats_stand_on_severities_that_are_not_critical_then_there_is_a_warning_and_no_problem() -> None:
    policy = read(repeat={"every": "1m", "severities": ["SEV-2", "SEV-3", "SEV-4"]})

    assert warnings_of(policy) == [
        "levels[0].repeat.severities: People are told again for SEV-3, SEV-4: a single pass is enough where nothing is "
        "critical."
    ]
    assert warnings_of(read(repeat="1m")) == []


def test_when_the_whole_ladder_repeats_for_every_severity_then_there_is_a_warning() -> None:
    assert [warning.path for warning in policy_warnings(policy_parse(a_policy(cycles=2)))] == ["cycles"]
    assert warnings_of(policy_parse(a_policy(cycles=2, cycle_severities=["SEV-1"]))) == []


def test_when_not_all_repeats_come_before_the_level_ends_then_the_warning_counts_them() -> None:
    timeout = {"after": "1h", "by_severity": {"SEV-1": "5m"}}

    assert warnings_of(read(ack_timeout=timeout, repeat={"every": "2m", "times": 3})) == [
        "levels[0].repeat.times: At SEV-1 only 2 of 3 repeats come before the level ends after 5m."
    ]


# Who does what.

MIA = {"kind": "user", "ref": "mia"}


@pytest.mark.requirement("R292")
@pytest.mark.requirement("R095")
def test_when_a_level_has_a_raci_map_then_exactly_one_is_accountable_and_the_rest_are_lists() -> None:
    bob, mia = TargetDef(TargetKind.USER, "bob"), TargetDef(TargetKind.USER, "mia")
    policy = read(raci={"responsible": [BOB], "accountable": [MIA], "informed": [BOB, MIA]})

    assert policy.levels[0].raci == Raci((bob,), mia, (), (bob, mia))
    assert policy_parse(policy_dump(policy)) == policy


@pytest.mark.requirement("R292")
@pytest.mark.parametrize(
    ("raci", "problem"),
    [
        ({"responsible": [BOB]}, "accountable: must be exactly one person: whoever answers for the level"),
        (
            {"responsible": [BOB], "accountable": [BOB, MIA]},
            "accountable: must be exactly one person: whoever answers for the level",
        ),
        (
            {"responsible": [BOB], "accountable": {"kind": "team", "ref": "ops"}},
            "accountable: names several people, but exactly one may answer for the level",
        ),
        (
            {"responsible": [BOB], "accountable": {"kind": "schedule", "ref": "ops"}},
            "accountable: names several people, but exactly one may answer for the level",
        ),
        ({"accountable": MIA}, "responsible: needs at least one entry"),
        ({"responsible": [], "accountable": MIA}, "responsible: needs at least one entry"),
    ],
)
def test_when_a_raci_map_lacks_what_it_must_have_then_the_cell_is_named(raci: dict[str, Any], problem: str) -> None:
    assert problems_of(a_policy(levels=[a_level(raci=raci)])) == [f"levels[0].raci.{problem}"]


@pytest.mark.requirement("R292")
def test_when_cells_are_vacant_then_they_are_reported_and_the_policy_may_be_used() -> None:
    levels = [a_level(), a_level(raci={"responsible": [BOB], "accountable": MIA, "consulted": [MIA]})]
    policy = policy_parse(a_policy(levels=levels))

    assert [str(vacancy) for vacancy in policy_vacancies(policy)] == [
        "levels[0].raci: Nobody is named who is responsible and who is accountable for this level.",
        "levels[1].raci.informed: Nobody is named who is informed.",
    ]


@pytest.mark.requirement("R135")
def test_when_a_level_makes_it_a_major_incident_then_that_is_read_and_written_and_otherwise_left_out() -> None:
    policy = read(major=True)

    assert policy.levels[0].major
    assert policy_parse(policy_dump(policy)) == policy
    assert "major" not in policy_dump(read())["levels"][0]
    assert problems_of(a_policy(levels=[a_level(major="yes")])) == ["levels[0].major: must be true or false"]


@pytest.mark.requirement("R098")
def test_when_nobody_is_named_then_the_people_of_level_three_oversee_a_major_incident_or_those_of_the_last() -> None:
    names = ("ann", "bob", "cleo", "dora")
    levels = [a_level(targets=[{"kind": "user", "ref": name}]) for name in names]
    mia = {"kind": "user", "ref": "mia"}

    assert [one.ref for one in policy_parse(a_policy(levels=levels)).overseers] == ["cleo"]
    assert [one.ref for one in policy_parse(a_policy(levels=levels[:2])).overseers] == ["bob"]
    named = policy_parse(a_policy(levels=levels, overseer=mia))
    assert [one.ref for one in named.overseers] == ["mia"]
    assert named.all_targets[-1] == named.overseer
    assert policy_parse(policy_dump(named)) == named
    assert list(SCHEMA.iter_errors(policy_dump(named))) == []


def test_when_any_time_counts_business_hours_then_the_policy_says_that_it_needs_a_calendar() -> None:
    business = {"after": "5m", "hours": "business"}

    assert read(ack_timeout=business).uses_business_hours
    assert read(resolve_timeout=business).uses_business_hours
    assert read(start={"delay": "5m", "hours": "business"}).uses_business_hours
    assert not read().uses_business_hours
