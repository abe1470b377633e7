"""Whatever is changed about people and schedules, who was on call until then stays the answer for ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from oncall.absences import absence_create
from oncall.holidays_sync import holiday_calendar_choose
from oncall.models import Membership, Override, Schedule
from oncall.people import user_deactivate
from oncall.selectors import schedules_load
from oncall.services import override_cancel, override_create, schedule_publish
from tests.world.harness import World

pytestmark = pytest.mark.django_db

Change = Callable[[World], None]


@pytest.fixture
def lived(world: World) -> World:
    """Payments is Marta's by turns with Elena, with holidays and an override; a schedule of its team, and one that follows."""
    cast = world.cast
    weekly = {
        "name": "Daily",
        "rotation": "daily",
        "start": "2026-11-01T09:00",
        "participants": [cast.marta.pk, cast.elena.pk],
    }
    definitions: dict[str, dict[str, Any]] = {
        "daily": {"time_zone": "Europe/Rome", "layers": [weekly]},
        "everyone": {"time_zone": "Europe/Rome", "everyone_in": cast.payments.pk},
        "following": {"time_zone": "Europe/Rome", "follow": "daily"},
    }
    for slug, definition in definitions.items():
        schedule = Schedule.objects.create(name=slug, slug=slug, team=cast.payments)
        schedule_publish(schedule=schedule, definition=definition, author=None, at=world.now, accept_gaps=True)
    holiday_calendar_choose(user=cast.marta, calendar="IT", at=world.now)
    start = world.now + timedelta(days=6)
    override_create(
        schedule=Schedule.objects.get(slug="daily"),
        user=cast.jonas,
        start=start,
        end=start + timedelta(days=10),
        role="primary",
        actor=cast.jonas,
        at=world.now,
    )
    world.jump(days=20)  # past 8 December, a holiday
    return world


def holiday(world: World) -> None:
    holiday_calendar_choose(user=world.cast.marta, calendar="DE-BY", at=world.now)


def zone(world: World) -> None:
    world.cast.marta.time_zone = "Asia/Tokyo"
    world.cast.marta.save()
    holiday_calendar_choose(user=world.cast.marta, calendar="", at=world.now)


def left_the_team(world: World) -> None:
    Membership.objects.get(user=world.cast.marta).delete()


def left_the_house(world: World) -> None:
    user_deactivate(user=world.cast.marta, actor=world.cast.hugo, at=world.now)


def away(world: World) -> None:
    start, end = world.now - timedelta(days=5), world.now + timedelta(days=5)
    absence_create(user=world.cast.marta, start=start, end=end, actor=world.cast.marta, at=world.now)


def rotation(world: World) -> None:
    layer = {"name": "Daily", "start": "2026-11-01T09:00", "participants": [world.cast.nils.pk]}
    definition = {"time_zone": "UTC", "layers": [layer]}
    schedule = Schedule.objects.get(slug="daily")
    schedule_publish(schedule=schedule, definition=definition, author=None, at=world.now, accept_gaps=True)


def override(world: World) -> None:
    start, end = world.now - timedelta(days=5), world.now + timedelta(days=5)
    override_create(
        schedule=Schedule.objects.get(slug="daily"),
        user=world.cast.nils,
        start=start,
        end=end,
        actor=None,
        at=world.now,
    )


def told(world: World, *, since: datetime, until: datetime) -> dict[str, list[tuple[int, datetime, datetime]]]:
    loaded = schedules_load(list(Schedule.objects.all()), since=since)
    return {
        item.schedule.slug: [(one.user_id, one.start, one.end) for one in item.shifts(since=since, until=until)]
        for item in loaded.values()
    }


@pytest.mark.parametrize("change", [holiday, zone, left_the_team, left_the_house, away, rotation, override])
def test_when_something_changes_then_who_was_on_call_until_now_stays(lived: World, change: Change) -> None:
    since, now = lived.now - timedelta(days=20), lived.now
    before = told(lived, since=since, until=now)
    to_come = told(lived, since=now, until=now + timedelta(days=300))
    assert all(before.values())

    change(lived)

    assert told(lived, since=since, until=now) == before
    assert told(lived, since=now + timedelta(seconds=1), until=now + timedelta(days=300)) != to_come
    lived.settle()
    lived.notices()


def test_when_a_running_override_is_ended_then_what_it_held_stays(lived: World) -> None:
    lived.jump(days=-10)
    since, now = lived.now - timedelta(days=10), lived.now
    before = told(lived, since=since, until=now)
    override_cancel(override=Override.objects.get(), actor=None, at=now)
    assert told(lived, since=since, until=now) == before
    lived.settle()
    lived.notices()


