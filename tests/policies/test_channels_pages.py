"""The desk of the channel criteria, its tab, its version in the API and in a configuration file."""

import re
from typing import Any

import pytest
from django.test import Client

from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.problems import ConfigurationInvalid
from notifications.models import Destination
from notifications.services.destinations import opened
from policies.books import CHANNELS, book_publish, book_read
from policies.conditions import condition_dump
from policies.models import EscalationPolicy
from tests.policies.pages_read import fields_sent
from tests.world.harness import World

PATH = "/policies/tools/channels/"


def client_of(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


def row(number: int, **fields: object) -> dict[str, object]:
    return {f"c-{number}-{name}": value for name, value in fields.items()}


def sent(*rows: dict[str, object], do: str = "save") -> dict[str, object]:
    data: dict[str, object] = {"base": "0", "c-count": str(len(rows)), "do": do, "reason": "Nights"}
    for one in rows:
        data |= one
    return data


class Browser:
    """A manager before the form without scripts: presses buttons, and sends what the page shows."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answer: Any = client.get(PATH)

    def press(self, button: str, **typed: str | list[str]) -> "Browser":
        shown = fields_sent(self.answer.content.decode(), "policy-form")
        more = {name.replace("__", "-"): value for name, value in typed.items()}
        self.answer = self.client.post(PATH, {**shown, **more, "do": button})
        return self


def test_a_manager_writes_a_criterion_and_everybody_reads_it(world: World) -> None:
    browser = Browser(client_of(world, "elena")).press("c-add")
    browser.press("c-0-when-add-check").press("c-0-when-add-check")
    facts = {"c-0-when-0-fact": "severity", "c-0-when-1-fact": "business_hours"}
    browser.press("c-0-when-show", **facts)
    checks = {"c-0-when-0-operator": "one_of", "c-0-when-1-operator": "is", "c-0-when-1-value": "no"}
    browser.press("c-0-when-show", **checks)
    names: dict[str, str | list[str]] = {"c-0-name": "Wake people", "c-0-use": ["voice", "sms"], "c-0-enabled": "on"}
    browser.press("save", **names, **{"c-0-when-0-values": ["SEV-1", "SEV-2"]})

    assert browser.answer.status_code == 302
    (rule,) = book_read(CHANNELS).value.rules
    assert (rule.key, rule.use, rule.enabled) == ("wake-people", ("voice", "sms"), True)
    assert condition_dump(rule.when) == {
        "all": [
            {"fact": "severity", "operator": "one_of", "value": ["SEV-1", "SEV-2"]},
            {"fact": "business_hours", "operator": "is", "value": False},
        ]
    }
    text = client_of(world, "marta").get(PATH).content.decode()
    assert "Then people are paged by call and SMS only." in text
    assert "<form id=" not in text
    policy = client_of(world, "marta").get("/policies/critical-payments/").content.decode()
    assert "Then people are paged by call and SMS only." in policy


EVERY_KIND_OF_CHECK = {
    "any": [
        {"fact": "vip", "operator": "is", "value": True},
        {"fact": "tier", "operator": "is", "value": 1},
        {"fact": "service", "operator": "is", "value": "payments-gateway"},
        {
            "none": [
                {"fact": "labels.squad", "operator": "is", "value": "core"},
                {"fact": "text", "operator": "keyword", "value": ["breach", "data leak"]},
                {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"},
                {"fact": "weekday", "operator": "one_of", "value": ["sat", "sun"], "zone": "Europe/Rome"},
            ]
        },
    ]
}


@pytest.mark.parametrize("when", [EVERY_KIND_OF_CHECK, {"fact": "severity", "operator": "at_least", "value": "SEV-2"}])
def test_every_condition_of_a_document_stands_in_the_form_and_comes_back_as_it_was(
    world: World, when: dict[str, Any]
) -> None:
    rules = [{"key": "vip", "name": "Vip", "when": when, "use": ["voice"]}]
    book_publish(shape=CHANNELS, definition={"rules": rules}, author=None, at=world.now)
    before = book_read(CHANNELS).value.rules[0].when

    browser = Browser(client_of(world, "elena")).press("look").press("save", **{"c-0-use": ["sms"]})

    assert browser.answer.status_code == 302
    (rule,) = book_read(CHANNELS).value.rules
    assert (rule.when, rule.use) == (before, ("sms",))


def test_a_check_that_is_changed_and_one_that_is_taken_out_change_the_condition(world: World) -> None:
    rules = [{"key": "vip", "name": "Vip", "when": EVERY_KIND_OF_CHECK, "use": ["voice"]}]
    book_publish(shape=CHANNELS, definition={"rules": rules}, author=None, at=world.now)

    browser = Browser(client_of(world, "elena")).press("c-0-when-3-remove").press("c-0-when-0-remove")
    assert "the service is Payments gateway" in re.sub(r"\s+", " ", browser.answer.content.decode())
    browser.press("save", **{"c-0-when-0-value": "2"})

    (rule,) = book_read(CHANNELS).value.rules
    assert condition_dump(rule.when) == {
        "any": [
            {"fact": "tier", "operator": "is", "value": 2},
            {"fact": "service", "operator": "is", "value": "payments-gateway"},
        ]
    }


def test_a_condition_that_is_not_right_is_shown_as_typed_with_what_is_wrong_at_its_check(world: World) -> None:
    browser = Browser(client_of(world, "elena")).press("c-add").press("c-0-when-add-check")
    browser.press("c-0-when-show", **{"c-0-when-0-fact": "affected_customers"})
    wrong = {"c-0-name": "Many", "c-0-use": "sms", "c-0-when-0-value": "a lot"}

    browser.press("save", **wrong)

    assert browser.answer.status_code == 422
    assert book_read(CHANNELS).number == 0
    page = browser.answer.content.decode()
    assert 'value="a lot"' in page
    assert re.search(r'id="c-0-when-0-errors".*?The value .*?number', page, re.DOTALL)
    assert "c-0-when" in {one.target for one in browser.answer.context["page"].wrong}


def test_a_button_of_the_builder_gets_the_editor_alone_and_the_focus_where_it_leads(world: World) -> None:
    elena = client_of(world, "elena")
    answer = elena.post(PATH, sent(row(0, name="Vip", use=["sms"]), do="c-0-when-add-check"), HTTP_HX_REQUEST="true")

    page = answer.content.decode()
    assert "<html" not in page
    assert 'id="c-0-when-builder"' in page
    assert re.search(r'id="c-0-when-0-fact"[^>]*autofocus', page)
    assert 'hx-post="/policies/tools/channels/"' in page


def test_when_a_row_is_moved_then_its_condition_goes_with_it(world: World) -> None:
    rules = [
        {"key": "one", "name": "One", "when": {"fact": "vip"}, "use": ["voice"]},
        {"key": "two", "name": "Two", "when": {"fact": "outage"}, "use": ["sms"]},
    ]
    book_publish(shape=CHANNELS, definition={"rules": rules}, author=None, at=world.now)
    before = [rule.when for rule in book_read(CHANNELS).value.rules]

    Browser(client_of(world, "elena")).press("c-1-up").press("save")

    assert [rule.when for rule in book_read(CHANNELS).value.rules] == before[::-1]


@pytest.mark.requirement("R130")
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_published(world: World) -> None:
    answer = client_of(world, "elena").post(PATH, sent(row(0, name="", use=[], enabled="on")))

    assert answer.status_code == 422
    assert book_read(CHANNELS).number == 0
    assert {wrong.target for wrong in answer.context["page"].wrong} >= {"c-0-name", "c-0-use"}


def test_responders_read_and_do_not_write(world: World) -> None:
    assert client_of(world, "marta").post(PATH, sent()).status_code == 403


FILE = """
destinations:
  ops: {name: "#ops", kind: chat, address_env: OPS_HOOK}
channels:
  rules:
    - {key: wake, name: Wake, when: {fact: severity, operator: at_least, value: SEV-2}, use: [voice]}
policies:
  nights:
    name: Nights
    levels:
      - {name: First, targets: [{kind: chat_channel, ref: ops}, {kind: user, ref: marta}], ack_timeout: 5m}
"""
HOOK = "https://hooks.example/services/secret"


def apply(world: World, text: str) -> list[str]:
    plan = configuration_apply(text, source="house.yaml", at=world.now, environ={"OPS_HOOK": HOOK})
    return [str(change.step.value) for change in plan.changes]


def test_destinations_and_criteria_are_applied_once_with_their_secrets_from_outside(world: World) -> None:
    apply(world, FILE)

    assert opened(Destination.objects.get(slug="ops"))[0] == HOOK
    assert book_read(CHANNELS).value.rules[0].use == ("voice",)
    assert EscalationPolicy.objects.get(slug="nights").current_version is not None
    assert set(apply(world, FILE)) == {"unchanged"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE.replace("ref: ops", "ref: nowhere"), "nowhere"),
        ("destinations: {x: {name: X, kind: chat}}", "address"),
        ("destinations: {x: {name: X, kind: chat, address: 'http://127.0.0.1/hook'}}", "private network"),
        (FILE.replace("  nights:", "  rules:").replace("name: Nights", "name: Rules"), "address of another page"),
    ],
)
def test_a_mistake_is_told_with_its_place(world: World, text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        apply(world, text)

    assert says in str(refused.value)


def test_administrators_make_destinations_over_the_api_and_nobody_reads_an_address(world: World) -> None:
    body = {"slug": "ops", "name": "#ops", "kind": "webhook", "address": HOOK, "secret": "s" * 30}
    hugo, elena = client_of(world, "hugo"), client_of(world, "elena")

    assert elena.post("/api/v1/destinations/", body, content_type="application/json").status_code == 403
    made = hugo.post("/api/v1/destinations/", body, content_type="application/json")

    assert made.status_code == 201
    assert made.json() == {
        "slug": "ops",
        "name": "#ops",
        "kind": "webhook",
        "host": "hooks.example",
        "enabled": True,
        "carries_restricted": False,
        "buttons": False,
    }
    assert "secret" not in elena.get("/api/v1/destinations/ops/").content.decode()
    off = hugo.patch("/api/v1/destinations/ops/", {"enabled": False}, content_type="application/json")
    assert off.json()["enabled"] is False
    assert opened(Destination.objects.get()) == (HOOK, "s" * 30)
