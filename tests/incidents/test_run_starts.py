"""How a run begins and what it counts by: higher up, with less time, straight to specialists, by an SLA, in business hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import EscalationRun, Incident, Page, Stage
from incidents.selectors.ladder import ladder_of
from incidents.selectors.severity import severity_effect
from incidents.selectors.steps import standing_of
from incidents.services.escalator import Escalator, RunStart
from incidents.services.lifecycle import incident_acknowledge, incident_reopen, incident_resolve
from incidents.services.severity import incident_severity
from incidents.wording import why_text
from policies.books import SLA, book_publish
from policies.definition import TargetDef, TargetKind
from policies.escalation import RunState
from policies.models import WorkCalendar
from policies.reasons import why_words
from tests.incidents.running import begun, level, publish
from tests.world.harness import NIGHT, World

MARTA: dict[str, Any] = {"kind": "schedule", "ref": "payments", "role": "primary"}
JONAS: dict[str, Any] = {"kind": "user", "ref": "jonas"}
ELENA: dict[str, Any] = {"kind": "user", "ref": "elena"}
TOMAS = TargetDef(TargetKind.USER, "tomas")
NILS = TargetDef(TargetKind.USER, "nils")
WORST = {"name": "Worst", "severity": ["SEV-1"], "resolve": "1h"}
MILD = {"name": "Mild", "severity": ["SEV-3"], "resolve": "4h"}
MINUTE = timedelta(minutes=1)


def state_of(incident: Incident) -> RunState:
    return RunState.from_json(EscalationRun.objects.get(incident=incident).state)


def paged(incident: Incident) -> list[tuple[str, int, str]]:
    """(whom, level, the kind of the reason) in order."""
    pages = Page.objects.filter(incident=incident).select_related("recipient").order_by("pk")
    return [(page.recipient.username, page.level + 1, page.why.get("kind", "")) for page in pages]


@pytest.mark.requirement("R074")
def test_a_run_that_begins_higher_up_with_half_the_time_calls_those_levels_in_half_the_time(world: World) -> None:
    publish(world, level(MARTA), level(JONAS), level(ELENA))

    begun(world, severity=2, first_level=1, timers_percent=50)

    world.expect_page("jonas", level=2)
    world.expect_notice("marta")
    world.advance(minutes=4, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("elena", level=3)


@pytest.mark.requirement("R067")
def test_specialists_that_a_rule_sends_for_are_paged_with_the_first_level_each_once(world: World) -> None:
    publish(world, level(MARTA), level(JONAS))

    incident = begun(world, straight_to=(TOMAS, TargetDef(TargetKind.USER, "marta"), NILS))

    assert paged(incident) == [("marta", 1, "schedule"), ("tomas", 1, "rule"), ("nils", 1, "rule")]
    for name in ("marta", "tomas", "nils"):
        world.expect_page(name, level=1)
    world.advance(minutes=10)
    world.expect_page("jonas", level=2)
    run = EscalationRun.objects.get(incident=incident)
    assert [one["ref"] for one in run.straight_to] == ["tomas", "marta", "nils"]


def test_what_a_specialist_reads_says_that_a_rule_sent_for_them() -> None:
    assert why_text({"kind": "rule", "as": "user"}) == "A rule sends incidents like this one straight to you."
    assert why_words({"kind": "rule"}) == "sent for by a rule"


def test_specialists_are_sent_for_again_when_the_incident_is_reopened_and_not_by_the_next_round(world: World) -> None:
    publish(world, level(MARTA), cycles=2)
    incident = begun(world, straight_to=(TOMAS,))
    world.expect_page("marta")
    world.expect_page("tomas")

    world.advance(minutes=10)
    world.expect_page("marta")
    world.expect_silence()

    incident_resolve(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    world.advance(minutes=1)
    incident_reopen(incident_id=incident.pk, actor=world.cast.jonas, reason="Not over", at=world.now)
    world.settle()
    world.expect_page("marta")
    world.expect_page("tomas")
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.tomas, at=world.now)
    world.advance(hours=2)


def test_specialists_without_anybody_on_the_level_are_called_and_nothing_is_skipped(world: World) -> None:
    publish(world, level({"kind": "user", "ref": "nobody"}), level(JONAS))

    incident = begun(world, straight_to=(TOMAS,))

    world.expect_page("tomas", level=1)
    assert not incident.timeline.filter(kind="escalation.skip_level").exists()
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.tomas, at=world.now)
    world.advance(hours=1)


@pytest.mark.requirement("R052")
def test_a_level_before_the_end_of_the_sla_is_called_at_that_minute(world: World) -> None:
    """The SLA ends in an hour; the second level is wanted a quarter of an hour before that."""
    publish(world, level(MARTA), level(JONAS, start={"delay": "15m", "measured_from": "before_sla", "otherwise": "5m"}))

    incident = begun(world, sla_due_at=world.now + 60 * MINUTE)

    world.expect_page("marta")
    world.advance(minutes=44, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    assert state_of(incident).sla_due_at == NIGHT + 60 * MINUTE


@pytest.mark.requirement("R056")
def test_another_severity_has_another_sla_and_the_run_counts_by_that(world: World) -> None:
    book_publish(shape=SLA, definition={"targets": [WORST, MILD]}, author=None, at=world.now)
    publish(
        world,
        level(MARTA, ack_timeout={"after": "15m", "measured_from": "before_sla", "otherwise": "5m"}),
        level(JONAS),
    )
    incident = begun(world, severity=3, sla_due_at=world.now + timedelta(hours=4))
    world.expect_page("marta")
    assert state_of(incident).ack_due_at == NIGHT + timedelta(hours=3, minutes=45)

    incident_severity(incident_id=incident.pk, severity=1, actor=world.cast.jonas, at=world.now)

    incident.refresh_from_db()
    assert incident.sla_due_at == NIGHT + timedelta(hours=1)
    assert state_of(incident).ack_due_at == NIGHT + timedelta(minutes=45)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    world.advance(hours=5)


def office(*, default: bool = True, name: str = "Office") -> WorkCalendar:
    """Nine to five in Rome, from Monday to Friday."""
    return WorkCalendar.objects.create(
        name=name,
        slug=name.lower(),
        zone="Europe/Rome",
        windows=[{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}],
        is_default=default,
    )


MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""09:00 in Rome, after the Sunday on which the tests begin."""
BUSINESS = {"after": "30m", "hours": "business"}


