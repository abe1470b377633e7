"""Who is paged when whoever is on call should not be: away, on holiday, over a limit, without a skill; and around a handoff."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.models import LedgerEntry
from incidents.models import Page
from notifications.channels import Refused
from oncall.handoffs import handoff_accept
from oncall.models import Absence, Handoff, Skill, User
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

pytestmark = pytest.mark.django_db


def publish(world: World, *people: User, **more: Any) -> None:
    """From now on these take weekly turns as primary; Jonas stays the backup."""
    start = (world.now - timedelta(days=2)).replace(tzinfo=None, microsecond=0)
    layer = {"start": start.isoformat(timespec="seconds"), "rotation": "weekly"}
    definition = {
        "time_zone": "UTC",
        "layers": [
            {"name": "Weekly", "participants": [user.pk for user in people], **layer},
            {"name": "Backup", "role": "secondary", "participants": [world.cast.jonas.pk], **layer},
        ],
        **more,
    }
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.elena, at=world.now, accept_gaps=True
    )
    notices(world)


def notices(world: World) -> None:
    """Take note of every notice under way: this test is about pages."""
    world.settle()
    while len(world.email.got) > world._expected and world.email.got[world._expected].kind == "notice":
        world._expected += 1


def away(user: User, *, since: datetime, days: int = 3, kind: str = "away") -> None:
    Absence.objects.create(user=user, start=since, end=since + timedelta(days=days), kind=kind, created_at=since)


def alert(world: World, name: str) -> None:
    """One more, a minute after whatever came before."""
    world.jump(minutes=1)
    world.alert(name)
    world.settle()


def skips(world: World) -> list[tuple[str, str]]:
    """Who was passed over and why, on the incident's timeline; the ledger must say the same."""
    lines = [line.data for line in world.incident.timeline.filter(kind="escalation.skip_person").order_by("id")]
    entries = LedgerEntry.objects.filter(action="escalation.skip_person", subject=world.incident.subject)
    told = [(line["name"], line["skip"]) for line in lines]
    kept = [entry.data or {} for entry in entries.order_by("id")]
    assert [(data["name"], data["skip"]) for data in kept] == told
    return told


@pytest.mark.requirement("R058")
def test_when_the_primary_is_away_then_the_next_person_is_paged_at_once_and_the_skip_is_logged(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils)
    away(world.cast.marta, since=world.now)

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    assert skips(world) == [("Marta Ferri", "away")]


@pytest.mark.requirement("R294")
def test_when_the_primary_has_a_public_holiday_then_they_are_skipped_and_the_cover_is_paged(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils)
    away(world.cast.marta, since=world.now, days=1, kind="holiday")

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    assert skips(world) == [("Marta Ferri", "holiday")]


@pytest.mark.requirement("R294")
def test_when_everybody_has_the_same_holiday_then_whoever_has_the_turn_works_it(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils)
    away(world.cast.marta, since=world.now, days=1, kind="holiday")
    away(world.cast.nils, since=world.now, days=1, kind="holiday")

    world.alert()
    world.settle()

    world.expect_page("marta", level=1)


def test_when_the_schedule_works_on_holidays_then_a_holiday_changes_nothing(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils, holidays="work")
    away(world.cast.marta, since=world.now, days=1, kind="holiday")

    world.alert()
    world.settle()

    world.expect_page("marta", level=1)


@pytest.mark.requirement("R295", "R058")
def test_when_somebody_has_had_their_pages_then_the_next_in_turn_is_paged_and_the_manager_is_told_once(
    world: World,
) -> None:
    publish(world, world.cast.marta, world.cast.nils, limits={"pages_per_shift": 2})
    for name in ("One", "Two", "Three", "Four"):
        alert(world, name)

    world.expect_page("marta")
    world.expect_page("marta")
    got = sorted((message.kind, message.address.partition("@")[0]) for message in world.email.got[world._expected :])
    assert got == [("notice", "elena"), ("page", "nils"), ("page", "nils")]
    world._expected = len(world.email.got)
    assert Page.objects.filter(recipient=world.cast.nils, why__because="next_in_turn").count() == 2


