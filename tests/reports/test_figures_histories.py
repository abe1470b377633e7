"""Whatever happened to incidents, the kept figures are what counting each of them says: random histories, several zones, a clock change."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.forms.models import model_to_dict
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.models import Incident, Page, TimelineEvent
from policies.models import WorkCalendar
from reports.figures.counting import counts_by, hours_of_week, loads_of, spread_of, value_of, values_by
from reports.figures.definitions import METRICS, NOT, WAITING, Kind
from reports.figures.keeping import figures_follow, figures_rebuild
from reports.figures.reading import days_read, incident_columns, page_columns, restricted_seen
from reports.models import DayFigures, IncidentFigures, PageFigures
from reports.narrow import OLD, TITLES, behind
from reports.selectors import Scope
from tests.reports.histories import HISTORIES, SHORT, History, scope_of
from tests.reports.lists import lists_compare
from tests.world.harness import world_made

ZONES = ("UTC", "Europe/Rome", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")
ROME = ZoneInfo("Europe/Rome")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
SUNDAY = 6


def kept() -> list[dict[str, Any]]:
    rows: list[Any] = [*IncidentFigures.objects.order_by("pk"), *PageFigures.objects.order_by("pk")]
    days = DayFigures.objects.order_by("kind", "day").values("kind", "day", "count", "data")
    return [*map(model_to_dict, rows), *({**day, "data": bytes(day["data"])} for day in days if day["count"])]


def house_calendar() -> None:
    """Office hours of the week in Rome, and the night from Saturday to Sunday, in which the clocks go forward."""
    windows = [
        {"days": list(WEEKDAYS), "start": "09:00", "end": "18:00"},
        {"days": ["sun"], "start": "00:00", "end": "06:00"},
    ]
    WorkCalendar.objects.create(name="House", slug="house", zone="Europe/Rome", windows=windows, is_default=True)


def worked(start: datetime, end: datetime) -> int:
    """Seconds in which the house's calendar was open: day by day, on the clock."""
    found, day = timedelta(0), start.astimezone(ROME).date()
    while day <= end.astimezone(ROME).date():
        opens, closes = (0, 6) if day.weekday() == SUNDAY else (9, 18) if day.weekday() < len(WEEKDAYS) else (0, 0)
        since, until = (datetime.combine(day, time(hour), ROME).astimezone(UTC) for hour in (opens, closes))
        found += max(min(end, until) - max(start, since), timedelta(0))
        day += timedelta(days=1)
    return int(found // timedelta(seconds=1))


def elapsed(start: datetime, end: datetime) -> int:
    return max(int((end - start).total_seconds() // 1), 0)


Ends = tuple[datetime | None, datetime | None]


def ends_of(incident: Incident) -> dict[str, Ends]:
    """From when until when each time runs, read from the incident's own history, lines and pages."""
    known = incident.history.earliest("history_id").history_date
    began, taken, done = incident.started_at, incident.acknowledged_at, incident.resolved_at
    well = incident.mitigated_at or done
    rungs: dict[tuple[int, int], datetime] = {}
    for page in Page.objects.filter(incident=incident).order_by("created_at", "cycle", "level"):
        rungs.setdefault((page.cycle, page.level), page.created_at)
    escalated = sorted(rungs.values())[1] if len(rungs) > 1 else None
    lines = TimelineEvent.objects.filter(incident=incident).values_list("kind", "at")
    passed = min(
        [at for kind, at in lines if kind == "incident.team"] + [at for at in (escalated,) if at], default=None
    )
    takers = ("incident.acknowledge", "incident.reassign")
    took = min((at for kind, at in lines if kind in takers and passed and at >= passed), default=None)
    return {
        "acknowledge": (began, taken),
        "respond": (known, taken),
        "repair": (taken, well),
        "recover": (began, well),
        "resolve": (began, done),
        "escalate": (known if escalated else None, escalated),
        "handoff": (passed if took or not done else None, took),
        "resolve_escalated": (escalated, done),
    }


def naive(incidents: Iterable[Incident], key: str, measure: Callable[[datetime, datetime], int]) -> Any:
    """The spread over the incidents themselves, one by one."""
    found: Counter[int] = Counter()
    for incident in incidents:
        start, end = ends_of(incident)[key]
        found[NOT if start is None else WAITING if end is None else measure(start, end)] += 1
    return spread_of(found)


LONG = [
    ("open", 1, 1),
    ("open", 2, 2),
    ("team", 0, 6),
    ("acknowledge", 0, 110),
    ("severity", 1, 4),
    ("mitigate", 0, 130),
    ("acknowledge", 1, 2),
    ("resolve", 0, 8),
    ("reopen", 0, 4),
    ("resolve", 1, 10),
    ("open", 3, 1),
]
"""Each time has a value of its own in working hours: called again and handed over on Friday night, taken on Sunday after the clocks went
forward, mitigated on Monday."""


@pytest.mark.requirement("R308")
@SHORT
@example(history=LONG, zone="Europe/Rome", first=0, days=9)
@given(history=HISTORIES, zone=st.sampled_from(ZONES), first=st.integers(0, 6), days=st.integers(1, 9))
def test_whatever_happened_the_kept_figures_equal_a_naive_count(
    db: None, history: list[tuple[str, int, int]], zone: str, first: int, days: int
) -> None:
    with transaction.atomic(), world_made() as world:
        house_calendar()
        story = History(world)
        for step in history:
            story.go(*step)
        figures_follow(at=story.at)
        incremental = kept()
        figures_rebuild(at=story.at)
        assert incremental == kept()
        begins = date(2027, 3, 26) + timedelta(days=first)
        for user in (world.cast.elena, world.cast.amara):
            compare(scope_of(world, begins, begins + timedelta(days=days), zone, user=user))
        world.email.got.clear()
        transaction.set_rollback(True)


def compare(scope: Scope) -> None:
    """Of the columns as they are, and with the times that were sorted beforehand."""
    period = scope.period
    hidden = restricted_seen(scope)
    plain = incident_columns(scope, since=period.since, until=period.until, seen=hidden)
    for kind in ("glance", "incidents"):
        days = days_read((kind, "sorted"), since=period.since, until=period.until)
        columns = incident_columns(scope, since=period.since, until=period.until, days=days, seen=hidden)
        assert list(plain["at"]) == list(columns["at"])
        assert columns.bytes_of("sla").translate(None, b"\0") == plain.bytes_of("sla").translate(None, b"\0")
        for dimension in ("team", "severity"):
            for key in ("acknowledge", "resolve", "escalated"):
                assert values_by(columns, dimension, METRICS[key]) == values_by(plain, dimension, METRICS[key])
    incidents = list(behind(scope, "all"))
    assert sorted(plain["id"]) == sorted(incident.pk for incident in incidents)
    times_compare(scope, incidents)
    assert counts_by(columns, "team") == Counter(incident.team_id for incident in incidents)
    hours = hours_of_week(columns["at"], period.zone)
    local = Counter(
        (one.weekday(), one.hour) for one in (each.started_at.astimezone(period.zone) for each in incidents)
    )
    assert {(day, hour): count for day, line in enumerate(hours) for hour, count in enumerate(line) if count} == local
    for place, count in local.items():
        assert behind(replace(scope, hour=place), "all").count() == count, place
    for which in TITLES:
        metric = METRICS.get(which.partition(".")[0])
        if metric is None or metric.of != "incidents" or which in OLD:
            continue
        value: Any = value_of(columns, metric)
        part = which.partition(".")[2]
        number = {"done": "done", "waiting": "waiting", "yes": "part", "open": "waiting"}.get(part)
        expected = getattr(value, number) if number else value.whole - value.part
        assert behind(scope, which).count() == expected, which
    lists_compare(scope, incidents, set(local))
    pages = page_columns(scope, since=period.since, until=period.until, seen=hidden)
    seen = Page.objects.filter(
        created_at__gte=period.since,
        created_at__lt=period.until,
        incident__in=Incident.objects.visible_to(scope.user).filter(is_test=False, merged_into=None),
    )
    assert sorted(pages["id"]) == sorted(seen.values_list("pk", flat=True))
    assert {load.person: load.pages for load in loads_of(pages)} == Counter(
        seen.exclude(state="cancelled").values_list("recipient", flat=True)
    )


def times_compare(scope: Scope, incidents: list[Incident]) -> None:
    """Every time that people take, by the clock and in working hours, of all and by group."""
    period = scope.period
    columns = incident_columns(scope, since=period.since, until=period.until, seen=restricted_seen(scope), spans=True)
    by_team = {team: [one for one in incidents if one.team_id == team] for team in {one.team_id for one in incidents}}
    of_people = [metric for metric in METRICS.values() if metric.work]
    assert {metric.key for metric in METRICS.values() if metric.kind == Kind.TIME} - {"detect", "answer"} == {
        metric.key for metric in of_people
    }
    for metric in of_people:
        for work, measure in ((False, elapsed), (True, worked)):
            assert value_of(columns, metric, work=work) == naive(incidents, metric.key, measure), (metric.key, work)
            assert values_by(columns, "team", metric, work=work) == {
                team: naive(some, metric.key, measure) for team, some in by_team.items()
            }, (metric.key, work)
    for kind in ("glance", "incidents"):
        days = days_read((kind, "at_work"), since=period.since, until=period.until)
        sorted_before = incident_columns(
            scope, since=period.since, until=period.until, seen=restricted_seen(scope), days=days
        )
        for key in ("acknowledge", "resolve"):
            assert value_of(sorted_before, METRICS[key], work=True) == naive(incidents, key, worked)
    lists_compare(replace(scope, work=True), incidents, set())
