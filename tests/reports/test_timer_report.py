"""The timers of policies beside what people really need, on the page that managers open (R187)."""

import re

import pytest
from django.test import Client

from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge
from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World


@pytest.mark.requirement("R187")
def test_when_the_timer_report_is_opened_then_each_timer_stands_beside_median_and_p90_with_what_to_set_it_to(
    world: World, client: Client
) -> None:
    definition = levels(ack=("30m", "5m", "5m"))
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    for number, minutes in enumerate((1, 1, 1, 2, 2, 2)):
        world.alert(f"Alert{number}")
        world.settle()
        world.expect_page("marta", level=1)
        world.jump(minutes=minutes)
        incident = Incident.objects.latest("pk")
        incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    world.jump(days=80)
    client.force_login(world.cast.elena)

    page = client.get("/reports/process/", {"period": "90d"}).content.decode()

    row = re.search(r'<tr><th scope="row">Critical payments: Primary on call</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td[^>]*>(.*?)</td>", row[1]) == ["acknowledge", "30 min", "6", "1 min", "2 min", "3 min"]
    assert "waits 30 min, and its answers come much sooner: try 3 min." in page
