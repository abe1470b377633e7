"""The kept figures follow the ledger, and say what counting everything again would say."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.models import Incident, Page
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_open,
    incident_reopen,
    incident_resolve,
    incident_unacknowledge,
)
from incidents.services.merging import incident_merge
from incidents.services.severity import incident_severity
from incidents.services.surveys import survey_answer
from incidents.services.teams import incident_team
from oncall.rota.clock import zone_named
from reports.figures.counting import counts_by, hours_of_week, loads_of, spread_of, value_of, values_by
from reports.figures.definitions import METRICS, WAITING
from reports.figures.keeping import (
    days_pack,
    days_repack,
    figures_follow,
    figures_follow_all,
    figures_ready,
    figures_rebuild,
)
from reports.figures.reading import days_read, incident_columns, page_columns, restricted_seen
from reports.models import DayFigures, FiguresCursor, IncidentFigures, PageFigures
from reports.narrow import OLD, TITLES, behind
from reports.period import Period
from reports.selectors import Scope
from tests.reports.lists import lists_compare
from tests.world.harness import World, world_made

ZONES = ("UTC", "Europe/Rome", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")


def kept() -> list[dict[str, Any]]:
    rows: list[Any] = [*IncidentFigures.objects.order_by("pk"), *PageFigures.objects.order_by("pk")]
    days = DayFigures.objects.order_by("kind", "day").values("kind", "day", "count", "data")
    return [*map(model_to_dict, rows), *({**day, "data": bytes(day["data"])} for day in days if day["count"])]


def figures_of(incident: Incident) -> IncidentFigures:
    return IncidentFigures.objects.get(pk=incident.pk)


def opened(world: World, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title="Cards fail", at=world.now, **{**values, **more})


def scope_of(world: World, first: date, last: date, zone: str = "UTC", **more: Any) -> Scope:
    return Scope(more.pop("user", world.cast.elena), Period(first, last, zone_named(zone)), **more)


def test_when_an_incident_changes_then_only_its_figures_are_counted_anew(world: World) -> None:
    first, _second = opened(world), opened(world)
    assert figures_follow(at=world.now).incidents == 2
    assert figures_follow(at=world.now).incidents == 0
    incident_acknowledge(incident_id=first.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=4))
    assert figures_follow(at=world.now).incidents == 1
    assert figures_of(first).acknowledge == 240


@pytest.mark.postgres
def test_when_an_entry_appears_below_what_was_followed_then_it_is_found(world: World) -> None:
    """A transaction that began earlier ends later: its number is lower than one that has been followed."""
    incident = opened(world)
    figures_follow(at=world.now)
    number = LedgerEntry.objects.latest("pk").pk + 1
    cursor = FiguresCursor.objects.get()
    cursor.upto, cursor.gaps = number, [[number, number, world.now.isoformat()]]
    cursor.save()
    Incident.objects.filter(pk=incident.pk).update(severity=5)
    entry = LedgerEntry.objects.latest("pk")
    entry.pk, entry.subject = number, incident.subject
    entry.save(force_insert=True)
    assert figures_follow(at=world.now).incidents == 1
    assert (figures_of(incident).severity, FiguresCursor.objects.get().gaps) == (5, [])


def test_when_the_time_of_an_sla_ends_then_it_is_missed_though_nothing_changed(world: World) -> None:
    incident = opened(world)
    Incident.objects.filter(pk=incident.pk).update(sla_due_at=world.now + timedelta(hours=1))
    figures_rebuild(at=world.now)
    assert figures_of(incident).sla == 3
    figures_follow(at=world.now + timedelta(hours=2))
    assert figures_of(incident).sla == 2


def test_when_a_reader_comes_in_a_storm_then_they_are_told_as_of_when(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(world)
    assert figures_ready(at=world.now) == (world.now, True)
    monkeypatch.setattr("reports.figures.keeping.AT_ONCE", 0)
    opened(world)
    assert figures_ready(at=world.now + timedelta(minutes=1)) == (world.now, True)
    assert IncidentFigures.objects.count() == 1


def test_when_there_are_more_from_before_than_one_step_counts_then_a_reader_is_told_that_some_are_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.figures.keeping.figures_follow", partial(figures_follow, most=2))
    for _incident in range(3):
        opened(world)
    FiguresCursor.objects.all().delete()
    assert figures_ready(at=world.now) == (world.now, False)
    assert figures_ready(at=world.now) == (world.now, False)
    figures_follow_all(at=world.now)
    assert figures_ready(at=world.now) == (world.now, True)


def test_when_a_transaction_is_undone_then_so_are_its_figures(world: World) -> None:
    with transaction.atomic():
        opened(world)
        figures_follow(at=world.now)
        transaction.set_rollback(True)
    figures_follow(at=world.now)
    assert (IncidentFigures.objects.count(), DayFigures.objects.count()) == (0, 0)


def test_a_change_asks_nothing_of_the_figures_in_its_own_transaction(world: World) -> None:
    """Keeping them up to date is done behind it, from the ledger: at most one query a change was allowed, it is none."""
    incident = opened(world)
    figures_follow(at=world.now)
    with CaptureQueriesContext(connection) as asked:
        other = opened(world)
        incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=1))
        incident_severity(
            incident_id=incident.pk, actor=world.cast.marta, severity=1, at=world.now + timedelta(minutes=2)
        )
        incident_resolve(incident_id=other.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=3))
    assert len(asked) > 20
    tables = [model._meta.db_table for model in (IncidentFigures, PageFigures, DayFigures, FiguresCursor)]
    assert not [query["sql"] for query in asked.captured_queries if any(table in query["sql"] for table in tables)]


def test_when_many_have_changed_then_following_them_takes_hardly_more_queries_than_for_a_few(world: World) -> None:
    asked = []
    for number in (4, 30):
        for _incident in range(number):
            opened(world)
        with CaptureQueriesContext(connection) as context:
            assert figures_follow(at=world.now).incidents == number
        asked.append(len(context))
    few, many = asked
    assert many - few < 5


def test_when_whoever_counts_dies_before_packing_then_the_next_one_packs_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(world)
    figures_follow(at=world.now)
    opened(world)
    with monkeypatch.context() as broken:
        broken.setattr("reports.figures.keeping.days_pack", Mock(side_effect=OSError("no power")))
        with pytest.raises(OSError, match="no power"):
            figures_follow(at=world.now)
    day = DayFigures.objects.get(kind="incidents")
    assert (day.count, day.stale, figures_follow(at=world.now).incidents) == (1, True, 0)
    day.refresh_from_db()
    assert (day.count, day.stale) == (2, False)


def test_when_many_days_are_stale_then_a_reader_waits_for_a_few_and_the_task_packs_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is after an upgrade: what was packed lacks what this version keeps beside it."""
    for days in range(4):
        made = opened(world)
        Incident.objects.filter(pk=made.pk).update(started_at=world.now - timedelta(days=days))
    figures_rebuild(at=world.now)
    DayFigures.objects.filter(kind="glance").delete()
    DayFigures.objects.update(stale=True)
    opened(world)
    monkeypatch.setattr("reports.figures.keeping.days_repack", partial(days_repack, most=3))
    later = world.now + timedelta(minutes=1)
    assert figures_ready(at=later).at < later
    assert list(DayFigures.objects.filter(kind="glance").values_list("day", "count")) == [
        ((world.now - timedelta(days=days)).date(), count) for days, count in ((1, 1), (0, 2))
    ]
    figures_follow_all(at=later)
    assert not DayFigures.objects.filter(stale=True).exists()
    assert sum(DayFigures.objects.filter(kind="glance").values_list("count", flat=True)) == 5


