"""Process checks: what each finds, from plain values, with exactly the incidents it counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.definition import policy_parse
from reports.process.patterns import (
    cluster_findings,
    loudness,
    misrouting_findings,
    noise_findings,
    priority_findings,
    rerouted,
    reviewed_findings,
    severity_findings,
)
from reports.process.people import fatigue_findings, loads
from reports.process.timers import Timed, nice, timer_findings, timer_table
from reports.process.values import Called, Case, Change, Ground
from tests.world.cast import levels

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
GATEWAY = 7
MARTA, JONAS = 1, 2


def case(pk: int, *, ack: float | None = None, resolve: float | None = None, **more: Any) -> Case:
    """An incident of the gateway, a day after the one before; acknowledged and resolved so many minutes later."""
    started = more.pop("started", NOON + timedelta(days=pk))
    values: dict[str, Any] = {
        "title": f"Queue {pk} is long", "service": GATEWAY, "team": 1, "severity": 3, "source": "monitoring", "key": "",
        "alerts": 1, "reviewed": False, **more,
    }  # fmt: skip
    return Case(
        pk=pk,
        started=started,
        acknowledged=None if ack is None else started + timedelta(minutes=ack),
        resolved=None if resolve is None else started + timedelta(minutes=resolve),
        **values,
    )


def ground(
    cases: Sequence[Case], *, called: Sequence[Called] = (), changes: Sequence[Change] = (), **more: Any
) -> Ground:
    return Ground(
        cases={one.pk: one for one in cases},
        called=called,
        changes=changes,
        people={MARTA: ("Marta Ferri", "Europe/Rome"), JONAS: ("Jonas de Wit", "Europe/Amsterdam")},
        services={GATEWAY: ("Payments gateway", "payments-gateway")},
        days=28,
        at=NOON + timedelta(days=28),
        teams={1: "Payments", 2: "Platform"},
        **more,
    )


def page(incident: Case, *, after: float = 0, level: int = 0, person: int = MARTA, answered: bool = True) -> Called:
    at = incident.started + timedelta(minutes=after)
    return Called(incident.pk, person, 1, level, 0, at, answered, False)


def policy(ack: str) -> list[Timed]:
    definition = policy_parse(levels(ack=(ack, "5m", "5m")))
    return [Timed(1, "Critical payments", "/policies/critical-payments/edit/", definition.levels)]


# --- timers


@pytest.mark.requirement("R261")
def test_when_answers_come_after_the_timeout_then_a_longer_one_is_suggested_with_the_incidents_that_ran_out() -> None:
    slow = [case(pk, ack=minutes) for pk, minutes in enumerate((7, 8, 9, 9), 1)]
    quick = [case(pk, ack=2) for pk in (5, 6)]
    called = [page(one) for one in (*slow, *quick)] + [page(one, after=5, level=1, person=JONAS) for one in slow]
    (found,) = timer_findings(ground([*slow, *quick], called=called), policy("5m"))
    assert found.said == (
        "“Primary on call” of Critical payments has 5 min to answer, and its people need longer: try 10 min."
    )
    assert found.why.startswith("67% of 6 calls ran out. Acknowledged after 7 min")
    assert list(found.incidents) == [1, 2, 3, 4]
    assert found.link == "/policies/critical-payments/edit/"


def test_when_every_answer_comes_much_sooner_then_a_shorter_timeout_is_suggested() -> None:
    cases = [case(pk, ack=1) for pk in range(1, 7)]
    (found,) = timer_findings(ground(cases, called=[page(one) for one in cases]), policy("30m"))
    assert found.said.endswith("waits 30 min, and its answers come much sooner: try 2 min.")


def test_when_the_timeout_fits_or_too_few_answered_then_nothing_is_said() -> None:
    cases = [case(pk, ack=4) for pk in range(1, 7)]
    called = [page(one) for one in cases]
    assert timer_findings(ground(cases, called=called), policy("5m")) == []
    assert timer_findings(ground(cases, called=called[:4]), policy("30m")) == []


def test_when_a_value_is_suggested_then_it_is_one_that_people_would_choose() -> None:
    assert [nice(seconds) for seconds in (1, 61, 481, 90_000)] == [30, 120, 600, 86_400]


@pytest.mark.requirement("R187")
def test_when_timers_are_looked_at_then_each_stands_beside_median_and_p90_with_what_to_set_it_to() -> None:
    slow = [case(pk, ack=minutes, resolve=90) for pk, minutes in enumerate((7, 8, 9, 9), 1)]
    quick = [case(pk, ack=2, resolve=20) for pk in (5, 6)]
    called = [page(one) for one in (*slow, *quick)] + [page(one, after=5, level=1, person=JONAS) for one in slow]
    definition = policy_parse(levels(ack=("5m", "5m", "5m"), resolve=(None, "1h", None)))
    timed = [Timed(1, "Critical payments", "", definition.levels)]
    found = timer_table(ground([*slow, *quick], called=called), timed)
    assert found.heads[2:] == ("set to", "answers", "median", "p90", "suggested")
    assert [tuple(row) for row in found.rows] == [
        ("Critical payments: Primary on call", "acknowledge", "5 min", "6", "7 min", "9 min", "10 min"),
        # Four answers only: what they were is said, and nothing made of it.
        ("Critical payments: Backup and senior", "acknowledge", "5 min", "4", "3 min", "4 min", "too few answers"),
        ("Critical payments: Backup and senior", "resolve", "1 h", "4", "1 h 30 min", "1 h 30 min", "too few answers"),
    ]


def test_when_a_timeout_is_of_business_hours_then_answers_are_measured_in_those_of_the_service() -> None:
    """An hour on the clock is ten minutes of work here; another service has no calendar, and counts around the clock."""
    document = levels(ack=("30m", "5m", "5m"), resolve=("20m", None, None))
    for name in ("ack_timeout", "resolve_timeout"):
        document["levels"][0][name]["hours"] = "business"
    timed = [Timed(1, "Critical payments", "", policy_parse(document).levels)]
    cases = [case(pk, ack=60, resolve=180) for pk in range(1, 6)] + [case(6, ack=12, resolve=12, service=8)]
    working = {GATEWAY: lambda since, until: int((until - since).total_seconds() / 6)}
    asked = ground(cases, called=[page(one) for one in cases], working=working)
    assert [row[1:] for row in timer_table(asked, timed).rows] == [
        ("acknowledge", "30 min of working hours", "6", "10 min", "12 min", "as it is"),
        ("resolve", "20 min of working hours", "6", "30 min", "30 min", "30 min of working hours"),
    ]
    (found,) = timer_findings(asked, timed)
    assert "has 20 min of working hours to resolve" in found.said
    assert list(found.incidents) == [1, 2, 3, 4, 5]
    fits = [case(pk, ack=4) for pk in range(1, 7)]
    (row,) = timer_table(ground(fits, called=[page(one) for one in fits]), policy("5m")).rows
    assert row[-1] == "as it is"


# --- people


@pytest.mark.requirement("R261")
def test_when_somebody_is_woken_three_nights_a_week_then_the_finding_names_them_and_the_causes() -> None:
    nights = [case(pk, ack=1, started=NOON + timedelta(days=2 * pk, hours=13)) for pk in range(1, 13)]
    days = [case(pk, ack=1, started=NOON + timedelta(days=pk)) for pk in range(20, 26)]
    called = [page(one) for one in nights] + [page(one, person=JONAS) for one in days]
    (found,) = fatigue_findings(ground([*nights, *days], called=called))
    assert found.said == "Marta Ferri got 12 pages, 3.0 a week, on 12 nights."
    assert "Payments gateway (100%)" in found.why
    assert list(found.incidents) == [one.pk for one in nights]


@pytest.mark.requirement("R188")
def test_when_people_are_paged_then_each_has_counts_by_hour_and_by_repeat_on_their_own_clock() -> None:
    nights = [case(pk, ack=1, started=NOON + timedelta(days=2 * pk, hours=13)) for pk in range(1, 13)]
    again = [page(nights[0], after=minutes) for minutes in (5, 10)]
    one = page(nights[1], person=JONAS, after=120)
    found = ground(nights, called=[*map(page, nights), *again, one])
    # One in the morning in UTC is two in Rome.
    assert loads(found).rows[0] == ("Marta Ferri", "14", "2", "14", "02:00 14")
    assert loads(found).rows[1] == ("Jonas de Wit", "1", "0", "1", "04:00 1")
    (listed,) = fatigue_findings(found)
    assert listed.weight == "act"
    assert "repeats: 2." in listed.why


# --- patterns


def test_when_incidents_end_without_anybody_or_come_again_at_once_then_their_source_is_noisy() -> None:
    alone = [case(pk, resolve=5) for pk in range(1, 5)]
    first = case(5, ack=1, resolve=10, key="am:disk")
    again = case(6, ack=1, resolve=10, key="am:disk", started=first.started + timedelta(hours=3))
    real = case(7, ack=1, resolve=10)
    (found,) = noise_findings(ground([*alone, first, again, real]))
    assert found.said == "Payments gateway: 5 of 7 incidents were noise (71%)."
    assert list(found.incidents) == [1, 2, 3, 4, 6]
    assert found.weight == "act"


def test_when_incidents_change_their_team_within_an_hour_then_they_were_sent_the_wrong_way() -> None:
    cases = [case(pk) for pk in (1, 2, 3)]
    moved = [
        Change(one.pk, "incident.team", one.started + timedelta(minutes=wait), "Payments", "Platform")
        for one, wait in zip(cases, (5, 59, 61), strict=True)
    ]
    (found,) = misrouting_findings(ground(cases, changes=moved))
    assert found.said == "2 incidents of Payments gateway went from Payments to Platform within an hour."
    assert list(found.incidents) == [1, 2]


@pytest.mark.requirement("R030")
def test_when_noise_is_looked_at_then_alerts_incidents_and_pages_stand_beside_each_other() -> None:
    cases = [case(1, ack=1, resolve=10, alerts=7), case(2, resolve=5, alerts=3)]
    found = loudness(ground(cases, called=[page(cases[0]), page(cases[0], level=1), page(cases[1])]))
    assert [tuple(row) for row in found.rows] == [
        ("Alerts from monitors", "10", "5.0"),
        ("Incidents", "2", "1.0"),
        ("Pages", "3", "1.5"),
        ("Incidents that were noise", "1", "50%"),
    ]


@pytest.mark.requirement("R066")
def test_when_a_team_hands_incidents_on_at_once_then_the_share_sent_away_is_that_of_what_it_had_first() -> None:
    stayed = [case(pk) for pk in (1, 2)]
    sent, late = [case(pk, team=2) for pk in (3, 4)]
    moved = [
        Change(sent.pk, "incident.team", sent.started + timedelta(minutes=20), "Payments", "Platform"),
        Change(late.pk, "incident.team", late.started + timedelta(minutes=90), "Payments", "Platform"),
    ]
    house = rerouted(ground([*stayed, sent, late, case(5, team=2)], changes=moved))
    assert list(house.rows) == [("Payments", "4", "1", "25%"), ("Platform", "1", "0", "0%")]
    # Of Payments alone: what it has now, and what went away from it.
    left = {one.pk: one for one in (sent, late)}
    own = ground(stayed, changes=moved, left=left, chosen=frozenset({"Payments"}))
    assert list(rerouted(own).rows) == [("Payments", "4", "1", "25%")]
    (found,) = misrouting_findings(own)
    assert list(found.incidents) == [sent.pk]


@pytest.mark.requirement("R189")
def test_when_reviews_confirm_severities_then_how_many_were_right_too_mild_and_too_severe_is_said() -> None:
    reviewed = [case(pk, severity=2, reviewed=True, resolve=60) for pk in range(1, 9)]
    others = [case(pk, severity=2, resolve=60) for pk in (9, 10)]
    wrong = {1: "SEV-4", 2: "SEV-3", 3: "SEV-1", 9: "SEV-5"}
    changes = [Change(pk, "incident.severity", NOON, before, "SEV-2") for pk, before in wrong.items()]
    (found,) = reviewed_findings(ground([*reviewed, *others], changes=changes))
    assert found.said == "Of 8 reviewed incidents, 5 began with the severity they deserved (62%)."
    assert found.why == "Too mild: 2 (25%); too severe: 1 (12%)."
    assert (found.weight, list(found.incidents)) == ("act", [1, 2, 3])
    assert reviewed_findings(ground(others)) == []


def test_when_severities_are_changed_then_the_source_is_held_against_what_it_ended_with() -> None:
    cases = [case(pk, source="person", severity=2 if pk < 3 else 3, reviewed=pk == 1) for pk in range(1, 9)]
    changes = [
        Change(1, "incident.severity", NOON, "SEV-4", "SEV-3"),
        Change(1, "incident.severity", NOON, "SEV-3", "SEV-2"),
        Change(2, "incident.severity", NOON, "SEV-1", "SEV-2"),
        Change(3, "incident.severity", NOON, "SEV-3", "SEV-4"),
        Change(3, "incident.severity", NOON, "SEV-4", "SEV-3"),
    ]
    (found,) = severity_findings(ground(cases, changes=changes))
    assert found.said == "2 of 8 incidents from people changed their severity (25%)."
    assert found.why == "1 began too mild, 1 too severe; 1 of them are confirmed by a review."
    assert list(found.incidents) == [1, 2]


@pytest.mark.requirement("R189")
def test_when_priorities_are_changed_then_how_many_began_too_low_or_too_high_is_said() -> None:
    cases = [case(pk) for pk in range(1, 11)]
    changes = [
        Change(1, "incident.priority", NOON, "P3", "P2"),
        Change(1, "incident.priority", NOON, "P2", "P1"),
        Change(2, "incident.priority", NOON, "P2", "P4"),
        Change(3, "incident.priority", NOON, "P2", "P4"),
        Change(3, "incident.priority", NOON, "P4", "P2"),
        Change(4, "incident.severity", NOON, "SEV-2", "SEV-1"),
    ]
    (found,) = priority_findings(ground(cases, changes=changes))
    assert found.said == "2 of 10 incidents changed their priority (20%)."
    assert found.why == "1 began too low, 1 too high. What the time of an SLA raised is left out."
    assert (found.weight, list(found.incidents)) == ("act", [1, 2])
    assert priority_findings(ground(cases[:4], changes=changes)) == []


@pytest.mark.requirement("R308")
def test_when_five_incidents_are_alike_then_they_are_a_cluster_with_its_suspected_cause_and_a_proposal() -> None:
    alike = [case(pk, resolve=60, cause="Connection pool too small" if pk > 2 else "") for pk in range(1, 6)]
    other = [case(6, title="Certificate ran out"), case(7, title="Certificate ran out")]
    (found,) = cluster_findings(ground([*alike, *other]))
    assert found.said == "“Queue 5 is long” on Payments gateway came 5 times."
    assert found.why == (
        "About every 1.0 days; 5 hours until they were resolved, taken together. "
        "Suspected cause: “Connection pool too small”, written on 3 of them."
    )
    assert list(found.incidents) == [1, 2, 3, 4, 5]
    assert found.problem
