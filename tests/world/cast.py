"""A small organisation everybody in the tests knows.

Payments is run by Marta (primary), Jonas (backup, leads the team) and Elena (manager). Sofie files incidents, Amara audits, Hugo
administers. Tomás and Nils run Platform. Everyone is reached by e-mail at <name>@brightquay.example.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.intake.door import key_digest
from incidents.models import Integration, Service
from notifications.models import ContactMethod
from oncall.models import Membership, Schedule, Team, User
from oncall.services import schedule_publish
from policies.models import EscalationPolicy
from policies.services import policy_publish

ALERTMANAGER_KEY = "am-payments-key-0123456789abcdef"
PAGERDUTY_KEY = "0123456789abcdef0123456789abcdef"

PEOPLE: dict[str, tuple[str, str, str, str]] = {
    # username: (first name, last name, role, time zone)
    "marta": ("Marta", "Ferri", "responder", "Europe/Rome"),
    "jonas": ("Jonas", "de Wit", "responder", "Europe/Amsterdam"),
    "elena": ("Elena", "Conti", "manager", "Europe/Rome"),
    "sofie": ("Sofie", "van Dijk", "reporter", "Europe/Amsterdam"),
    "amara": ("Amara", "Okafor", "auditor", "Europe/London"),
    "hugo": ("Hugo", "Brandt", "administrator", "Europe/Lisbon"),
    "tomas": ("Tomás", "Oliveira", "responder", "Europe/Lisbon"),
    "nils": ("Nils", "Aaker", "responder", "Europe/Oslo"),
}
PASSWORD = "correct horse battery staple"


Timings = tuple[str | None, str | None, str | None]


@dataclass
class Cast:
    people: dict[str, User]
    payments: Team
    platform: Team
    schedule: Schedule
    policy: EscalationPolicy
    gateway: Service
    alertmanager: Integration
    pagerduty: Integration

    def __getattr__(self, name: str) -> User:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None


def levels(
    *,
    ack: Timings = ("5m", "5m", "5m"),
    resolve: Timings = (None, None, None),
) -> dict[str, Any]:
    """The default policy: primary on call; backup and the team's lead; the manager."""
    targets: list[list[dict[str, Any]]] = [
        [{"kind": "schedule", "ref": "payments", "role": "primary"}],
        [{"kind": "schedule", "ref": "payments", "role": "secondary"}, {"kind": "team_lead"}],
        [{"kind": "manager"}],
    ]
    names = ("Primary on call", "Backup and senior", "Manager")
    return {
        "levels": [
            {
                "name": name,
                "targets": who,
                **({"ack_timeout": {"after": wait}} if wait else {}),
                **({"resolve_timeout": {"after": limit}} if limit else {}),
            }
            for name, who, wait, limit in zip(names, targets, ack, resolve, strict=True)
        ]
    }


def person(username: str, *, email: bool = True) -> User:
    first, last, role, zone = PEOPLE[username]
    user = User.objects.create_user(
        username=username,
        email=f"{username}@brightquay.example",
        password=PASSWORD,
        first_name=first,
        last_name=last,
        role=role,
        time_zone=zone,
    )
    if email:
        ContactMethod.objects.create(user=user, kind="email", address=user.email)
    return user


def cast_make(*, at: datetime) -> Cast:
    """The organisation, as of ``at``."""
    people = {username: person(username) for username in PEOPLE}
    payments = Team.objects.create(name="Payments", slug="payments", time_zone="Europe/Rome")
    platform = Team.objects.create(name="Platform", slug="platform", time_zone="Europe/Lisbon")
    for team, username, role in (
        (payments, "marta", "member"),
        (payments, "jonas", "lead"),
        (payments, "elena", "member"),
        (payments, "sofie", "member"),
        (platform, "tomas", "lead"),
        (platform, "nils", "member"),
    ):
        Membership.objects.create(team=team, user=people[username], role=role)
    schedule = Schedule.objects.create(name="Payments", slug="payments", team=payments, time_zone="Europe/Rome")
    schedule_publish(schedule=schedule, definition=rota(people), author=people["hugo"], at=at)
    policy = EscalationPolicy.objects.create(name="Critical payments", slug="critical-payments", team=payments)
    policy_publish(policy=policy, definition=levels(), author=people["elena"], at=at)
    policy.refresh_from_db()
    gateway = Service.objects.create(
        name="Payments gateway", slug="payments-gateway", team=payments, policy=policy, tier=1, region="eu-south-1"
    )
    return Cast(
        people,
        payments,
        platform,
        schedule,
        policy,
        gateway,
        integration(gateway, "alertmanager", ALERTMANAGER_KEY, at),
        integration(gateway, "pagerduty", PAGERDUTY_KEY, at),
    )


def rota(people: dict[str, User]) -> dict[str, Any]:
    """Marta first, Jonas second, always."""
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": role,
                "role": role,
                "start": "2025-01-06T09:00",
                "rotation": "weekly",
                "participants": [people[username].pk],
            }
            for role, username in (("primary", "marta"), ("secondary", "jonas"))
        ],
    }


def integration(service: Service, kind: str, key: str, at: datetime) -> Integration:
    return Integration.objects.create(
        name=f"{service.name} {kind}",
        slug=f"{service.slug}-{kind}",
        kind=kind,
        service=service,
        key_digest=key_digest(key),
        key_hint=key[-4:],
        created_at=at,
    )
