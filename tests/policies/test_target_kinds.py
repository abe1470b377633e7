"""Whom the finer kinds of targets lead to: in turn, up the line, to the owner, to specialists, through another policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.models import Membership, Schedule, Team
from oncall.services import schedule_publish
from policies.definition import Pick, TargetDef, TargetKind, policy_dump, policy_parse
from policies.models import EscalationPolicy
from policies.pages import TargetNames
from policies.services import policy_publish
from policies.targets import TargetResolver
from policies.turns import Turns
from tests.policies.strategies import steady
from tests.policies.test_definition import a_level, a_policy, problems_of
from tests.world.cast import rota
from tests.world.harness import NIGHT, World

SLUG_PAYMENTS = {"kind": "team", "ref": "payments", "pick": "round_robin"}


def told(world: World, target: TargetDef) -> list[str]:
    found = TargetResolver(at=world.now).recipients([target], team=world.cast.payments)
    return [one.user.username for one in found]


def level_of(target: dict[str, Any]) -> dict[str, Any]:
    return a_policy(levels=[a_level(targets=[target])])


# Reading.


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ({"kind": "manager", "up": 1}, TargetDef(TargetKind.MANAGER, up=1)),
        ({"kind": "service_owner"}, TargetDef(TargetKind.SERVICE_OWNER)),
        ({"kind": "functional_team", "ref": "database"}, TargetDef(TargetKind.FUNCTIONAL_TEAM, "database")),
        ({"kind": "policy", "ref": "platform"}, TargetDef(TargetKind.POLICY, "platform")),
        ({"kind": "chat_channel", "ref": "ops"}, TargetDef(TargetKind.CHAT_CHANNEL, "ops")),
        ({"kind": "webhook", "ref": "pager"}, TargetDef(TargetKind.WEBHOOK, "pager")),
        (SLUG_PAYMENTS, TargetDef(TargetKind.TEAM, "payments", pick=Pick.ROUND_ROBIN)),
    ],
)
def test_when_a_finer_target_is_written_then_it_is_read_and_written_back(
    target: dict[str, Any], meant: TargetDef
) -> None:
    policy = policy_parse(level_of(target))

    assert policy.levels[0].targets == (meant,)
    assert policy_parse(policy_dump(policy)) == policy


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ({"kind": "chat_channel"}, "ref: must not be empty"),
        (
            {"kind": "webhook", "ref": "pager", "pick": "round_robin"},
            "pick: needs a target of several people: a schedule without a role, or a team",
        ),
        ({"kind": "functional_team"}, "ref: must not be empty"),
        ({"kind": "policy"}, "ref: must not be empty"),
        ({"kind": "service_owner", "ref": "x"}, "ref: must be left out: it is the owner of the incident's own service"),
        ({"kind": "team_lead", "up": 1}, "up: belongs to managers only"),
        ({"kind": "manager", "up": 10}, "up: must be a whole number from 1 to 9"),
        (
            {"kind": "user", "ref": "bob", "pick": "round_robin"},
            "pick: needs a target of several people: a schedule without a role, or a team",
        ),
        (
            {"kind": "schedule", "ref": "s", "role": "primary", "pick": "round_robin"},
            "pick: needs a target of several people: a schedule without a role, or a team",
        ),
        ({"kind": "team", "ref": "s", "pick": "best"}, "pick: must be one of all, round_robin"),
    ],
)
def test_when_a_target_cannot_be_told_then_the_message_says_what_is_wrong(target: dict[str, Any], problem: str) -> None:
    assert problems_of(level_of(target)) == [f"levels[0].targets[0].{problem}"]


@pytest.mark.parametrize(
    "more",
    [
        {"final": {"target": {"kind": "chat_channel", "ref": "ops"}, "every": "15m"}},
        {"overseer": {"kind": "webhook", "ref": "pager"}},
    ],
)
def test_when_a_place_is_to_decide_or_to_oversee_then_it_is_refused(more: dict[str, Any]) -> None:
    (problem,) = problems_of(a_policy(levels=[a_level()], **more))

    assert problem.endswith("kind: is a place and nobody: name people here")


# Turns.


@steady
@given(st.integers(1, 6), st.integers(1, 40))
def test_when_many_turns_are_given_at_once_then_they_are_dealt_round(people: int, rounds: int) -> None:
    turns = Turns()
    given_to = [turns.next(range(people), last_paged={}) for _round in range(rounds)]

    assert given_to == [turn % people for turn in range(rounds)]


def test_when_some_were_paged_before_then_whoever_was_longest_ago_is_next_and_newcomers_come_first() -> None:
    last_paged = {1: NIGHT, 2: NIGHT - timedelta(hours=3)}

    assert Turns().next([1, 2], last_paged=last_paged) == 2
    assert Turns().next([1, 2, 3], last_paged=last_paged) == 3


def test_when_a_team_takes_turns_then_each_incident_goes_to_the_next_of_them(world: World) -> None:
    definition = a_policy(levels=[a_level(targets=[SLUG_PAYMENTS], ack_timeout="1h")])
    cast = world.cast
    policy_publish(policy=cast.policy, definition=definition, author=cast.elena, at=world.now)

    for number, name in enumerate(("marta", "jonas", "elena", "sofie", "marta")):
        world.advance(minutes=1)
        world.alert(f"Alert{number}")
        world.settle()
        world.expect_page(name)


def test_when_many_incidents_come_in_one_instant_then_their_turns_are_dealt_round_too(world: World) -> None:
    cast = world.cast
    definition = a_policy(levels=[a_level(targets=[SLUG_PAYMENTS], ack_timeout="1h")])
    policy_publish(policy=cast.policy, definition=definition, author=cast.elena, at=world.now)

    for number in range(4):
        world.alert(f"Alert{number}")
    world.settle()

    got = sorted(message.address.partition("@")[0] for message in world.email.got)
    for message in list(world.email.got):
        world.expect_page(message.address.partition("@")[0])
    assert got == ["elena", "jonas", "marta", "sofie"]


# Who that is.


def line_of_managers(world: World) -> Team:
    """Payments, under a department that Hugo manages, under a board nobody manages."""
    board = Team.objects.create(name="Board", slug="board", time_zone="UTC")
    department = Team.objects.create(name="Department", slug="department", time_zone="UTC", parent=board)
    world.cast.hugo.role = "manager"
    world.cast.hugo.save()
    Membership.objects.create(team=department, user=world.cast.hugo)
    world.cast.payments.parent = department
    world.cast.payments.save()
    return department


@pytest.mark.requirement("R047")
@pytest.mark.parametrize(("up", "names"), [(0, ["elena"]), (1, ["hugo"]), (2, [])])
def test_when_the_next_manager_up_the_line_is_wanted_then_the_one_above_is_found(
    world: World, up: int, names: list[str]
) -> None:
    line_of_managers(world)

    assert told(world, TargetDef(TargetKind.MANAGER, up=up)) == names


@pytest.mark.requirement("R062")
def test_when_the_service_owner_is_wanted_then_whoever_leads_the_owning_team_is_told(world: World) -> None:
    assert told(world, TargetDef(TargetKind.SERVICE_OWNER)) == ["jonas"]
    Membership.objects.filter(team=world.cast.payments, role="lead").delete()

    assert told(world, TargetDef(TargetKind.SERVICE_OWNER)) == ["elena"]


@pytest.mark.requirement("R065")
@pytest.mark.requirement("R066")
def test_when_specialists_are_wanted_then_whoever_is_on_call_there_is_told_or_else_their_lead(world: World) -> None:
    specialists = TargetDef(TargetKind.FUNCTIONAL_TEAM, "platform")
    assert told(world, specialists) == ["tomas"]

    schedule = Schedule.objects.create(name="P", slug="p", team=world.cast.platform, time_zone="Europe/Rome")
    schedule_publish(schedule=schedule, definition=rota(world.cast.people), author=world.cast.hugo, at=world.now)

    assert told(world, specialists) == ["marta", "jonas"]


def platform_policy(world: World, *targets: dict[str, Any]) -> None:
    policy = EscalationPolicy.objects.create(name="Platform", slug="platform")
    definition = a_policy(levels=[a_level(targets=list(targets))])
    policy_publish(policy=policy, definition=definition, author=None, at=world.now)


def test_when_a_level_continues_with_another_policy_then_that_ones_first_level_is_told(world: World) -> None:
    platform_policy(world, {"kind": "user", "ref": "nils"}, {"kind": "policy", "ref": "platform"})

    assert told(world, TargetDef(TargetKind.POLICY, "platform")) == ["nils"]
    assert told(world, TargetDef(TargetKind.POLICY, "unknown")) == []


def test_when_targets_are_named_then_each_kind_reads_as_people_would_say_it(world: World) -> None:
    platform_policy(world, {"kind": "user", "ref": "nils"})
    targets = [
        {"kind": "manager", "up": 1},
        {"kind": "manager", "up": 2},
        {"kind": "service_owner"},
        {"kind": "functional_team", "ref": "platform"},
        {"kind": "policy", "ref": "platform"},
        SLUG_PAYMENTS,
    ]
    policy = policy_parse(a_policy(levels=[a_level(targets=targets)]))

    assert [TargetNames([policy])(target) for target in policy.levels[0].targets] == [
        "the next manager up the line from that of the service’s team",
        "the manager 2 steps up the line from that of the service’s team",
        "the owner of the service",
        "the specialists on call in Platform",
        "the first level of the policy Platform",
        "one person in turn out of everybody in Payments",
    ]
