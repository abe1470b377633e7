"""Makes a database with the cast in it, in a process of its own as an installation is made.

    python -m tests.peers.organisation

Prints one line of JSON: a session key for each person, so that tests can be signed in without a password.
"""

import json
import sys

import django
from django.core.management import call_command

# What the captured messages of Alertmanager's PagerDuty receiver carry.
CAPTURED_KEY = "fedcba9876543210fedcba9876543210"
# Alerts by these doors walk policies of their own: five seconds a level, and six for the first level only.
QUICK_KEY = "am-quick-key-0123456789abcdef"
STORM_KEY = "am-storm-key-0123456789abcdef"


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    sys.stdout.write(json.dumps(populate()) + "\n")


def populate() -> dict[str, str]:
    """The cast, three more services with their doors, and a session for everybody."""
    from django.test import Client

    from escalation_site.kernel.instants import now
    from incidents.models import Service
    from policies.models import EscalationPolicy
    from policies.services import policy_publish
    from tests.world.cast import cast_make, integration, levels

    at = now()
    cast = cast_make(at=at)
    captured = Service.objects.create(name="captured", slug="captured", team=cast.payments, policy=cast.policy)
    integration(captured, "pagerduty", CAPTURED_KEY, at)
    for name, key, ack in (("quick", QUICK_KEY, ("5s", "5s", "5s")), ("storm", STORM_KEY, ("6s", "30m", "30m"))):
        policy = EscalationPolicy.objects.create(name=name, slug=name, team=cast.payments)
        policy_publish(policy=policy, definition=levels(ack=ack), author=None, at=at)
        policy.refresh_from_db()
        service = Service.objects.create(name=name, slug=name, team=cast.payments, policy=policy)
        integration(service, "alertmanager", key, at)
    sessions = {}
    for username, person in cast.people.items():
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        sessions[username] = str(client.session.session_key)
    return sessions


if __name__ == "__main__":
    main()
