"""How often each routing rule held of late, what it did, and for which incidents: on the page of the rules."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident
from incidents.selectors.held import held_for, rules_held
from incidents.services.facts import incident_facts
from policies.book_pages.held import RuleHeld
from tests.incidents.routing_rules import ELENA, filed, publish, rule
from tests.world.harness import World

RULES = "/policies/rules/"
DEPLOY = rule("deploy", {"fact": "region", "value": "eu"}, "The deployment makes noise.", suppress="30m")
SANDBOX = rule("sandbox", {"fact": "domain", "value": "sandbox"}, escalate=False)
SENIOR = rule("senior", {"fact": "vip"}, straight_to=[ELENA])
LATER = rule("later", {"fact": "region", "value": "eu"}, suppress="2h")
NEVER = rule("never", {"fact": "data_corruption"}, problem=True)


def held_page(key: str) -> str:
    return f"/policies/tools/rules/held/{key}/"


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def happened(world: World) -> dict[str, Incident]:
    """One kept silent, one that pages nobody, one that goes straight to Elena, one that no rule holds for."""
    publish(world, DEPLOY, SANDBOX, SENIOR, LATER, NEVER)
    found = {
        "silent": filed(world, "The shop is slow", facts={"region": "eu"}),
        "nobody": filed(world, "Somebody tries things", facts={"domain": "sandbox"}),
    }
    world.expect_silence()
    found["senior"] = filed(world, "A dear customer waits", facts={"vip": True})
    world.expect_page("marta")
    world.expect_page("elena")
    found["plain"] = filed(world, "The printer is out of paper")
    world.expect_page("marta")
    return found


def test_each_rule_is_counted_with_what_it_did_and_what_an_earlier_rule_had_decided_before_it(world: World) -> None:
    happened(world)

    held = rules_held(reader=world.cast.elena, at=world.now)

    assert held.asked == 4
    assert held.of("deploy") == RuleHeld(held=1, decided=1, silent=1)
    assert held.of("later") == RuleHeld(held=1, decided=0)
    assert held.of("sandbox") == RuleHeld(held=1, decided=1, nobody=1)
    assert held.of("senior") == RuleHeld(held=1, decided=1, exceptions=1)
    assert held.of("never") == RuleHeld()
    assert held.whole == RuleHeld(held=3, decided=3, silent=1, nobody=1, exceptions=1)


def test_an_incident_that_the_rules_look_at_again_counts_once(world: World) -> None:
    incident = happened(world)["silent"]

    incident_facts(incident_id=incident.pk, values={"vip": True}, actor=world.cast.marta, at=world.now)

    held = rules_held(reader=world.cast.elena, at=world.now)
    assert held.asked == 4
    assert held.of("deploy") == RuleHeld(held=1, decided=1, silent=1)
    assert held.of("senior").held == 2


def test_what_is_long_ago_and_what_was_a_test_do_not_count(world: World) -> None:
    happened(world)
    Incident.objects.filter(title="A dear customer waits").update(is_test=True)
    assert rules_held(reader=world.cast.elena, at=world.now).of("senior") == RuleHeld()

    world.jump(days=29)

    assert rules_held(reader=world.cast.elena, at=world.now).asked == 0
    assert held_for("deploy", reader=world.cast.elena, at=world.now) == []


def test_a_restricted_incident_counts_for_those_only_who_may_see_it(world: World) -> None:
    incident = happened(world)["senior"]
    Incident.objects.filter(pk=incident.pk).update(restricted=True, team=world.cast.platform, reporter=world.cast.nils)

    assert rules_held(reader=world.cast.hugo, at=world.now).of("senior").held == 1
    assert held_for("senior", reader=world.cast.hugo, at=world.now)[0].incident == incident
    assert rules_held(reader=world.cast.jonas, at=world.now).of("senior").held == 0
    assert held_for("senior", reader=world.cast.jonas, at=world.now) == []


def test_the_page_of_the_rules_says_how_often_each_held_and_leads_to_the_incidents(
    world: World, client: Client
) -> None:
    happened(world)
    client.force_login(world.cast.marta)

    page = shown(client.get(RULES))

    assert (
        "In the last 28 days 4 incidents were held against rules; 1 was kept silent for a time; nobody was paged for 1; "
        "1 went straight to seniors or specialists." in page
    )
    assert f'href="{held_page("deploy")}"' in page
    assert "it decided for 0 of them" in page
    assert page.count("Held for no incident.") == 1
    assert f'href="{held_page("never")}"' not in page


def test_the_page_of_a_rule_names_what_it_kept_silent_until_when_and_who_was_not_called(
    world: World, client: Client
) -> None:
    found = happened(world)
    client.force_login(world.cast.marta)

    silent = shown(client.get(held_page("deploy")))
    assert f'href="{found["silent"].get_absolute_url()}"' in silent
    assert "The shop is slow" in silent
    assert re.search(r"Kept silent until .*: Payments was not called before\.", silent)
    assert "The printer is out of paper" not in silent

    assert "Nobody was paged." in shown(client.get(held_page("sandbox")))
    assert "It went straight to seniors or specialists." in shown(client.get(held_page("senior")))
    assert "Rules before it had decided everything it says." in shown(client.get(held_page("later")))
    assert "It held for no incident" in shown(client.get(held_page("never")))


@pytest.mark.parametrize(
    ("who", "key", "status"), [("amara", "deploy", 200), ("sofie", "deploy", 403), ("amara", "gone", 404)]
)
def test_staff_read_what_a_rule_held_for(world: World, client: Client, who: str, key: str, status: int) -> None:
    happened(world)
    client.force_login(world.cast.people[who])
    assert client.get(held_page(key)).status_code == status


def test_counting_takes_one_query_and_reads_no_more_than_the_newest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(world)
    monkeypatch.setattr("incidents.selectors.held.MOST", 2)

    with CaptureQueriesContext(connection) as caught:
        held = rules_held(reader=world.cast.elena, at=world.now)

    assert len(caught) == 1
    assert held.asked == 2
    assert held.of("senior").held == 1
    assert held.of("deploy").held == 0