@pytest.mark.requirement("R052")
def test_time_that_counts_business_hours_only_stands_still_at_night_and_at_the_weekend(world: World) -> None:
    office()
    publish(world, level(MARTA, ack_timeout=BUSINESS), level(JONAS))

    incident = begun(world, severity=3)

    world.expect_page("marta")
    run = EscalationRun.objects.get(incident=incident)
    assert run.next_due_at == MONDAY + 30 * MINUTE
    standing = standing_of(incident, run, at=world.now)
    assert standing.at == run.next_due_at
    assert ladder_of(incident, run, at=world.now).next_at == run.next_due_at
    world.jump_to(MONDAY + 30 * MINUTE)
    world.settle()
    world.expect_page("jonas", level=2)


def test_the_service_s_own_calendar_counts_before_that_of_the_house(world: World) -> None:
    office()
    always = WorkCalendar.objects.create(
        name="Always", slug="always", windows=[{"start": "00:00", "end": "24:00"}], is_default=False
    )
    world.cast.gateway.calendar = always
    world.cast.gateway.save()
    publish(world, level(MARTA, ack_timeout=BUSINESS), level(JONAS))

    incident = begun(world, severity=3)

    world.expect_page("marta")
    assert EscalationRun.objects.get(incident=incident).next_due_at == NIGHT + 30 * MINUTE
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


def test_calendars_are_read_once_for_a_batch_and_not_at_all_where_nobody_asks(world: World) -> None:
    office()
    publish(world, level(MARTA), level(JONAS))
    plain = calendar_reads(world, begin=3)
    publish(world, level(MARTA, ack_timeout=BUSINESS), level(JONAS))

    assert (plain, calendar_reads(world, begin=3)) == (0, 1)


def calendar_reads(world: World, *, begin: int) -> int:
    """How often the calendars are read while so many runs begin in one batch."""
    version = world.cast.policy.versions.order_by("-number").first()
    assert version is not None
    service = world.cast.gateway
    incidents = [
        Incident(
            title="Case",
            severity=3,
            service=service,
            team=service.team,
            stage=Stage.objects.get(key="new"),
            source=Incident.Source.PERSON,
            started_at=world.now,
        )
        for _number in range(begin)
    ]
    with (
        CaptureQueriesContext(connection) as seen,
        transaction.atomic(),
    ):
        rows_insert(incidents)
        changes = Changes(at=world.now)
        escalator = Escalator(changes)
        escalator.start([RunStart(incident, version) for incident in incidents])
        escalator.settle()
        changes.write()
        transaction.set_rollback(True)
    return sum("policies_workcalendar" in one["sql"] for one in seen.captured_queries)


@pytest.mark.requirement("R135")
def test_the_level_that_makes_it_a_major_incident_declares_it_when_it_is_called_and_its_overseer_is_told(
    world: World,
) -> None:
    publish(world, level(MARTA), level(JONAS, major=True), overseer=ELENA)
    incident = begun(world)
    world.expect_page("marta")
    assert not Incident.objects.exclude(major_at=None).exists()

    world.advance(minutes=10)

    world.expect_page("jonas", level=2)
    world.expect_notice("elena")
    incident.refresh_from_db()
    assert (incident.major_at, incident.overseer) == (NIGHT + 10 * MINUTE, world.cast.elena)
    assert LedgerEntry.objects.filter(subject=incident.subject, action="incident.major").count() == 1
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)


@pytest.mark.requirement("R056")
def test_the_preview_of_another_severity_counts_by_its_sla_as_the_change_then_does(world: World) -> None:
    book_publish(shape=SLA, definition={"targets": [WORST, MILD]}, author=None, at=world.now)
    before_the_end = {"after": "15m", "measured_from": "before_sla", "otherwise": "5m"}
    publish(world, level(MARTA, ack_timeout=before_the_end), level(JONAS))
    incident = begun(world, severity=3, sla_due_at=world.now + timedelta(hours=4))
    world.expect_page("marta")
    run = EscalationRun.objects.select_related("policy_version").get(incident=incident)

    effect = severity_effect(incident, run, severity=1, at=world.now)
    incident_severity(incident_id=incident.pk, severity=1, actor=world.cast.jonas, at=world.now)

    assert (effect.next_before, effect.next_at) == (NIGHT + timedelta(hours=3, minutes=45), NIGHT + 45 * MINUTE)
    assert state_of(incident).next_due_at == effect.next_at
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
