"""People hear when their own coming shifts change, whoever changed them and by what means."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from notifications.models import Message
from oncall.models import Override, Schedule, User
from oncall.notices import shifts_watched
from oncall.services import schedule_publish
from oncall.telling import note_to
from tests.world.harness import World


def turns(*people: User, start: str = "2025-01-06T09:00") -> dict[str, Any]:
    """A week each, from Monday 09:00 in Rome."""
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {"name": "Weeks", "start": start, "rotation": "weekly", "participants": [person.pk for person in people]}
        ],
    }


def follower_made(world: World) -> Schedule:
    """Storefront, where whoever has Payments is on call as well."""
    schedule = Schedule.objects.create(name="Storefront", slug="storefront")
    definition = {"time_zone": "Europe/Rome", "kind": "follow", "follow": "payments"}
    schedule_publish(schedule=schedule, definition=definition, author=None, at=world.now)
    return schedule


def cover(world: World, who: User, *, hours: int = 2, start: datetime | None = None) -> Override:
    """An override as a row, so that only the watch around it tells anybody."""
    begins = start or world.now + timedelta(days=1)
    return Override.objects.create(
        schedule=world.cast.schedule,
        user=who,
        kind=Override.Kind.COVER,
        start=begins,
        end=begins + timedelta(hours=hours),
        created_at=world.now,
    )


def told() -> dict[str, Message]:
    told = Message.objects.select_related("recipient")
    return {message.recipient.username: message for message in told if message.recipient is not None}


def test_when_somebody_covers_then_both_hear_what_they_gain_and_lose_on_their_own_clock(world: World) -> None:
    world.cast.nils.time_zone = "Asia/Kathmandu"
    world.cast.nils.save()
    with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
        cover(world, world.cast.nils)
    world.settle()
    lost = world.expect_notice("marta")
    gained = world.expect_notice("nils")
    assert lost.subject == "Your on-call shifts have changed: Payments"
    assert "Elena Conti has changed when you are on call for Payments." in lost.body
    assert "You lose Payments (primary): Mon 23 Nov, 03:09 – 05:09 CET" in lost.body
    assert "The times are those of Europe/Rome." in lost.body
    assert "You gain Payments (primary): Mon 23 Nov, 07:54 – 09:54" in gained.body
    assert "The times are those of Asia/Kathmandu." in gained.body


def test_when_one_changes_ones_own_shifts_then_only_the_others_hear_of_it(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=world.cast.nils, at=world.now):
        cover(world, world.cast.nils)
    assert list(told()) == ["marta"]


def test_when_the_caller_tells_somebody_in_its_own_words_then_they_hear_it_once(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=None, at=world.now, told=[world.cast.marta.pk]):
        cover(world, world.cast.nils)
    assert list(told()) == ["nils"]
    assert told()["nils"].body.startswith("When you are on call for Payments has changed.")


def test_when_one_change_is_made_of_others_then_each_person_hears_once_what_it_comes_to(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
        with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
            first = cover(world, world.cast.tomas)
        with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
            first.cancelled_at = world.now
            first.save()
            cover(world, world.cast.nils)
    assert sorted(told()) == ["marta", "nils"]


def test_when_an_inner_change_touches_another_schedule_then_that_is_told_too(world: World) -> None:
    other = Schedule.objects.create(name="Platform", slug="platform")
    schedule_publish(schedule=other, definition=turns(world.cast.tomas), author=None, at=world.now)
    with (
        shifts_watched([world.cast.schedule], actor=None, at=world.now),
        shifts_watched([other], actor=None, at=world.now),
    ):
        start = world.now + timedelta(hours=1)
        Override.objects.create(
            schedule=other, user=world.cast.nils, start=start, end=start + timedelta(hours=1), created_at=world.now
        )
    assert sorted(told()) == ["nils", "tomas"]


def test_when_the_change_is_undone_then_nobody_is_told(world: World) -> None:
    def breaking() -> None:
        with transaction.atomic(), shifts_watched([world.cast.schedule], actor=None, at=world.now):
            cover(world, world.cast.nils)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaking()
    with shifts_watched([world.cast.schedule], actor=None, at=world.now):
        pass
    assert told() == {}


def test_when_nothing_changes_for_anybody_then_nobody_is_told(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
        cover(world, world.cast.marta)
    assert told() == {}


def test_when_a_schedule_says_something_for_the_first_time_then_nobody_is_told(world: World) -> None:
    fresh = Schedule.objects.create(name="Fresh", slug="fresh")
    with shifts_watched([fresh], actor=None, at=world.now):
        schedule_publish(schedule=fresh, definition=turns(world.cast.nils), author=None, at=world.now)
    assert told() == {}


def test_when_a_rotation_changes_for_good_then_it_says_from_when_on(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=world.cast.elena, at=world.now):
        schedule_publish(
            schedule=world.cast.schedule,
            definition=turns(world.cast.nils),
            author=world.cast.elena,
            at=world.now,
            effective_from=world.now + timedelta(days=2),
            accept_gaps=True,
        )
    assert "You gain Payments (primary): from Tue 24 Nov, 03:09 on" in told()["nils"].body
    assert "You lose Payments (backup): from Tue 24 Nov, 03:09 on" in told()["jonas"].body


def test_when_many_shifts_change_then_six_are_listed_and_the_rest_counted(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=None, at=world.now):
        for day in range(1, 9):
            cover(world, world.cast.nils, hours=1, start=world.now + timedelta(days=day))
    body = told()["nils"].body
    assert body.count("You gain") == 6
    assert "… and 2 changes more." in body


def test_when_a_schedule_follows_the_one_that_changes_then_its_people_hear_of_it_too(world: World) -> None:
    follower_made(world)
    with shifts_watched([world.cast.schedule], actor=None, at=world.now):
        cover(world, world.cast.nils)
    message = told()["nils"]
    assert message.subject == "Your on-call shifts have changed: Payments and Storefront"
    assert "You gain Storefront (primary)" in message.body


def test_when_a_later_change_undoes_it_then_that_is_told_again(world: World) -> None:
    with shifts_watched([world.cast.schedule], actor=None, at=world.now):
        override = cover(world, world.cast.nils)
    world.jump(minutes=1)
    with shifts_watched([world.cast.schedule], actor=None, at=world.now):
        override.cancelled_at = world.now
        override.save()
    assert Message.objects.filter(recipient=world.cast.nils).count() == 2


def test_a_notice_is_written_in_the_readers_language_and_on_their_clock(world: World) -> None:
    world.cast.marta.language, world.cast.nils.language = "it", "nl"
    seen = [
        note_to(user, lambda: (str(get_language()), get_current_timezone_name()), key="who", link="/")
        for user in (world.cast.marta, world.cast.nils)
    ]
    assert [(note.subject, note.body) for note in seen] == [("it", "Europe/Rome"), ("nl", "Europe/Oslo")]
