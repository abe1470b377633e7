"""A draft of the routing rules held against the incidents there were."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.services.lifecycle import incident_open
from policies.book_pages.rules_editor import Draft
from policies.routing import RoutingDef, routing_parse
from reports.care.rules_past import past_of
from tests.policies.test_books import publish, rules
from tests.world.harness import World

PAST = "/policies/tools/rules/past/"


def filed(world: World, title: str, **more: Any) -> Any:
    cast = world.cast
    return incident_open(
        title=title, summary="", severity=3, service=cast.gateway, reporter=cast.sofie, at=world.now, **more
    )


def book(**then: Any) -> RoutingDef:
    return routing_parse(rules(**then))


def test_when_a_draft_pages_nobody_then_it_says_which_incidents_that_would_have_silenced(world: World) -> None:
    first = filed(world, "Card payments fail")
    past = past_of(book(escalate=False), RoutingDef(), reader=world.cast.elena)
    assert (past.asked, past.silenced, past.paged) == (1, 1, 0)
    (one,) = past.differing
    assert (one.incident.pk, one.now, one.then) == (first.pk, (), ("Page nobody.",))


def test_when_both_decide_the_same_then_nothing_differs_whatever_the_rules_are_called(world: World) -> None:
    filed(world, "Card payments fail")
    old, new = (routing_parse(rules(name, start_level=2)) for name in ("Old", "New"))
    assert past_of(new, old, reader=world.cast.elena).differing == ()


def test_facts_of_the_clock_are_those_of_the_instant_each_began(world: World) -> None:
    filed(world, "Card payments fail")
    today = world.now.strftime("%a").lower()
    day = {"fact": "weekday", "operator": "one_of", "value": [today]}
    document = {"rules": [{"key": "day", "name": "Day", "when": day, "then": {"problem": True}}]}
    world.jump(days=1)
    assert len(past_of(routing_parse(document), RoutingDef(), reader=world.cast.elena).differing) == 1


def test_restricted_incidents_of_others_are_left_out(world: World) -> None:
    cast = world.cast
    secret = type(cast.gateway).objects.create(name="Vault", slug="vault", team=cast.platform)
    incident_open(
        title="Keys leaked", summary="", severity=1, service=secret, reporter=cast.nils, at=world.now, restricted=True
    )
    everything = routing_parse({"otherwise": {"problem": True}})
    assert past_of(everything, RoutingDef(), reader=cast.elena).asked == 0
    assert past_of(everything, RoutingDef(), reader=cast.nils).asked == 1


def test_the_queries_do_not_grow_with_the_incidents_for_plain_rules(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        filed(world, f"Card payments fail {number}")
    with django_assert_max_num_queries(12):
        assert len(past_of(book(escalate=False), RoutingDef(), reader=world.cast.elena).differing) == 12


def test_a_manager_holds_the_draft_against_the_past_and_goes_back_to_it(world: World, client: Client) -> None:
    publish(world, rules(start_level=2))
    filed(world, "Card payments fail")
    client.force_login(world.cast.elena)
    draft = Draft(book(escalate=False)).document
    page = re.sub(r"\s+", " ", client.post(PAST, {"document": draft, "base": "1"}).content.decode())
    assert "1 of the last 1 incidents would go another way." in page
    assert "1 would page nobody any more." in page
    assert "Card payments fail" in page
    back = client.post("/policies/rules/edit/", {"document": draft, "base": "1", "open": "", "do": "look"})
    assert "Page nobody." in back.content.decode()


@pytest.mark.parametrize(("who", "status"), [("marta", 403), ("sofie", 403)])
def test_only_those_who_write_rules_ask(who: str, status: int, world: World, client: Client) -> None:
    client.force_login(getattr(world.cast, who))
    assert client.post(PAST, {"document": "{}"}).status_code == status


def test_a_draft_that_no_page_of_ours_sent_is_not_taken(world: World, client: Client) -> None:
    client.force_login(world.cast.elena)
    assert client.post(PAST, {"document": "nonsense"}).headers["Location"] == "/policies/rules/edit/"
