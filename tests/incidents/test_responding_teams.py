"""A level calls specialists in: their team becomes a responder, and the team that owns the incident keeps it in sight."""

import pytest

from incidents.models import Incident, RespondingTeam, TimelineEvent
from oncall.models import User
from policies.services import policy_publish
from tests.policies.test_definition import a_level, a_policy
from tests.world.harness import World


def specialists_second(world: World) -> None:
    """The owner's first level, then whoever answers for the platform."""
    first = a_level(targets=[{"kind": "user", "ref": "marta"}])
    second = a_level(name="Platform", targets=[{"kind": "functional_team", "ref": "platform"}])
    policy_publish(policy=world.cast.policy, definition=a_policy(levels=[first, second]), author=None, at=world.now)


def sees(user: User) -> bool:
    return Incident.objects.visible_to(user).exists()


@pytest.mark.requirement("R051")
@pytest.mark.requirement("R065")
def test_when_a_functional_level_is_called_then_that_team_responds_too_and_the_owner_keeps_it_in_sight(
    world: World,
) -> None:
    specialists_second(world)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    assert not RespondingTeam.objects.exists()

    world.advance(minutes=5)

    world.expect_page("tomas", level=2)
    joined = RespondingTeam.objects.get()
    assert (joined.team, joined.joined_at, world.incident.team) == (
        world.cast.platform,
        world.now,
        world.cast.payments,
    )
    line = TimelineEvent.objects.get(kind="team.join")
    assert line.data == {"name": "Platform", "owner": "Payments"}


def test_when_the_level_is_called_again_then_the_team_has_joined_once(world: World) -> None:
    specialists_second(world)
    policy_publish(
        policy=world.cast.policy,
        definition={**world.cast.policy.versions.last().definition, "cycles": 2},  # type: ignore[union-attr]  # it was published above
        author=None,
        at=world.now,
    )
    world.alert()
    world.advance(minutes=16)

    for who in ("marta", "tomas", "marta", "tomas"):
        world.expect_page(who)
    assert RespondingTeam.objects.count() == 1


def test_when_the_incident_is_restricted_then_a_responding_team_sees_it_and_others_do_not(world: World) -> None:
    specialists_second(world)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    Incident.objects.update(restricted=True)
    colleague = User.objects.create(username="nadia", email="nadia@brightquay.example", role=User.Role.RESPONDER)
    world.cast.platform.memberships.create(user=colleague)
    assert not sees(colleague)
    assert sees(world.cast.marta)

    world.advance(minutes=5)

    world.expect_page("tomas", level=2)
    assert sees(colleague)
    assert sees(world.cast.marta)
