"""Who does what at the level in force stands on the incident (R292)."""

import pytest
from django.test import Client

from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World


@pytest.mark.requirement("R292")
def test_the_incident_names_who_is_responsible_and_accountable_at_the_level_in_force(world: World) -> None:
    definition = levels()
    definition["levels"][0]["raci"] = {
        "responsible": [{"kind": "schedule", "ref": "payments", "role": "primary"}],
        "accountable": {"kind": "user", "ref": "elena"},
    }
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    client = Client()
    client.force_login(world.cast.marta, backend="django.contrib.auth.backends.ModelBackend")

    around = client.get(f"{world.incident.get_absolute_url()}around/").content.decode()
    assert "Responsible for the work: the primary on Payments." in around
    assert "Accountable for it: Elena Conti." in around

    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    assert "Who does what now" not in client.get(f"{world.incident.get_absolute_url()}around/").content.decode()
