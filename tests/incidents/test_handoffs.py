"""Handing over: who is told when somebody comes on call or goes off, reminders, and the task of every minute."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from notifications.models import Message
from oncall.handoff_check import handoffs_check
from oncall.handoffs import handoff_accept
from oncall.models import DutyClock, Handoff, Override, Schedule, User
from oncall.services import override_cancel, override_create, schedule_publish
from oncall.tasks import duties_check
from tests.incidents.handing_over import MONDAY, handed_over, heard, minute, publish, turns
from tests.incidents.handing_over import weeks as weeks
from tests.incidents.test_concurrency import at_once
from tests.world.cast import cast_make
from tests.world.harness import NIGHT, World

# --- when somebody comes on call


@pytest.mark.requirement("R016")
def test_when_the_shift_changes_then_both_are_told_once_with_a_link(weeks: World) -> None:
    weeks.jump_to(MONDAY + timedelta(seconds=30))
    handoffs_check(at=weeks.now)
    handoffs_check(at=weeks.now)
    told = heard(weeks)
    handoff = Handoff.objects.get()
    assert (handoff.at, handoff.outgoing, handoff.incoming) == (MONDAY, weeks.cast.marta, weeks.cast.jonas)
    (came,), (went,) = told["jonas"], told["marta"]
    assert came.subject == "You are on call: Payments (primary)"
    assert "until Mon 30 Nov, 09:00" in came.body
    assert came.link.endswith(f"/oncall/handoffs/{handoff.pk}/")
    assert went.subject == "Your shift has ended: Payments (primary)"
    assert "Jonas de Wit has it now." in went.body


def test_when_the_task_has_not_looked_before_then_it_begins_now_and_tells_nobody_of_the_past(world: World) -> None:
    assert handoffs_check(at=world.now) == 0
    assert DutyClock.objects.get().checked_until == world.now
    assert not Handoff.objects.exists()


def test_when_nothing_changes_then_looking_writes_nothing(weeks: World) -> None:
    weeks.jump(hours=5)
    assert minute(weeks) == {}
    assert not Handoff.objects.exists()


def test_when_a_turn_changes_to_the_same_person_then_there_is_no_handoff(weeks: World) -> None:
    publish(weeks, turns(weeks.cast.marta))
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {}


def test_when_the_task_is_late_then_it_catches_up_but_tells_only_of_the_last_day(weeks: World) -> None:
    weeks.jump_to(MONDAY + timedelta(days=7, hours=3))
    told = minute(weeks)
    assert [handoff.at for handoff in Handoff.objects.order_by("at")] == [MONDAY, MONDAY + timedelta(days=7)]
    assert told == {
        "marta": ["You are on call: Payments (primary)"],
        "jonas": ["Your shift has ended: Payments (primary)"],
    }


def test_when_two_roles_are_exchanged_then_each_hears_of_the_new_one_and_not_of_the_end_of_the_old(
    weeks: World,
) -> None:
    both = turns(weeks.cast.marta, weeks.cast.jonas)
    other = turns(weeks.cast.jonas, weeks.cast.marta, name="Second", role="secondary")
    both["layers"] += other["layers"]
    publish(weeks, both)
    minute(weeks)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {
        "jonas": ["You are on call: Payments (primary)"],
        "marta": ["You are on call: Payments (backup)"],
    }


def test_when_a_schedule_pauses_over_night_then_the_same_person_is_not_told_every_morning(weeks: World) -> None:
    office = [{"days": "mon-fri", "start": "09:00", "end": "18:00"}]
    publish(weeks, turns(weeks.cast.marta, weeks.cast.jonas, restrictions=office))
    minute(weeks)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {"jonas": ["You are on call: Payments (primary)"]}
    weeks.jump(days=4, hours=8)
    assert minute(weeks) == {"jonas": ["Not accepted yet: your handoff of Payments (primary)"]}
    weeks.jump(hours=2)
    ended = minute_bodies(weeks)
    assert "Nobody has it until Mon 30 Nov, 09:00, then Marta Ferri." in ended["jonas"]


def minute_bodies(world: World) -> dict[str, str]:
    handoffs_check(at=world.now)
    return {name: found[-1].body for name, found in heard(world).items()}


def test_when_somebody_takes_over_on_the_spot_then_the_handoff_is_made_and_nobody_is_told_again(weeks: World) -> None:
    weeks.jump(minutes=1)
    minute(weeks)
    override = override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.jonas,
        start=weeks.now,
        end=weeks.now + timedelta(hours=2),
        actor=weeks.cast.jonas,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump(seconds=40)
    assert minute(weeks) == {}
    handoff = Handoff.objects.get()
    assert (handoff.incoming, handoff.outgoing) == (weeks.cast.jonas, weeks.cast.marta)
    weeks.jump(minutes=20)
    assert minute(weeks) == {}
    override_cancel(override=override, actor=weeks.cast.jonas, at=weeks.now)
    heard(weeks)
    weeks.jump(seconds=40)
    assert minute(weeks) == {}
    assert Handoff.objects.latest("at").incoming == weeks.cast.marta


def test_when_a_takeover_is_committed_just_after_the_look_that_passed_it_then_the_next_look_finds_it(
    weeks: World,
) -> None:
    began = weeks.now + timedelta(minutes=5)
    weeks.jump(minutes=5, seconds=1)
    minute(weeks)
    Override.objects.create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=began,
        end=began + timedelta(hours=1),
        created_at=began,
    )
    weeks.jump(minutes=1)
    minute(weeks)
    weeks.jump(minutes=1)
    minute(weeks)
    assert [(one.at, one.incoming) for one in Handoff.objects.all()] == [(began, weeks.cast.nils)]


def test_when_an_override_planned_before_begins_then_both_are_told(weeks: World) -> None:
    start = weeks.now + timedelta(hours=2)
    override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=start,
        end=start + timedelta(hours=1),
        actor=weeks.cast.elena,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump_to(start + timedelta(seconds=10))
    assert minute(weeks) == {
        "nils": ["You are on call: Payments (primary)"],
        "marta": ["Your shift has ended: Payments (primary)"],
    }
    weeks.jump(hours=1)
    assert minute(weeks) == {
        "marta": ["You are on call: Payments (primary)"],
        "nils": ["Your shift has ended: Payments (primary)"],
    }


def test_when_the_incoming_person_has_left_then_there_is_nobody_to_hand_over_to(weeks: World) -> None:
    User.objects.filter(pk=weeks.cast.jonas.pk).update(is_active=False)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    minute(weeks)
    assert not Handoff.objects.exists()


def test_when_one_schedule_cannot_be_read_then_the_others_are_looked_at(weeks: World) -> None:
    broken = Schedule.objects.create(name="Broken", slug="broken")
    broken.versions.create(number=1, effective_from=weeks.now, definition={"nonsense": 1}, created_at=weeks.now)
    DutyClock.objects.create(schedule=broken, checked_until=weeks.now)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert handoffs_check(at=weeks.now) == 1
    assert DutyClock.objects.get(schedule=broken).checked_until < weeks.now
    heard(weeks)


def test_looking_takes_as_many_queries_for_many_schedules_as_for_one(
    weeks: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        schedule = Schedule.objects.create(name=f"S{number}", slug=f"s{number}")
        schedule_publish(schedule=schedule, definition=turns(weeks.cast.nils), author=None, at=weeks.now)
    handoffs_check(at=weeks.now)
    weeks.jump(minutes=1)
    with django_assert_max_num_queries(11):
        handoffs_check(at=weeks.now)


# --- reminders


def test_when_nobody_accepts_then_they_are_reminded_four_times_and_the_manager_hears_of_it(weeks: World) -> None:
    handed_over(weeks)
    reminder = ["Not accepted yet: your handoff of Payments (primary)"]
    weeks.jump(minutes=14)
    assert minute(weeks) == {}
    weeks.jump(minutes=1)
    assert minute(weeks) == {"jonas": reminder}
    for _hour in range(2):
        weeks.jump(hours=1)
        assert minute(weeks) == {"jonas": reminder}
    weeks.jump(hours=1)
    assert minute(weeks) == {"jonas": reminder, "elena": ["Handoff not accepted: Payments (primary)"]}
    weeks.jump(hours=2)
    assert minute(weeks) == {}


def test_when_it_is_accepted_or_somebody_else_took_the_role_then_nobody_is_reminded(weeks: World) -> None:
    handoff = handed_over(weeks)
    override = override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=weeks.now,
        end=weeks.now + timedelta(hours=8),
        actor=weeks.cast.nils,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump(minutes=15)
    minute(weeks)
    handoff.refresh_from_db()
    assert (handoff.reminders, handoff.remind_at) == (0, None)
    override_cancel(override=override, actor=weeks.cast.nils, at=weeks.now)
    weeks.jump(minutes=1)
    minute(weeks)
    back = Handoff.objects.latest("at")
    handoff_accept(handoff=back, actor=weeks.cast.jonas, at=weeks.now, brief={})
    weeks.jump(minutes=30)
    assert minute(weeks) == {}


# --- the task


def test_the_minutes_task_does_every_step_and_one_that_fails_stops_no_other(
    weeks: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks.jump_to(MONDAY + timedelta(seconds=30))

    def fails(**_given: Any) -> int:
        raise RuntimeError

    monkeypatch.setattr("oncall.tasks.swaps_check", fails)
    done = duties_check()
    assert done["handoffs"] == 1
    assert "swaps" not in done
    assert "holidays" in done
    heard(weeks)


def test_the_notices_are_written_on_the_readers_clock(weeks: World) -> None:
    User.objects.filter(pk=weeks.cast.jonas.pk).update(time_zone="Asia/Kathmandu")
    weeks.jump_to(MONDAY + timedelta(seconds=30))
    handoffs_check(at=weeks.now)
    (message,) = heard(weeks)["jonas"]
    assert "until Mon 30 Nov, 13:45" in message.body
    assert timezone.get_current_timezone_name() == "UTC"


def test_an_override_that_is_over_leaves_no_handoff_open(weeks: World) -> None:
    start = weeks.now + timedelta(minutes=1)
    Override.objects.create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=start,
        end=start + timedelta(minutes=5),
        created_at=weeks.now,
    )
    weeks.jump(minutes=10)
    minute(weeks)
    first, second = Handoff.objects.order_by("at")
    assert (first.incoming, first.remind_at) == (weeks.cast.nils, None)
    assert second.incoming == weeks.cast.marta
    assert second.remind_at is not None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_when_two_tasks_look_at_once_then_one_handoff_is_made_and_each_side_is_told_once() -> None:
    at = MONDAY + timedelta(seconds=30)
    with time_machine.travel(NIGHT, tick=False):
        cast = cast_make(at=NIGHT)
        definition = turns(cast.marta, cast.jonas)
        schedule_publish(schedule=cast.schedule, definition=definition, author=None, at=NIGHT, accept_gaps=True)
    handoffs_check(at=NIGHT)
    made = at_once(lambda: handoffs_check(at=at), lambda: handoffs_check(at=at))
    assert sorted(made) == [0, 1]
    assert Message.objects.filter(created_at=at).count() == 2