@pytest.mark.requirement("R295")
def test_when_whoever_stepped_in_has_had_their_pages_too_then_the_one_after_is_paged(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils, world.cast.tomas, limits={"pages_per_shift": 1})
    for name in ("One", "Two", "Three"):
        alert(world, name)

    paged = [page.recipient.username for page in Page.objects.select_related("recipient").order_by("id")]
    assert paged == ["marta", "nils", "tomas"]
    world._expected = len(world.email.got)


def test_when_everybody_has_had_their_pages_then_whoever_is_on_call_is_paged_all_the_same(world: World) -> None:
    publish(world, world.cast.marta, limits={"pages_per_shift": 1})
    alert(world, "One")
    alert(world, "Two")

    world.expect_page("marta")
    world.expect_page("marta")


def test_when_a_person_has_a_limit_of_their_own_then_it_comes_before_the_schedules(world: World) -> None:
    world.cast.marta.capacity_pages = 1
    world.cast.marta.save()
    publish(world, world.cast.marta, world.cast.nils, limits={"pages_per_shift": 50})
    alert(world, "One")
    alert(world, "Two")

    world.expect_page("marta")
    assert Page.objects.order_by("id").last().recipient == world.cast.nils  # type: ignore[union-attr]
    world._expected = len(world.email.got)


@pytest.mark.requirement("R295")
def test_when_somebody_has_been_on_call_for_too_long_then_the_next_in_turn_is_paged(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils, limits={"consecutive": "1h"})

    world.jump(hours=2)
    world.alert()
    world.settle()

    got = sorted((message.kind, message.address.partition("@")[0]) for message in world.email.got[world._expected :])
    assert got == [("notice", "elena"), ("page", "nils")]
    world._expected = len(world.email.got)
    assert skips(world) == [("Marta Ferri", "too_long")]


@pytest.mark.requirement("R097")
def test_when_a_service_asks_for_a_skill_then_its_second_level_pages_only_those_who_have_it(world: World) -> None:
    skill = Skill.objects.create(name="Payments core", slug="payments-core")
    world.cast.gateway.required_skills.add(skill)
    world.cast.nils.skills.add(skill)
    start = (world.now - timedelta(days=2)).replace(tzinfo=None, microsecond=0).isoformat(timespec="seconds")
    schedule_publish(
        schedule=world.cast.schedule,
        definition={
            "time_zone": "UTC",
            "layers": [
                {"name": "First", "start": start, "participants": [world.cast.marta.pk]},
                {
                    "name": "Second",
                    "role": "secondary",
                    "start": start,
                    "participants": [world.cast.jonas.pk, world.cast.nils.pk],
                },
            ],
        },
        author=None,
        at=world.now,
    )
    notices(world)

    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=5)

    world.expect_page("nils", level=2)
    assert skips(world) == [("Jonas de Wit", "lacks:payments-core")]


@pytest.mark.requirement("R097")
def test_when_nobody_of_a_level_has_the_skill_then_the_level_is_left_at_once(world: World) -> None:
    skill = Skill.objects.create(name="Payments core", slug="payments-core")
    world.cast.gateway.required_skills.add(skill)
    world.cast.elena.skills.add(skill)

    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=5)

    world.expect_page("elena", level=3)


def take_over(world: World, user: User, **handover: Any) -> None:
    publish(world, world.cast.marta, handover=handover)
    world.jump(hours=1)
    override_create(
        schedule=world.cast.schedule,
        user=user,
        start=world.now,
        end=world.now + timedelta(hours=8),
        actor=user,
        at=world.now,
        role="primary",
    )
    notices(world)
    world.jump(minutes=5)


@pytest.mark.requirement("R296")
def test_when_an_incident_arrives_in_the_handover_window_then_the_outgoing_and_the_incoming_person_are_paged(
    world: World,
) -> None:
    take_over(world, world.cast.nils, minutes=15, page="both")

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    world.expect_page("marta", level=1)
    assert Page.objects.get(recipient=world.cast.marta).why["because"] == "handover"