def test_when_a_release_before_this_one_packed_a_day_then_it_is_read_whole_and_packed_anew(world: World) -> None:
    """While hosts are upgraded one after the other it packs days too, and leaves what it does not know as it was."""
    period = Period(world.now.date(), world.now.date(), UTC)
    opened(world)
    figures_rebuild(at=world.now)
    opened(world)
    figures_follow(at=world.now)
    before = DayFigures.objects.get(kind="incidents")
    glance = list(DayFigures.objects.exclude(kind__in=("incidents", "pages")))
    opened(world)
    figures_follow(at=world.now)
    now = DayFigures.objects.get(kind="incidents")
    assert (before.count, now.count) == (2, 3)
    for row in glance:
        row.save()
    DayFigures.objects.create(kind="times", day=now.day, count=3, data=b"of its own form", stale=False)
    read = days_read(("glance", "sorted"), since=period.since, until=period.until)
    assert {kind: list(days.values()) for kind, days in read.items()} == {"incidents": [bytes(now.data)]}
    figures_follow(at=world.now)
    assert not DayFigures.objects.filter(kind="times").exists()
    assert set(DayFigures.objects.exclude(kind="pages").values_list("count", flat=True)) == {3}
    read = days_read(("glance", "sorted"), since=period.since, until=period.until)
    assert {kind: len(days) for kind, days in read.items()} == {"glance": 1, "sorted": 1}


