"""What a release before this one counted and packed is never taken for more than it is, and is counted once more behind the pages."""

from datetime import UTC, timedelta
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_unacknowledge
from reports.exports.sources import table_of
from reports.figures.definitions import METRICS, SPANS, UNCOUNTED
from reports.figures.keeping import (
    CURSOR,
    Known,
    days_pack,
    figures_follow,
    figures_follow_all,
    figures_ready,
    figures_rebuild,
)
from reports.figures.reading import days_read
from reports.models import DayFigures, FiguresCursor, IncidentFigures
from reports.period import Period
from tests.reports.histories import opened
from tests.world.harness import World

MIGRATION = import_module("reports.migrations.0010_spans_in_working_hours")
SPEED = "/reports/tabs/speed/?clock=work"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser."""
    client.force_login(world.cast.elena)
    return client


def taken(world: World, *, after: int) -> Incident:
    incident = opened(world)
    incident_acknowledge(
        incident_id=incident.pk, actor=world.cast.marta, at=incident.started_at + timedelta(minutes=after)
    )
    return incident


def left_by_the_release_before(world: World) -> None:
    """Everything counted and packed as that one did, and its place in the ledger."""
    figures_rebuild(at=world.now)
    place = FiguresCursor.objects.get()
    FiguresCursor.objects.all().delete()
    place.pk = CURSOR - 1
    place.save(force_insert=True)
    IncidentFigures.objects.update(**dict.fromkeys(SPANS, UNCOUNTED))
    DayFigures.objects.filter(kind="spans").delete()


def card_of(client: Client, key: str) -> Any:
    cards = client.get(SPEED).context["board"].cards
    return next(card for card in cards if card.key == key)


def test_when_a_house_was_upgraded_then_no_number_is_shown_that_needs_what_is_not_counted_yet(
    world: World, elena: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.figures.keeping.figures_follow", partial(figures_follow, most=2))
    for minutes in (5, 6, 7):
        taken(world, after=minutes)
    left_by_the_release_before(world)
    page = elena.get(SPEED)
    words = page.content.decode()
    respond = card_of(elena, "respond")
    assert [part.value for part in respond.parts] == ["–", "–", "–"]
    assert respond.lacking == "3 not counted in working hours yet"
    assert respond.lacking in words
    assert "Since an upgrade, earlier incidents are being counted in working hours" in words
    assert "these figures are not whole yet" not in words
    assert card_of(elena, "acknowledge").parts[0].value == "6:00"
    assert card_of(elena, "detect").parts[0].value == "0:00"
    assert "Since an upgrade" not in elena.get("/reports/tabs/speed/").content.decode()
    table = table_of("figures", user=world.cast.elena, query="clock=work&by=team", at=world.now, words=False)
    (row,) = [dict(zip([one.key for one in table.columns], line, strict=True)) for line in table.rows]
    assert (row["respond_median"], row["respond_counted"], row["acknowledge_median"]) == (None, 0, 360)
    assert any("Since an upgrade" in said for _about, said in table.about)
    figures_follow_all(at=world.now)
    assert figures_ready(at=world.now) == Known(world.now, True, False)
    assert card_of(elena, "respond").parts[0].value == "6:00"
    assert "Since an upgrade" not in elena.get(SPEED).content.decode()


def test_when_a_house_was_upgraded_then_a_reader_waits_for_what_changed_and_not_for_all_of_the_past(
    world: World,
) -> None:
    for minutes in (5, 6, 7):
        taken(world, after=minutes)
    left_by_the_release_before(world)
    assert figures_ready(at=world.now).anew is False
    FiguresCursor.objects.filter(pk=CURSOR).update(fill_from=0)
    IncidentFigures.objects.update(**dict.fromkeys(SPANS, UNCOUNTED))
    changed = taken(world, after=8)
    assert figures_ready(at=world.now) == Known(world.now, True, True)
    assert list(IncidentFigures.objects.exclude(respond_work=UNCOUNTED).values_list("pk", flat=True)) == [changed.pk]


def test_when_a_host_that_is_still_to_be_upgraded_counts_a_change_then_it_is_counted_after_it(world: World) -> None:
    """It writes what it knows of the row, leaves the rest as it was, and moves its own place in the ledger alone."""
    left_by_the_release_before(world)
    figures_follow_all(at=world.now)
    changed = taken(world, after=9)
    figures_follow(at=world.now)
    incident_unacknowledge(incident_id=changed.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=10))
    later = world.now + timedelta(minutes=20)
    incident_acknowledge(incident_id=changed.pk, actor=world.cast.marta, at=later)
    IncidentFigures.objects.filter(pk=changed.pk).update(respond=1200)
    newest = LedgerEntry.objects.latest("pk").pk
    FiguresCursor.objects.filter(pk=CURSOR - 1).update(upto=newest, followed_at=later)
    figures_follow_all(at=later)
    found = IncidentFigures.objects.get(pk=changed.pk)
    assert (found.respond, found.respond_work) == (1200, 1200)


@pytest.mark.parametrize("kind", ["times", "worked"])
def test_when_a_release_before_this_one_packed_a_day_then_it_is_read_whole_and_packed_anew(
    world: World, kind: str
) -> None:
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
    DayFigures.objects.create(kind=kind, day=now.day, count=3, data=b"of its own form", stale=False)
    read = days_read(("glance", "sorted"), since=period.since, until=period.until)
    assert {kind: list(days.values()) for kind, days in read.items()} == {"incidents": [bytes(now.data)]}
    figures_follow(at=world.now)
    assert not DayFigures.objects.filter(kind=kind).exists()
    assert set(DayFigures.objects.exclude(kind="pages").values_list("count", flat=True)) == {3}
    read = days_read(("glance", "sorted"), since=period.since, until=period.until)
    assert {kind: len(days) for kind, days in read.items()} == {"glance": 1, "sorted": 1}


def test_when_a_release_before_this_one_packed_a_day_then_its_times_in_working_hours_are_not_known(
    world: World, elena: Client
) -> None:
    """They stand beside incidents that may have changed since, or stand in another order."""
    taken(world, after=5)
    assert card_of(elena, "respond").parts[0].value == "5:00"
    day = DayFigures.objects.get(kind="incidents").day
    DayFigures.objects.create(kind="worked", day=day, count=1, data=b"of its own form", stale=False)
    respond = card_of(elena, "respond")
    assert (respond.parts[0].value, respond.lacking) == ("–", "1 not counted in working hours yet")
    figures_follow(at=world.now)
    assert card_of(elena, "respond").parts[0].value == "5:00"


def test_when_only_the_pages_of_a_day_are_packed_then_its_incidents_are_still_those_of_the_release_before(
    world: World,
) -> None:
    opened(world)
    figures_rebuild(at=world.now)
    day = DayFigures.objects.get(kind="incidents").day
    DayFigures.objects.create(kind="worked", day=day, count=1, data=b"of its own form", stale=False)
    days_pack([("pages", day)])
    assert DayFigures.objects.filter(kind="worked").exists()
    days_pack([("incidents", day)])
    assert not DayFigures.objects.filter(kind="worked").exists()


def test_when_it_is_migrated_back_then_what_the_release_before_does_not_know_is_gone(world: World) -> None:
    taken(world, after=5)
    figures_rebuild(at=world.now)
    with connection.cursor() as cursor:
        MIGRATION._as_before(None, cursor)
    assert not FiguresCursor.objects.exists()
    assert set(DayFigures.objects.values_list("kind", flat=True)) == {"incidents", "glance", "sorted", "pages"}
    assert DayFigures.objects.get(kind="incidents").stale


def test_when_it_is_migrated_then_the_packed_days_of_working_hours_are_read_as_they_are(world: World) -> None:
    taken(world, after=5)
    figures_rebuild(at=world.now)
    packed = bytes(DayFigures.objects.get(kind="at_work").data)
    DayFigures.objects.filter(kind="at_work").update(kind="worked")
    with connection.cursor() as cursor:
        MIGRATION._named(None, cursor)
    period = Period(world.now.date(), world.now.date(), UTC)
    read = days_read(("glance", "at_work"), since=period.since, until=period.until)
    assert list(read["at_work"].values()) == [packed]


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("/reports/?clock=work", False),
        ("/reports/tabs/speed/", False),
        ("/reports/tabs/quality/?clock=work", False),
        ("/reports/tabs/load/?clock=work", False),
        ("/reports/incidents/?which=acknowledge.done&clock=work", False),
        ("/reports/incidents/?which=respond.waiting&clock=work", False),
        (SPEED, True),
        ("/reports/tabs/escalation/?clock=work", True),
        ("/reports/by/team/?clock=work", True),
        ("/reports/incidents/?which=respond.done&clock=work", True),
    ],
)
def test_times_in_working_hours_are_read_only_where_they_are_shown_and_in_no_more_queries(
    world: World, elena: Client, address: str, read: bool
) -> None:
    taken(world, after=5)
    figures_follow(at=world.now)
    elena.get(address)
    asked: list[Any] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        asked.append(values)
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        assert elena.get(address).status_code == 200
    assert any("spans" in values for values in asked if values) is read
    assert len(asked) <= 12


def test_every_time_that_people_take_has_working_hours_and_every_other_says_why_not() -> None:
    assert {metric.key for metric in METRICS.values() if metric.always} == {"detect", "answer"}
    assert all(bool(metric.clock) == (metric.kind == "time") for metric in METRICS.values())
