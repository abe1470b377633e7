"""What the on-call app gets through its ports: notices, the paths that lead to a schedule, pages by person."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from incidents.models import Incident, Service
from notifications.models import Message
from oncall import ports
from oncall.models import Schedule
from oncall.services import schedule_publish
from policies.models import EscalationPolicy
from policies.services import policy_publish
from tests.world.harness import World


def note(world: World, username: str, key: str = "a", **given: Any) -> ports.Note:
    return ports.Note(
        recipient_id=world.cast.people[username].pk, subject="News", body="Something changed.", key=key, **given
    )


def schedule_made(world: World, slug: str, definition: dict[str, Any]) -> Schedule:
    schedule = Schedule.objects.create(name=slug.capitalize(), slug=slug, team=world.cast.payments)
    schedule_publish(schedule=schedule, definition=definition, author=world.cast.hugo, at=world.now)
    return schedule


def policy_made(world: World, slug: str, *targets: dict[str, Any], catch_all: tuple[dict[str, Any], ...] = ()) -> None:
    policy = EscalationPolicy.objects.create(name=slug.capitalize(), slug=slug)
    definition = {
        "levels": [{"name": "One", "targets": list(targets), "ack_timeout": {"after": "5m"}}],
        "catch_all": list(catch_all),
    }
    policy_publish(policy=policy, definition=definition, author=None, at=world.now)
    Service.objects.create(name=f"{slug} service", slug=f"{slug}-service", team=world.cast.payments, policy=policy)


def paths(world: World, *schedules: Schedule) -> dict[int, list[tuple[str, tuple[str, ...]]]]:
    found = ports.paths_of([schedule.pk for schedule in schedules])
    return {pk: [(path.policy, path.services) for path in own] for pk, own in found.items()}


def test_a_notice_reaches_its_person_with_an_absolute_link_behind_every_page(world: World) -> None:
    ports.tell([note(world, "marta", link="/oncall/", subject_ref="schedule:1")], at=world.now)
    world.settle()
    message = world.expect_notice("marta")
    assert message.link.startswith("http")
    assert message.link.endswith("/oncall/")
    stored = Message.objects.get()
    assert (stored.urgency, stored.context) == ("low", {"subject": "schedule:1"})
    assert stored.priority > 50


def test_when_a_notice_is_told_twice_then_it_is_sent_once(world: World) -> None:
    ports.tell([note(world, "marta"), note(world, "marta")], at=world.now)
    ports.tell([note(world, "marta")], at=world.now + timedelta(minutes=1))
    world.settle()
    world.expect_notice("marta")
    world.expect_silence()


def test_when_a_person_has_left_then_they_are_told_nothing(world: World) -> None:
    world.cast.marta.is_active = False
    world.cast.marta.save()
    ports.tell([note(world, "marta")], at=world.now)
    assert not Message.objects.exists()


def test_the_paths_of_a_schedule_are_the_policies_that_name_it_with_their_services(world: World) -> None:
    assert paths(world, world.cast.schedule) == {
        world.cast.schedule.pk: [("Critical payments", ("Payments gateway",))],
    }


def test_when_a_policy_names_a_schedule_by_its_number_or_only_as_catch_all_then_it_counts(world: World) -> None:
    schedule = schedule_made(world, "night", {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]})
    policy_made(world, "numbered", {"kind": "schedule", "ref": schedule.pk})
    policy_made(world, "last", {"kind": "team_lead"}, catch_all=({"kind": "schedule", "ref": "night"},))
    assert sorted(paths(world, schedule)[schedule.pk]) == [
        ("Last", ("last service",)),
        ("Numbered", ("numbered service",)),
    ]


def test_when_a_policy_names_a_schedule_that_follows_another_then_it_is_a_path_of_both(world: World) -> None:
    follower = schedule_made(world, "follower", {"time_zone": "UTC", "kind": "follow", "follow": "payments"})
    policy_made(world, "indirect", {"kind": "schedule", "ref": "follower"})
    found = paths(world, world.cast.schedule, follower)
    assert ("Indirect", ("indirect service",)) in found[world.cast.schedule.pk]
    assert found[follower.pk] == [("Indirect", ("indirect service",))]


def test_when_a_schedule_follows_no_longer_then_it_is_no_path_to_the_other(world: World) -> None:
    follower = schedule_made(world, "follower", {"time_zone": "UTC", "kind": "follow", "follow": "payments"})
    policy_made(world, "indirect", {"kind": "schedule", "ref": "follower"})
    everyone = {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]}
    schedule_publish(schedule=follower, definition=everyone, author=world.cast.hugo, at=world.now, accept_gaps=True)
    assert paths(world, world.cast.schedule)[world.cast.schedule.pk] == [("Critical payments", ("Payments gateway",))]


def test_when_a_policy_names_another_policy_then_it_reaches_the_schedules_of_that_ones_first_level(
    world: World,
) -> None:
    everyone = {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]}
    first, later = schedule_made(world, "first", everyone), schedule_made(world, "later", everyone)
    policy_made(
        world, "platform", {"kind": "schedule", "ref": "first"}, catch_all=({"kind": "schedule", "ref": "later"},)
    )
    policy_made(world, "by-slug", {"kind": "policy", "ref": "platform"})
    policy_made(
        world,
        "by-number",
        {"kind": "team_lead"},
        catch_all=({"kind": "policy", "ref": EscalationPolicy.objects.get(slug="platform").pk},),
    )
    policy_made(world, "twice-removed", {"kind": "policy", "ref": "by-slug"})

    found = paths(world, first, later)

    assert [name for name, _services in found[first.pk]] == ["By-number", "By-slug", "Platform"]
    assert ("By-slug", ("by-slug service",)) in found[first.pk]
    assert [name for name, _services in found[later.pk]] == ["Platform"]


def test_when_two_policies_name_each_other_then_the_paths_still_end(world: World) -> None:
    policy_made(world, "one", {"kind": "schedule", "ref": "payments"}, {"kind": "policy", "ref": "two"})
    policy_made(world, "two", {"kind": "policy", "ref": "one"})
    found = paths(world, world.cast.schedule)[world.cast.schedule.pk]
    assert [name for name, _services in found] == ["Critical payments", "One", "Two"]


def test_when_only_the_final_decision_maker_is_a_schedule_then_the_policy_is_a_path_to_it(world: World) -> None:
    everyone = {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]}
    board = schedule_made(world, "board", everyone)
    final = {"target": {"kind": "schedule", "ref": "board"}, "every": "15m", "times": 2}
    level = {"name": "One", "targets": [{"kind": "team_lead"}], "ack_timeout": "5m"}
    policy = EscalationPolicy.objects.create(name="Last word", slug="last-word")
    policy_publish(policy=policy, definition={"levels": [level], "final": final}, author=None, at=world.now)
    assert paths(world, board) == {board.pk: [("Last word", ())]}


def test_when_no_policy_names_a_schedule_then_it_has_no_path(world: World) -> None:
    lonely = schedule_made(world, "lonely", {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]})
    assert paths(world, lonely) == {}
    assert ports.paths_of([]) == {}


def test_the_paths_of_many_schedules_take_four_queries(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    everyone = {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.nils.pk]}
    schedules = [schedule_made(world, f"s{number}", everyone) for number in range(5)]
    for schedule in schedules:
        policy_made(world, f"p-{schedule.slug}", {"kind": "schedule", "ref": schedule.slug})
    with django_assert_num_queries(4):
        found = ports.paths_of([schedule.pk for schedule in schedules])
    assert len(found) == 5


@pytest.mark.parametrize("is_test", [False, True])
def test_pages_are_counted_by_person_and_tests_are_left_out(world: World, *, is_test: bool) -> None:
    since = world.now
    world.alert()
    world.settle()
    world.expect_page("marta")
    Incident.objects.update(is_test=is_test)
    counted = {} if is_test else {world.cast.marta.pk: 1}
    assert ports.pages_by_person(since=since, until=since + timedelta(minutes=1)) == counted
    assert ports.pages_by_person(since=since + timedelta(hours=1), until=since + timedelta(hours=2)) == {}


def test_pages_are_counted_from_each_persons_own_start(world: World) -> None:
    since = world.now
    world.alert()
    world.settle()
    world.expect_page("marta")
    until = since + timedelta(minutes=1)
    assert ports.pages_since({world.cast.marta.pk: since}, until=until) == {world.cast.marta.pk: 1}
    assert ports.pages_since({world.cast.jonas.pk: since}, until=until) == {}
    assert ports.pages_since({}, until=until) == {}