def test_when_a_coming_override_is_taken_back_twice_then_it_ends_once(lived: World) -> None:
    start = lived.now + timedelta(days=1)
    override = override_create(
        schedule=Schedule.objects.get(slug="daily"),
        user=lived.cast.nils,
        start=start,
        end=start + timedelta(hours=4),
        actor=None,
        at=lived.now,
    )
    read_before = Override.objects.get(pk=override.pk)
    first = override_cancel(override=override, actor=None, at=lived.now)
    lived.jump(minutes=1)
    second = override_cancel(override=read_before, actor=None, at=lived.now)

    assert first.cancelled_at == second.cancelled_at == lived.now - timedelta(minutes=1)
    assert LedgerEntry.objects.filter(action="override.cancel").count() == 1
    lived.settle()
    lived.notices()


def test_when_a_running_override_is_ended_twice_then_its_end_stays_where_it_was(lived: World) -> None:
    lived.jump(days=-10)
    override, read_before = Override.objects.get(), Override.objects.get()
    ended = override_cancel(override=override, actor=None, at=lived.now)
    lived.jump(minutes=1)
    with pytest.raises(DomainError) as refused:
        override_cancel(override=read_before, actor=None, at=lived.now)

    assert refused.value.field == "end"
    assert Override.objects.get().end == ended.end == lived.now - timedelta(minutes=1)
    assert LedgerEntry.objects.filter(action="override.cancel").count() == 1
    lived.settle()
    lived.notices()


def test_when_a_version_would_begin_in_the_past_then_it_is_refused_at_its_field(lived: World) -> None:
    layer = {"name": "Daily", "start": "2026-11-01T09:00", "participants": [lived.cast.nils.pk]}
    with pytest.raises(DomainError) as refused:
        schedule_publish(
            schedule=Schedule.objects.get(slug="daily"),
            definition={"time_zone": "UTC", "layers": [layer]},
            author=lived.cast.hugo,
            at=lived.now,
            effective_from=lived.now - timedelta(days=3),
            accept_gaps=True,
        )
    assert refused.value.field == "effective_from"
    lived.settle()
    lived.notices()


def test_when_an_account_is_switched_off_then_no_override_puts_it_on_call(lived: World) -> None:
    user_deactivate(user=lived.cast.nils, actor=lived.cast.hugo, at=lived.now)
    with pytest.raises(DomainError) as refused:
        override(lived)
    assert refused.value.field == "user"
    lived.settle()
    lived.notices()


def always(user: Any) -> dict[str, Any]:
    layer = {"name": "Always", "start": "2026-01-01T09:00", "participants": [user.pk]}
    return {"time_zone": "UTC", "layers": [layer]}


@pytest.mark.requirement("R272")
def test_when_an_urgent_change_comes_before_a_planned_one_then_it_holds_at_once_and_is_not_undone(world: World) -> None:
    cast, now = world.cast, world.now
    schedule = Schedule.objects.create(name="Nights", slug="nights", team=cast.payments)
    options: dict[str, Any] = {"schedule": schedule, "author": cast.elena, "at": now}
    schedule_publish(definition=always(cast.marta), effective_from=now - timedelta(days=9), **options)
    schedule_publish(definition=always(cast.nils), effective_from=now + timedelta(days=7), **options)

    schedule_publish(definition=always(cast.jonas), **options)

    def on_call(days: int) -> set[int]:
        at = now + timedelta(days=days, hours=1)
        return {shift.user_id for shift in schedules_load([schedule], since=at)[schedule.pk].on_call_at(at)}

    assert [on_call(days) for days in (-1, 0, 6, 8)] == [{user.pk} for user in (cast.marta, *[cast.jonas] * 3)]


def test_when_what_was_planned_is_wanted_at_once_then_it_begins_at_once(world: World) -> None:
    cast, now = world.cast, world.now
    schedule = Schedule.objects.create(name="Nights", slug="nights", team=cast.payments)
    options: dict[str, Any] = {"schedule": schedule, "author": cast.elena, "at": now}
    schedule_publish(definition=always(cast.marta), **options)
    schedule_publish(definition=always(cast.nils), effective_from=now + timedelta(days=7), **options)

    schedule_publish(definition=always(cast.nils), **options)

    assert {shift.user_id for shift in schedules_load([schedule], since=now)[schedule.pk].on_call_at(now)} == {
        cast.nils.pk
    }
