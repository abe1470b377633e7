"""The organisation the benchmarks page: one service, three levels, people reached by e-mail that is written as files.

    python -m benchmarks.organisation [ACK]

ACK is the time each level has to answer ("30m").
"""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
django.setup()

from benchmarks.site import KEY  # noqa: E402  Django is set up first
from escalation_site.kernel.instants import now  # noqa: E402  Django is set up first
from incidents.intake.door import key_digest  # noqa: E402  Django is set up first
from incidents.models import Integration, Service  # noqa: E402  Django is set up first
from notifications.models import ContactMethod  # noqa: E402  Django is set up first
from oncall.models import Membership, Schedule, Team, User  # noqa: E402  Django is set up first
from oncall.services import schedule_publish  # noqa: E402  Django is set up first
from policies.models import EscalationPolicy  # noqa: E402  Django is set up first
from policies.services import policy_publish  # noqa: E402  Django is set up first


def make(*, ack: str) -> None:
    """Create it once, in a fresh database."""
    at = now() - timedelta(days=1)  # so that benchmarks may begin in the past
    team = Team.objects.create(name="Payments", slug="payments")
    users = [
        User.objects.create(username=name, email=f"{name}@bench.example", role="responder")
        for name in ("one", "two", "three")
    ]
    for user in users:
        Membership.objects.create(team=team, user=user)
        ContactMethod.objects.create(user=user, kind="email", address=user.email)
    schedule = Schedule.objects.create(name="Payments", slug="payments", team=team)
    layers = [
        {"name": role, "role": role, "start": "2025-01-06T09:00", "rotation": "weekly", "participants": [user.pk]}
        for role, user in zip(("primary", "secondary"), users, strict=False)
    ]
    schedule_publish(schedule=schedule, definition={"time_zone": "UTC", "layers": layers}, author=None, at=at)
    policy = EscalationPolicy.objects.create(name="Payments", slug="payments", team=team)
    levels = [
        {
            "name": "Primary",
            "targets": [{"kind": "schedule", "ref": "payments", "role": "primary"}],
            "ack_timeout": {"after": ack},
        },
        {
            "name": "Backup",
            "targets": [{"kind": "schedule", "ref": "payments", "role": "secondary"}],
            "ack_timeout": {"after": ack},
        },
        {"name": "Manager", "targets": [{"kind": "user", "ref": users[2].pk}], "ack_timeout": {"after": ack}},
    ]
    policy_publish(policy=policy, definition={"levels": levels}, author=None, at=at)
    policy.refresh_from_db()
    service = Service.objects.create(name="Gateway", slug="gateway", team=team, policy=policy)
    Integration.objects.create(
        name="Alertmanager",
        slug="gateway-alertmanager",
        kind="alertmanager",
        service=service,
        key_digest=key_digest(KEY),
        key_hint=KEY[-4:],
        created_at=at,
    )


if __name__ == "__main__":
    make(ack=sys.argv[1] if len(sys.argv) > 1 else "30m")
