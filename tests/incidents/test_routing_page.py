"""An incident says why it went the way it did, to everybody who may see it and knows the rules."""

from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, RoutingDecision
from incidents.selectors.routing import routing_of
from incidents.services.facts import incident_facts
from tests.incidents.routing_rules import NILS, TOMAS, filed, is_, policy, publish, rule
from tests.world.harness import World


def around(world: World, username: str, incident: Incident) -> str:
    client = Client()
    client.force_login(world.cast.people[username], backend="django.contrib.auth.backends.ModelBackend")
    return str(client.get(f"{incident.get_absolute_url()}around/").content.decode())


def published(world: World) -> None:
    policy(world, "customers", [NILS])
    when = {"all": [{"fact": "vip"}, is_("service", "payments-gateway")]}
    publish(
        world,
        rule("vip", when, "A VIP customer is affected.", policy="customers", severity_at_least="SEV-2", tell=[TOMAS]),
        rule("later", {"fact": "outage"}, team="platform"),
        timers_percent=50,
    )


@pytest.mark.requirement("R228")
@pytest.mark.parametrize("username", ["marta", "elena", "hugo", "amara"])
def test_the_branch_that_was_taken_is_shown_with_the_rule_its_reason_and_what_it_saw(
    world: World, username: str
) -> None:
    published(world)
    incident = filed(world, facts={"vip": True})
    world.expect_page("nils", level=1)
    world.expect_notice("tomas")

    text = around(world, username, incident)

    assert "Why it went this way" in text
    assert "Follow the policy Customers." in text
    assert "by the rule “Vip”" in text
    assert "Also inform Tomás Oliveira." in text
    assert "Timers run for 50 % of their time." in text
    assert "by what holds otherwise" in text
    assert "A VIP customer is affected." in text
    assert "The service is Payments gateway." in text
    assert "/policies/tools/routing/versions/1/" in text
    assert "Later" not in text


def test_when_no_rule_matched_then_the_page_says_so(world: World) -> None:
    publish(world, rule("later", {"fact": "outage"}, team="platform"))
    incident = filed(world)
    world.expect_page("marta", level=1)

    assert "No rule matched: it goes the way of its service." in around(world, "marta", incident)


def test_when_there_are_no_rules_then_nothing_is_said_of_them(world: World) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)

    assert "Why it went this way" not in around(world, "marta", incident)


def test_when_rules_were_asked_again_then_the_latest_answer_is_shown_and_what_stays(world: World) -> None:
    published(world)
    incident = filed(world)
    world.expect_page("marta", level=1)
    incident_facts(incident_id=incident.pk, values={"outage": True}, actor=world.cast.marta, at=world.now)

    text = around(world, "marta", incident)

    assert "The responding team is Platform." in text
    assert "Its policy and its team stay as they were." in text
    assert "asked 2 times" in text


def test_support_staff_and_those_who_may_not_see_it_learn_nothing_of_rules(world: World) -> None:
    published(world)
    incident = filed(world, facts={"vip": True}, restricted=True)
    world.expect_page("nils", level=1)

    assert "Why it went this way" not in around(world, "sofie", incident)
    assert "Why it went this way" not in around(world, "tomas", incident)


@pytest.mark.parametrize(
    "damage",
    [{"traces": {"vip": {"fact": "forgotten", "held": True, "saw": 1}}}, {"tell": [{"kind": "balloon", "ref": "x"}]}],
)
def test_what_a_later_version_kept_is_no_fault_of_the_page(world: World, damage: dict[str, Any]) -> None:
    published(world)
    incident = filed(world, facts={"vip": True})
    world.expect_page("nils", level=1)
    world.expect_notice("tomas")
    row = RoutingDecision.objects.get()
    later = RoutingDecision(incident=incident, at=world.now, book_version=row.book_version)
    later.decision = {**row.decision, **damage}
    later.save()

    shown = routing_of(incident)

    assert shown is not None
    assert shown.number == 1
    assert all(one.trace is None for one in shown.rules)
    assert "Why it went this way" in around(world, "marta", incident)
