"""The kept figures follow the ledger, and say what counting everything again would say."""

from datetime import date, timedelta
from functools import partial
from unittest.mock import Mock

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.services.merging import incident_merge
from incidents.services.severity import incident_severity
from reports.figures.keeping import (
    Known,
    days_pack,
    days_repack,
    figures_follow,
    figures_follow_all,
    figures_ready,
    figures_rebuild,
)
from reports.figures.reading import incident_columns, restricted_seen
from reports.models import DayFigures, FiguresCursor, IncidentFigures, PageFigures
from reports.narrow import behind
from tests.reports.histories import opened, scope_of
from tests.world.harness import World


def figures_of(incident: Incident) -> IncidentFigures:
    return IncidentFigures.objects.get(pk=incident.pk)


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
    assert figures_ready(at=world.now) == Known(world.now, True)
    monkeypatch.setattr("reports.figures.keeping.AT_ONCE", 0)
    opened(world)
    assert figures_ready(at=world.now + timedelta(minutes=1)) == Known(world.now, True)
    assert IncidentFigures.objects.count() == 1


def test_when_there_are_more_from_before_than_one_step_counts_then_a_reader_is_told_that_some_are_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.figures.keeping.figures_follow", partial(figures_follow, most=2))
    for _incident in range(3):
        opened(world)
    FiguresCursor.objects.all().delete()
    assert figures_ready(at=world.now) == Known(world.now, False)
    assert figures_ready(at=world.now) == Known(world.now, False)
    figures_follow_all(at=world.now)
    assert figures_ready(at=world.now) == Known(world.now, True)


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