@pytest.mark.requirement("R296")
def test_when_the_handover_window_is_over_then_only_the_incoming_person_is_paged(world: World) -> None:
    take_over(world, world.cast.nils, minutes=15, page="both")

    world.jump(minutes=11)
    world.alert()
    world.settle()

    world.expect_page("nils", level=1)


def hand_over_at(world: World, *people: User, minutes: int, **more: Any) -> datetime:
    """These take daily turns, and so many minutes from now the first hands over to the second, who is paged too."""
    handoff = (world.now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    start = (handoff - timedelta(days=len(people) * 3 + 1)).replace(tzinfo=None).isoformat(timespec="seconds")
    layer = {"name": "Daily", "rotation": "daily", "start": start, "participants": [user.pk for user in people]}
    definition = {"time_zone": "UTC", "layers": [layer], "handover": {"minutes": 15, "page": "both"}, **more}
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.elena, at=world.now, accept_gaps=True
    )
    notices(world)
    return handoff


@pytest.mark.requirement("R058")
def test_when_the_outgoing_person_is_away_in_the_handover_window_then_they_are_not_paged(world: World) -> None:
    handoff = hand_over_at(world, world.cast.marta, world.cast.nils, minutes=60)
    away(world.cast.marta, since=handoff)
    world.jump_to(handoff + timedelta(minutes=5))

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)


def test_when_an_absence_is_why_the_shift_changes_hands_then_the_handover_window_pages_nobody_who_is_away(
    world: World,
) -> None:
    handoff = hand_over_at(world, world.cast.marta, world.cast.nils, minutes=60)
    left = handoff - timedelta(minutes=30)
    away(world.cast.marta, since=left)
    world.jump_to(left + timedelta(minutes=5))

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    assert skips(world) == [("Marta Ferri", "away")]


@pytest.mark.requirement("R296")
def test_when_a_schedule_works_on_holidays_then_the_outgoing_person_is_paged_on_theirs_too(world: World) -> None:
    handoff = hand_over_at(world, world.cast.marta, world.cast.nils, minutes=60, holidays="work")
    away(world.cast.marta, since=handoff - timedelta(hours=9), days=1, kind="holiday")
    world.jump_to(handoff + timedelta(minutes=5))

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R296")
@pytest.mark.parametrize("accepted", [False, True])
def test_when_both_are_paged_until_the_handoff_is_accepted_then_accepting_frees_the_outgoing_person(
    world: World, accepted: bool
) -> None:
    take_over(world, world.cast.nils, minutes=15, page="until_accepted")
    if accepted:
        handoff = Handoff.objects.create(
            schedule=world.cast.schedule,
            role="primary",
            at=world.now - timedelta(minutes=5),
            outgoing=world.cast.marta,
            incoming=world.cast.nils,
            created_at=world.now,
        )
        handoff_accept(handoff=handoff, actor=world.cast.nils, at=world.now, brief={})

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    if not accepted:
        world.expect_page("marta", level=1)
    notices(world)


@pytest.mark.requirement("R297")
def test_when_no_page_of_a_level_can_be_delivered_then_the_next_level_is_paged_at_once(world: World) -> None:
    world.email.script("marta@brightquay.example", Refused("550 no such person"))

    world.alert()
    world.settle()

    world.expect_page("jonas", level=2)
    assert Page.objects.get(recipient=world.cast.marta).state == "failed"


@pytest.mark.requirement("R297")
def test_when_nobody_is_on_call_then_the_next_level_is_paged_at_once(world: World) -> None:
    publish(world)

    world.alert()
    world.settle()

    world.expect_page("jonas", level=2)
    assert world.incident.timeline.filter(kind="escalation.skip_level", data__because="nobody_on_call").exists()


def test_when_an_account_is_switched_off_without_more_then_the_next_in_turn_is_paged(world: World) -> None:
    publish(world, world.cast.marta, world.cast.nils)
    User.objects.filter(pk=world.cast.marta.pk).update(is_active=False)

    world.alert()
    world.settle()

    world.expect_page("nils", level=1)
    assert skips(world) == [("Marta Ferri", "inactive")]
