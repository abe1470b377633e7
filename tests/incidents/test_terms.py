"""On which terms incidents are worked on: priority and SLA at the beginning, when things change, and as time runs down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from incidents.changes import Changes
from incidents.filters import IncidentFilter
from incidents.models import Incident, Service
from incidents.selectors.timeline import Wanted, timeline_of
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.priorities import priorities_raise
from incidents.services.terms import terms_renew, terms_set
from incidents.services.working import working
from incidents.tasks import escalation_check
from policies.books import PRIORITY, SLA, book_publish
from policies.models import BookVersion, WorkCalendar
from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World

OFFICE: list[dict[str, Any]] = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}]
TARGETS: dict[str, Any] = {
    "targets": [
        {"name": "Outages", "severity": ["SEV-1"], "acknowledge": "5m", "resolve": "4h"},
        {"name": "The rest", "resolve": "10h", "hours": "business"},
    ]
}


def promise(world: World, targets: dict[str, Any] = TARGETS) -> BookVersion:
    return book_publish(shape=SLA, definition=targets, author=world.cast.elena, at=world.now)


def calendar(**more: Any) -> WorkCalendar:
    values = {"name": "Rome", "slug": "rome", "zone": "Europe/Rome", "windows": OFFICE, "is_default": True}
    return WorkCalendar.objects.create(**{**values, **more})


def filed(world: World, severity: int = 3, title: str = "Slow", **more: Any) -> Incident:
    incident = incident_open(
        title=title,
        summary="",
        severity=severity,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
        **more,
    )
    world.settle()
    world.expect_page("marta", level=1)
    return incident


def lines(incident: Incident) -> list[str]:
    """The kinds of the timeline that say something of priority and SLA."""
    kinds = incident.timeline.order_by("id").values_list("kind", flat=True)
    return [kind for kind in kinds if kind.startswith(("incident.priority", "incident.sla"))]


# --- at the beginning


@pytest.mark.requirement("R334")
def test_when_nothing_is_published_then_the_priority_follows_the_severity_and_nothing_is_promised(world: World) -> None:
    incident = filed(world, severity=2)

    assert (incident.priority, incident.sla_due_at, incident.facts) == (2, None, {})


@pytest.mark.requirement("R305")
def test_when_an_incident_begins_then_its_priority_and_its_sla_are_those_of_the_books(world: World) -> None:
    version = promise(world)

    incident = filed(world, severity=1)

    assert incident.priority == 1
    assert incident.sla_due_at == world.now + timedelta(hours=4)
    assert incident.facts["sla"] == {
        "target": "Outages",
        "version": version.number,
        "hours": "all",
        "seconds": 4 * 3600,
        "priority": 1,
        "acknowledge_by": (world.now + timedelta(minutes=5)).isoformat(),
    }


@pytest.mark.requirement("R052")
def test_when_a_target_counts_working_hours_then_it_ends_in_those_of_the_services_calendar(world: World) -> None:
    promise(world)
    calendar()
    world.jump_to(datetime(2026, 12, 4, 16, tzinfo=UTC))  # Friday 17:00 in Rome

    by_default = filed(world, severity=3)
    Service.objects.filter(pk=world.cast.gateway.pk).update(
        calendar=calendar(name="Always", slug="always", windows=[{"start": "00:00", "end": "24:00"}], is_default=False)
    )
    world.cast.gateway.refresh_from_db()
    by_its_own = filed(world, severity=3)

    # An hour on Friday, nine on Monday.
    assert by_default.sla_due_at == datetime(2026, 12, 7, 17, tzinfo=UTC)
    assert by_its_own.sla_due_at == world.now + timedelta(hours=10)


@pytest.mark.requirement("R052")
@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        # Friday 17:00 in Rome. Ten hours around the clock end at three in the night; ten working hours on Monday at 18:00.
        ("all", datetime(2026, 12, 5, 1, 45, tzinfo=UTC)),
        ("business", datetime(2026, 12, 7, 16, 45, tzinfo=UTC)),
    ],
)
def test_when_a_level_is_linked_to_the_sla_then_it_is_called_that_long_before_the_promised_end(
    world: World, hours: str, expected: datetime
) -> None:
    promise(world, {"targets": [{"name": "Payments", "resolve": "10h", "hours": hours}]})
    calendar()
    definition = levels()
    definition["levels"][1]["start"] = {"delay": "15m", "measured_from": "before_sla"}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()
    world.jump_to(datetime(2026, 12, 4, 16, tzinfo=UTC))
    incident = filed(world)

    world.advance(seconds=(expected - world.now).total_seconds() - 1)
    world.expect_silence()
    world.advance(seconds=1)

    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)


@pytest.mark.requirement("R033")
def test_when_half_three_quarters_and_all_of_an_sla_are_used_up_then_the_step_of_each_mark_fires_in_working_time(
    world: World,
) -> None:
    promise(world, {"targets": [{"name": "Payments", "resolve": "60m", "hours": "business"}]})
    calendar()
    definition = levels()
    definition["levels"].append({"name": "The end", "targets": [{"kind": "user", "ref": "hugo"}], "ack_timeout": "5m"})
    for level, left in enumerate(("30m", "15m", "0m"), start=1):
        definition["levels"][level]["start"] = {"delay": left, "measured_from": "before_sla"}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()
    world.jump_to(
        datetime(2026, 12, 4, 16, 45, tzinfo=UTC)
    )  # Friday 17:45 in Rome: a quarter is left of the working week
    filed(world)

    # Of Monday, which begins at 9:00 in Rome: 50 %, 75 % and 100 % of the hour.
    for level, (minute, username) in enumerate(((15, "jonas"), (30, "elena"), (45, "hugo")), start=2):
        world.advance(seconds=(datetime(2026, 12, 7, 8, minute, tzinfo=UTC) - world.now).total_seconds() - 1)
        world.expect_silence()
        world.advance(seconds=1)
        world.expect_page(username, level=level)


def test_when_an_alert_opens_an_incident_then_it_has_its_terms_too(world: World) -> None:
    promise(world)

    world.alert(severity="critical")
    world.settle()

    world.expect_page("marta", level=1)
    assert world.incident.priority == 1
    assert world.incident.sla_due_at == world.incident.started_at + timedelta(hours=4)


def test_when_a_hundred_begin_together_then_the_books_and_calendars_are_read_once(world: World) -> None:
    promise(world)
    calendar()
    incidents = [
        Incident(title="x", severity=3, service=world.cast.gateway, started_at=world.now) for _count in range(100)
    ]
    terms_set(incidents[:1], at=world.now)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        terms_set(incidents, at=world.now)

    assert len(queries) == 4, [query["sql"] for query in queries]
    assert {incident.priority for incident in incidents} == {3}


def test_when_a_stored_book_cannot_be_read_then_the_incident_still_begins(world: World) -> None:
    version = promise(world)
    BookVersion.objects.create(
        book="sla", number=version.number + 1, definition={"targets": "?"}, digest="0" * 64, created_at=world.now
    )

    incident = filed(world, severity=1)

    assert (incident.priority, incident.sla_due_at) == (1, None)


# --- when things change


def renewed(world: World, incident: Incident, **values: Any) -> list[Incident]:
    with working(incident.pk, actor=world.cast.marta, at=world.now, source="web") as work:
        work.changes.set(work.incident, "incident.severity", **values)
        moved = terms_renew([work.incident], changes=work.changes)
    incident.refresh_from_db()
    return moved


def test_when_the_severity_gets_worse_then_priority_and_sla_are_those_of_the_new_one(world: World) -> None:
    promise(world)
    calendar()
    incident = filed(world, severity=3)
    world.jump(minutes=20)

    moved = renewed(world, incident, severity=1)

    assert moved == [incident]
    assert incident.priority == 1
    assert incident.sla_due_at == incident.started_at + timedelta(hours=4)
    assert incident.facts["sla"]["target"] == "Outages"
    assert lines(incident) == ["incident.priority", "incident.sla"]
    entry = LedgerEntry.objects.get(action="incident.terms")
    before, after, data = entry.before or {}, entry.after or {}, entry.data or {}
    assert (before["priority"], after["priority"]) == (3, 1)
    assert data["sla"]["target"] == "Outages"


def test_when_impact_and_urgency_become_known_then_the_matrix_decides(world: World) -> None:
    incident = filed(world, severity=4)

    moved = renewed(world, incident, impact=1, urgency=2)

    assert (moved, incident.priority) == ([], 1)


def test_when_nothing_follows_from_a_change_then_nothing_is_written(world: World) -> None:
    promise(world)
    incident = filed(world, severity=1)

    renewed(world, incident, environment="staging")

    assert lines(incident) == []
    assert not LedgerEntry.objects.filter(action="incident.terms").exists()


def test_when_the_targets_change_then_incidents_under_way_keep_what_was_promised(world: World) -> None:
    promise(world)
    incident = filed(world, severity=1)
    promise(world, {"targets": [{"name": "Slower", "resolve": "40h"}]})

    world.jump(hours=3, minutes=30)
    priorities_raise(at=world.now)

    incident.refresh_from_db()
    assert incident.sla_due_at == incident.started_at + timedelta(hours=4)
    assert incident.facts["sla"]["target"] == "Outages"


# --- as time runs down


@pytest.mark.requirement("R305")
def test_when_sla_time_runs_down_then_the_priority_rises_at_each_threshold_and_low_ones_stay_filtered(
    world: World,
) -> None:
    promise(world, {"targets": [{"name": "Payments", "severity": ["SEV-4"], "resolve": "10h"}]})
    running = filed(world, severity=4, title="Payments are slow")
    resting = filed(world, severity=5, title="A typo")
    for incident in (running, resting):
        incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    def urgent() -> list[Incident]:
        return list(IncidentFilter({"priority": ["1", "2"]}, queryset=Incident.objects.all()).qs)

    seen = []
    for hours in (4.9, 0.1, 3, 0, 5):
        world.jump(hours=hours)
        escalation_check()
        running.refresh_from_db()
        seen.append((running.priority, urgent()))

    assert seen == [(4, []), (3, []), (2, [running]), (2, [running]), (2, [running])]
    resting.refresh_from_db()
    assert resting.priority == 5
    assert lines(running) == ["incident.priority_sla"] * 2
    entries = LedgerEntry.objects.filter(action="incident.priority").order_by("id")
    assert [(entry.before, entry.after, entry.data) for entry in entries] == [
        ({"priority": 4}, {"priority": 3}, {"percent": 50}),
        ({"priority": 3}, {"priority": 2}, {"percent": 80}),
    ]


def test_when_an_sla_counts_working_hours_then_its_thresholds_wait_for_them(world: World) -> None:
    promise(world)
    calendar()
    world.jump_to(datetime(2026, 12, 4, 16, tzinfo=UTC))  # Friday 17:00 in Rome, ten hours of work
    incident = filed(world, severity=3)

    world.jump_to(datetime(2026, 12, 7, 11, 59, tzinfo=UTC))
    assert priorities_raise(at=world.now) == 0
    world.jump(minutes=1)

    assert priorities_raise(at=world.now) == 1
    incident.refresh_from_db()
    assert incident.priority == 2


def test_when_the_check_runs_twice_then_the_priority_rises_once(world: World) -> None:
    promise(world)
    calendar()
    filed(world, severity=3)
    world.jump(days=30)

    assert [priorities_raise(at=world.now) for _time in range(2)] == [1, 0]
    assert Incident.objects.get().priority == 1


def test_when_an_incident_is_resolved_then_its_priority_rests(world: World) -> None:
    promise(world)
    incident = filed(world, severity=3)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    world.jump(days=30)

    assert priorities_raise(at=world.now) == 0


def test_when_one_incident_cannot_rise_then_the_others_still_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    promise(world)
    poisoned, other = filed(world, severity=3), filed(world, severity=3)
    world.jump(days=30)
    whole = Changes.set

    def strange(self: Changes, incident: Incident, *args: Any, **values: Any) -> None:
        if incident.pk == poisoned.pk:
            raise ValueError("strange")
        whole(self, incident, *args, **values)

    monkeypatch.setattr(Changes, "set", strange)

    assert priorities_raise(at=world.now) == 1
    other.refresh_from_db()
    assert other.priority == 1


def test_when_nothing_is_promised_then_looking_costs_two_queries(world: World) -> None:
    filed(world, severity=3)

    with CaptureQueriesContext(connection) as queries:
        priorities_raise(at=world.now)

    assert len(queries) == 2


def test_when_the_priority_rose_then_the_timeline_says_why(world: World) -> None:
    promise(world)
    incident = filed(world, severity=3)
    world.jump(days=30)
    priorities_raise(at=world.now)

    said = [
        str(line.sentence)
        for line in timeline_of(incident, reader=world.cast.amara, wanted=Wanted(), at=world.now).lines
    ]

    assert any("percent of the SLA’s time has passed" in sentence for sentence in said)


def test_when_no_threshold_is_set_then_no_incident_is_looked_at(world: World) -> None:
    promise(world)
    book_publish(shape=PRIORITY, definition={"thresholds": []}, author=world.cast.elena, at=world.now)
    filed(world, severity=3)
    world.jump(days=30)

    assert priorities_raise(at=world.now) == 0
