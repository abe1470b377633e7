"""Who is on call is kept for the frame of every page, and never a moment longer than it is true."""

from datetime import timedelta
from typing import Any

import pytest

from oncall.absences import absence_cancel, absence_create
from oncall.models import Absence, Membership, User
from oncall.selectors import current_duties, holders_at
from oncall.services import override_cancel, override_create, schedule_publish
from oncall.standing import mark_now, schedules_kept, standing_at
from tests.world.cast import rota
from tests.world.harness import World

HOUR = timedelta(hours=1)


def shown(world: World) -> set[tuple[str, str]]:
    """Who stands where by what is kept; it must be what the schedules say when they are asked."""
    kept = standing_at(world.now, mark=mark_now(world.cast.hugo))
    asked = holders_at(schedules=[world.cast.schedule], at=world.now)[world.cast.schedule.pk]
    names = dict(User.objects.values_list("pk", "username"))
    found = {(names[one.user_id], one.role) for one in kept}
    assert found == {(one.user.username, one.role) for one in asked}
    return found


USUAL = {("marta", "primary"), ("jonas", "secondary")}


@pytest.mark.requirement("R194")
def test_when_nothing_has_changed_then_no_schedule_is_read_again(world: World, django_assert_num_queries: Any) -> None:
    assert shown(world) == USUAL
    with django_assert_num_queries(1):
        (duty,) = current_duties(world.cast.marta, world.now)
    assert (str(duty.schedule), duty.role) == ("Payments", "primary")
    mark = mark_now(world.cast.marta)
    with django_assert_num_queries(0):
        assert schedules_kept(world.now, mark=mark)[world.cast.schedule.pk].schedule == world.cast.schedule


def test_when_somebody_changes_a_schedule_then_the_next_page_says_so(world: World) -> None:
    cast, at = world.cast, world.now
    assert shown(world) == USUAL
    override = override_create(
        schedule=cast.schedule, kind="cover", user=cast.elena, start=at, end=at + HOUR, actor=cast.hugo, at=at
    )
    taken = shown(world)
    assert "elena" in {name for name, _role in taken}
    override_cancel(override=override, actor=cast.hugo, at=at)
    assert shown(world) == USUAL
    absence = absence_create(user=cast.jonas, start=at, end=at + HOUR, actor=cast.hugo, at=at)
    assert ("jonas", "secondary") not in shown(world)
    absence_cancel(absence=absence, actor=cast.hugo, at=at)
    assert shown(world) == USUAL
    swapped = {**cast.people, "marta": cast.nils}
    schedule_publish(schedule=cast.schedule, definition=rota(swapped), author=cast.hugo, at=at)
    assert ("nils", "primary") in shown(world)
    world.advance(seconds=1)
    world.notices()


def test_when_a_shift_ends_within_the_minute_then_whoever_comes_is_shown_from_that_second(world: World) -> None:
    cast, at = world.cast, world.now
    override_create(
        schedule=cast.schedule,
        kind="cover",
        user=cast.elena,
        start=at - HOUR,
        end=at + timedelta(seconds=20),
        actor=cast.hugo,
        at=at - HOUR,
    )
    assert shown(world) != USUAL
    world.advance(seconds=19)
    assert shown(world) != USUAL
    world.advance(seconds=1)
    assert shown(world) == USUAL
    world.notices()


def test_when_a_team_or_a_calendar_of_holidays_changes_then_the_schedules_are_read_again(world: World) -> None:
    cast, at = world.cast, world.now
    marks = [mark_now(cast.hugo)]
    Membership.objects.create(team=cast.platform, user=cast.elena)
    marks.append(mark_now(cast.hugo))
    Membership.objects.get(team=cast.platform, user=cast.elena).delete()
    marks.append(mark_now(cast.hugo))
    # As holidays are read: many at once, which leaves no history.
    Absence.objects.bulk_create([Absence(user=cast.nils, start=at, end=at + HOUR, kind="holiday", created_at=at)])
    marks.append(mark_now(cast.hugo))
    assert len(set(marks)) == 4
