"""All schedules are read by one query, and hold what they hold when each kind of row is asked for by itself."""

from datetime import timedelta
from typing import Any

import pytest

from oncall.absences import absence_create
from oncall.loading import schedules_load
from oncall.loading_all import Everything, Known, all_load
from oncall.models import Absence, Membership, Schedule
from oncall.services import override_cancel, override_create, schedule_publish
from tests.world.cast import rota
from tests.world.harness import World

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def publish(world: World, name: str, **definition: Any) -> Schedule:
    schedule = Schedule.objects.create(name=name, slug=name.lower(), team=world.cast.platform)
    document = {"time_zone": "Europe/Rome", **definition}
    schedule_publish(schedule=schedule, definition=document, author=world.cast.hugo, at=world.now - WEEK)
    return schedule


@pytest.fixture
def house(world: World) -> World:
    """Schedules of every kind, with what covers them: of the past, of now, planned and called off."""
    cast, at = world.cast, world.now
    publish(world, "Zebra", follow="payments")
    publish(world, "alpha", everyone_in=cast.platform.pk)
    publish(world, "Both", members=[cast.marta.pk, cast.elena.pk])
    Schedule.objects.create(name="Empty", slug="empty")
    swapped = rota({**cast.people, "marta": cast.nils})
    schedule_publish(schedule=cast.schedule, definition=swapped, author=cast.hugo, at=at)
    for kind, start, end in (("cover", -HOUR, HOUR), ("cover", HOUR, 2 * HOUR), ("cover", -4 * WEEK, -3 * WEEK)):
        override_create(
            schedule=cast.schedule,
            kind=kind,
            user=cast.elena,
            start=at + start,
            end=at + end,
            actor=cast.hugo,
            at=at - 5 * WEEK,
        )
    off = override_create(
        schedule=cast.schedule, kind="cover", user=cast.jonas, start=at, end=at + WEEK, actor=cast.hugo, at=at
    )
    override_cancel(override=off, actor=cast.hugo, at=at)
    absence_create(user=cast.jonas, start=at, end=at + HOUR, actor=cast.hugo, at=at)
    Absence.objects.bulk_create(
        Absence(user=user, start=at + WEEK, end=at + WEEK + HOUR, kind="holiday", created_at=at)
        for user in (cast.nils, cast.elena)
    )
    Membership.objects.filter(team=cast.platform).first().delete()  # type: ignore[union-attr]  # the team has members
    return world


def same(world: World, found: Everything) -> None:
    """By name as the database sorts, each with what it holds when it is asked for by itself."""
    ordered = list(Schedule.objects.order_by("name"))
    asked = schedules_load(ordered, since=world.now)
    assert list(found.schedules.items()) == list(asked.items())
    assert [vars_of(one.schedule) for one in found.schedules.values()] == [vars_of(one) for one in ordered]
    held = [(pk, one.on_call_at(world.now)) for pk, one in found.schedules.items()]
    assert held == [(pk, one.on_call_at(world.now)) for pk, one in asked.items()]


def vars_of(schedule: Schedule) -> dict[str, Any]:
    return {field.attname: getattr(schedule, field.attname) for field in Schedule._meta.concrete_fields}


@pytest.mark.requirement("R194")
def test_when_all_are_read_then_each_holds_what_it_holds_when_asked_for_by_itself(
    house: World, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        found = all_load(since=house.now)
    same(house, found)
    assert any(one.absences for one in found.schedules.values())
    assert any(one.overrides for one in found.schedules.values())
    with django_assert_num_queries(1):
        again = all_load(since=house.now, known=found.known)
    same(house, again)
    assert again.known == found.known
    house.notices()


def test_when_somebody_or_a_team_is_new_then_what_there_is_of_them_is_read_too(
    house: World, django_assert_num_queries: Any
) -> None:
    known = all_load(since=house.now).known
    without = Known(known.people - {house.cast.jonas.pk}, frozenset())
    with django_assert_num_queries(3):
        found = all_load(since=house.now, known=without)
    same(house, found)
    assert found.known == known
    house.notices()
