"""An organisation of many services in several regions: each alert finds the path of the sub-team that owns what broke."""

from datetime import datetime, timedelta

import pytest

from incidents.models import EscalationRun, Incident, Page, Service
from notifications.models import ContactMethod
from oncall.models import Membership, Schedule, Team, User
from oncall.services import schedule_publish
from policies.models import EscalationPolicy
from policies.services import policy_publish
from tests.world.cast import integration
from tests.world.harness import World

pytestmark = pytest.mark.django_db

REGIONS = ("eu-south-1", "eu-north-1", "us-east-1")
AREAS = ("Checkout", "Ledger", "Search")
PER_TEAM = 6


@pytest.fixture
def organisation(world: World) -> World:
    """Three areas, each with a sub-team in every region that has a rotation, a path and six services: 54 in all."""
    for area in AREAS:
        parent = Team.objects.create(name=area, slug=area.lower())
        for region in REGIONS:
            team = Team.objects.create(name=f"{area} {region}", slug=f"{area.lower()}-{region}", parent=parent)
            policy = path_of(team, at=world.now)
            for number in range(PER_TEAM):
                slug = f"{team.slug}-{number}"
                service = Service.objects.create(name=slug, slug=slug, team=team, policy=policy, region=region)
                integration(service, "pagerduty", key_of(slug), world.now)
    return world


def path_of(team: Team, *, at: datetime) -> EscalationPolicy:
    """Whoever is on call for the team, then the manager."""
    engineer = User.objects.create_user(username=team.slug, email=f"{team.slug}@brightquay.example", role="responder")
    ContactMethod.objects.create(user=engineer, kind="email", address=engineer.email)
    Membership.objects.create(team=team, user=engineer)
    schedule = Schedule.objects.create(name=team.name, slug=team.slug, team=team)
    layer = {"name": "Weekly", "start": "2025-01-06T09:00", "participants": [engineer.pk]}
    schedule_publish(schedule=schedule, definition={"time_zone": "UTC", "layers": [layer]}, author=None, at=at)
    policy = EscalationPolicy.objects.create(name=team.name, slug=team.slug, team=team)
    targets = [{"kind": "schedule", "ref": team.slug, "role": "primary"}]
    levels = [
        {"name": "Team", "targets": targets, "ack_timeout": {"after": "5m"}},
        {"name": "Manager", "targets": [{"kind": "manager"}], "ack_timeout": {"after": "5m"}},
    ]
    policy_publish(policy=policy, definition={"levels": levels}, author=None, at=at)
    policy.refresh_from_db()
    return policy


def key_of(slug: str) -> str:
    return f"{slug:0<32}"[:32]


@pytest.mark.requirement("R002")
def test_when_any_service_in_any_region_alerts_then_the_team_that_owns_it_is_paged_by_its_own_path(
    organisation: World,
) -> None:
    services = list(Service.objects.filter(team__parent__isnull=False).select_related("team__parent"))
    assert (len(services), {one.region for one in services}) == (54, set(REGIONS))
    begun = organisation.now
    for service in services:
        event = {"summary": service.name, "source": service.region, "severity": "critical"}
        body = {"routing_key": key_of(service.slug), "event_action": "trigger", "payload": event}
        assert organisation.post("/v2/enqueue", body).status_code == 202
    organisation.settle()

    paths = {
        run.incident_id: run.policy_version.policy.name
        for run in EscalationRun.objects.select_related("policy_version__policy")
    }
    paged = {page.incident_id: page for page in Page.objects.select_related("recipient")}
    for incident in Incident.objects.select_related("service__team").filter(service__in=services):
        assert paths[incident.pk] == incident.service.team.name
        assert paged[incident.pk].recipient.username == incident.service.team.slug
        assert paged[incident.pk].created_at - begun < timedelta(seconds=30)
    assert len(paths) == len(services)
    organisation._expected = len(organisation.email.got)