def test_when_a_year_is_counted_again_then_a_day_is_packed_once_it_is_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step would otherwise pack the same day again for a few more of its incidents."""
    for number in range(6):
        made = opened(world)
        Incident.objects.filter(pk=made.pk).update(started_at=world.now - timedelta(days=5 - number // 3))
    packing = Mock(wraps=days_pack)
    monkeypatch.setattr("reports.figures.keeping.days_pack", packing)
    figures_rebuild(at=world.now, most=2)
    packed = [call.args[0] for call in packing.call_args_list]
    days = [(world.now - timedelta(days=days)).date() for days in (5, 4)]
    assert sorted(day for ((kind, day),) in packed if kind == "incidents") == days
    assert list(DayFigures.objects.filter(kind="glance").values_list("count", flat=True)) == [3, 3]


@pytest.mark.requirement("R261")
def test_what_a_reader_may_not_see_is_in_no_figure_and_what_is_merged_counts_once(world: World) -> None:
    one, other = opened(world), opened(world)
    secret = opened(world, restricted=True)
    Incident.objects.filter(pk=secret.pk).update(team=world.cast.platform)
    opened(world, is_test=True)
    incident_merge(incident_id=other.pk, other_id=one.pk, actor=world.cast.marta, at=world.now, reason="One.")
    figures_rebuild(at=world.now)
    for user, expected in ((world.cast.elena, {one.pk}), (world.cast.amara, {one.pk, secret.pk})):
        scope = scope_of(world, date(2026, 11, 21), date(2026, 11, 23), user=user)
        found = incident_columns(scope, since=scope.period.since, until=scope.period.until, seen=restricted_seen(scope))
        assert set(found["id"]) == {incident.pk for incident in behind(scope, "all")} == expected


# --- histories

STEPS = (
    "open",
    "acknowledge",
    "give_back",
    "resolve",
    "reopen",
    "severity",
    "team",
    "reassign",
    "merge",
    "judge",
    "follow",
)
HISTORIES = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(1, 50)), min_size=6, max_size=14)
SHORT = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate),
)


class History:
    """Steps through the services, an hour or some between them; what a service refuses does not happen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.at = datetime(2027, 3, 26, 21, 30, tzinfo=UTC)  # The clocks go forward in Rome two nights later.
        self.made: list[Incident] = []

    def go(self, step: str, which: int, quarters: int) -> None:
        self.at += timedelta(minutes=15 * quarters)
        self.world.jump_to(self.at)
        if step == "open" or not self.made:
            severity = which + 1
            self.made.append(opened(self.world, severity=severity, restricted=which == 3))
            self.world.settle()
            return
        if step == "follow":
            figures_follow(at=self.at)
            return
        try:
            self._act(step, which)
        except DomainError:
            return

    def _act(self, step: str, which: int) -> None:
        incident = self.made[which % len(self.made)]
        cast = self.world.cast
        given: dict[str, Any] = {"incident_id": incident.pk, "at": self.at}
        acts: dict[str, Callable[[], object]] = {
            "acknowledge": lambda: incident_acknowledge(actor=cast.marta, **given),
            "give_back": lambda: incident_unacknowledge(actor=cast.marta, **given),
            "resolve": lambda: incident_resolve(actor=cast.marta, **given),
            "reopen": lambda: incident_reopen(actor=cast.marta, reason="Again.", **given),
            "severity": lambda: incident_severity(actor=cast.marta, severity=which + 1, **given),
            "team": lambda: incident_team(actor=cast.marta, team=cast.platform, reason="Theirs.", **given),
            "reassign": lambda: incident_reassign(actor=cast.marta, owner=cast.jonas, **given),
            "merge": lambda: incident_merge(
                actor=cast.marta, other_id=self.made[0].pk, reason="The same trouble.", **given
            ),
            "judge": lambda: survey_answer(actor=cast.sofie, score=which, text="", **given),
        }
        acts[step]()


def naive(scope: Scope, measure: Callable[[Incident], int]) -> Any:
    """The spread over the incidents themselves, one by one."""
    return spread_of(Counter(measure(incident) for incident in behind(scope, "all")))


def took(end: datetime | None, start: datetime) -> int:
    return WAITING if end is None else max(int((end - start).total_seconds() // 1), 0)


@pytest.mark.requirement("R308")
@SHORT
@given(history=HISTORIES, zone=st.sampled_from(ZONES), first=st.integers(0, 6), days=st.integers(1, 9))
def test_whatever_happened_the_kept_figures_equal_a_naive_count(
    db: None, history: list[tuple[str, int, int]], zone: str, first: int, days: int
) -> None:
    with transaction.atomic(), world_made() as world:
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
    assert value_of(columns, METRICS["acknowledge"]) == naive(
        scope, lambda one: took(one.acknowledged_at, one.started_at)
    )
    assert value_of(columns, METRICS["resolve"]) == naive(scope, lambda one: took(one.resolved_at, one.started_at))
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
