"""The routing rules on their pages: read like prose, written one at a time, published with a reason, refused, in conflict."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from policies.book_pages.names import HouseNames
from policies.books import ROUTING, book_read
from policies.models import BookVersion
from policies.routing import RoutingDef, RoutingRule, routing_dump, routing_parse
from policies.routing_examples import EXAMPLES, Place, example_rule
from tests.policies.pages_read import fields_sent
from tests.policies.test_books import publish, rules
from tests.world.harness import World

READ = "/policies/rules/"
EDIT = "/policies/rules/edit/"


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


class Browser:
    """A person before the editor without scripts: presses buttons, and sends what the page shows."""

    def __init__(self, client: Client, path: str = EDIT) -> None:
        self.client = client
        self.answer: Any = client.get(path)
        self.read()

    def read(self) -> None:
        self.page = shown(self.answer)
        self.fields = fields_sent(self.answer.content.decode(), "policy-form")

    def press(self, button: str, **typed: str | list[str]) -> "Browser":
        data = {**self.fields, **{name.replace("__", "-"): value for name, value in typed.items()}, "do": button}
        self.answer = self.client.post(EDIT, data)
        if self.answer.status_code != 302:
            self.read()
        return self


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The browser of a manager."""
    client.force_login(world.cast.elena)
    return client


def first_rule() -> RoutingRule:
    return book_read(ROUTING).value.rules[0]


# --- reading


def test_when_there_is_no_rule_then_the_page_says_what_happens_all_the_same(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    page = shown(client.get(READ))
    assert "Every incident follows the policy of its service, from its first level." in page
    assert "Write the first rule" not in page


@pytest.mark.requirement("R038")
def test_the_rules_read_like_prose_with_the_names_people_know(world: World, client: Client) -> None:
    tell = [{"kind": "user", "ref": "jonas"}]
    publish(world, rules(policy="critical-payments", start_level=2, tell=tell), reason="Payments come first")
    client.force_login(world.cast.marta)
    page = shown(client.get(READ))
    assert "The service is Payments gateway." in page
    assert "Follow the policy Critical payments. Start at level 2; the levels below are informed." in page
    assert "Also inform Jonas" in page
    assert "Reason: Payments come first" in page


def test_when_a_rule_names_what_is_gone_then_it_says_so_with_a_link_to_mend_it(world: World, elena: Client) -> None:
    publish(world, rules(policy="long-gone"))
    page = shown(elena.get(READ))
    assert "There is no such policy: long-gone" in page
    assert f"{EDIT}?rule=payments" in page


def test_an_earlier_version_is_read_by_its_number(world: World, elena: Client) -> None:
    publish(world, rules("Old"))
    publish(world, rules("New"))
    page = shown(elena.get(f"{READ}versions/1/"))
    assert "Old" in page
    assert "This is version 1, not what is in force." in page
    assert elena.get(f"{READ}versions/9/").status_code == 404


def test_reading_costs_the_same_for_many_rules(
    world: World, elena: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many = [{**rules(f"Rule {number}")["rules"][0], "key": f"rule-{number}"} for number in range(60)]
    publish(world, {"rules": many})
    with django_assert_max_num_queries(17):
        assert "Rule 59" in shown(elena.get(READ))


# --- writing


@pytest.mark.requirement("R040")
def test_a_manager_writes_a_rule_without_scripts_and_publishes_it(world: World, elena: Client) -> None:
    browser = Browser(elena).press("rule-new")
    browser.press("rule-when-add-check")
    browser.press("rule-when-0-show", **{"rule-when-0-fact": "vip"})
    browser.press("tell-add")
    browser.press(
        "close",
        rule__name="VIP",
        rule__reason="A VIP is affected.",
        rule__severity="least:SEV-1",
        rule__start_level="2",
        rule__policy="critical-payments",
        tell__0="user|jonas|||all",
    )
    assert "A VIP customer is affected." in browser.page
    assert not BookVersion.objects.exists()
    answer = browser.press("publish", reason="VIPs first").answer
    assert (answer.status_code, answer.url) == (302, READ)
    rule = first_rule()
    assert (rule.key, rule.name, rule.reason) == ("vip", "VIP", "A VIP is affected.")
    assert (rule.then.policy, rule.then.severity_at_least, rule.then.start_level) == ("critical-payments", 1, 2)
    assert rule.then.tell[0].ref == "jonas"
    version = BookVersion.objects.get()
    assert (version.author, version.reason) == (world.cast.elena, "VIPs first")


def test_an_open_rule_is_shown_as_it_is_and_kept_as_it_was(world: World, elena: Client) -> None:
    everything: dict[str, Any] = {
        "policy": "critical-payments",
        "severity": "SEV-2",
        "start_level": 2,
        "team": "payments",
        "straight_to": [{"kind": "user", "ref": "jonas"}],
        "tell": [{"kind": "team_lead", "ref": None}],
        "timers_percent": 50,
        "escalate": True,
        "ask": {"targets": [{"kind": "manager"}], "within": "10m", "otherwise": "leave"},
        "guarded": True,
        "protected": True,
        "major": True,
        "problem": True,
    }
    publish(world, rules(**everything))
    before = routing_dump(book_read(ROUTING).value)
    browser = Browser(elena, f"{EDIT}?rule=payments").press("close")
    assert browser.answer.status_code == 200, browser.page
    browser.press("publish")
    assert routing_dump(book_read(ROUTING).value) == before
    assert BookVersion.objects.count() == 1


def test_rules_are_moved_switched_off_copied_and_removed_by_buttons(world: World, elena: Client) -> None:
    two = [{**rules(name)["rules"][0], "key": name.lower()} for name in ("First", "Second")]
    publish(world, {"rules": two})
    browser = Browser(elena).press("rule-0-down").press("rule-0-toggle").press("rule-1-copy").press("rule-1-remove")
    browser.press("publish")
    found = [(rule.key, rule.name, rule.enabled) for rule in book_read(ROUTING).value.rules]
    assert found == [("second", "Second", False), ("first-2", "First (2)", True)]


def test_the_focus_follows_the_rule_that_was_moved(world: World, elena: Client) -> None:
    two = [{**rules(name)["rules"][0], "key": name.lower()} for name in ("First", "Second")]
    publish(world, {"rules": two})
    page = Browser(elena).press("rule-0-down").page
    assert re.search(r'id="rule-1-up"[^>]*autofocus', page)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"rule__name": ""}, "Name of the rule:"),
        ({"rule__start_level": "99"}, "Start at level:"),
        ({"rule__timers_percent": "lots"}, "Timers, in percent:"),
        ({"rule__escalate": "no", "straight_to__0": "user|jonas|||all"}, "Page at once, besides the first level:"),
        ({"ask__0": "user|jonas|||all", "rule__ask_within": "2d"}, "Wait for an answer:"),
        ({"rule__severity": ""}, "decides nothing"),
    ],
)
def test_what_is_wrong_with_a_rule_stands_at_its_field_and_nothing_typed_is_lost(
    typed: dict[str, str], said: str, world: World, elena: Client
) -> None:
    publish(world, rules())
    browser = Browser(elena, f"{EDIT}?rule=payments").press("close", rule__reason="Typed just now", **typed)
    assert browser.answer.status_code == 422
    assert said in browser.page
    assert browser.fields["rule-reason"] == ["Typed just now"]
    browser.press("publish")
    assert browser.answer.status_code == 422
    assert BookVersion.objects.count() == 1


def test_an_open_rule_can_be_left_as_it_was(world: World, elena: Client) -> None:
    publish(world, rules())
    browser = Browser(elena, f"{EDIT}?rule=payments").press("discard", rule__name="")
    assert browser.answer.status_code == 200
    assert browser.fields["open"] == [""]
    assert "Payments" in browser.page


def test_what_no_rule_decides_can_be_written_too(world: World, elena: Client) -> None:
    browser = Browser(elena).press("otherwise-open")
    assert "rule-name" not in browser.fields
    browser.press("close", rule__timers_percent="80").press("publish")
    assert book_read(ROUTING).value.otherwise.timers_percent == 80


def test_when_somebody_published_meanwhile_then_it_shows_what_changed_and_saves_on_the_second_try(
    world: World, elena: Client
) -> None:
    publish(world, rules())
    browser = Browser(elena, f"{EDIT}?rule=payments").press("close", rule__reason="Mine")
    publish(world, rules(escalate=False))
    browser.press("publish")
    assert browser.answer.status_code == 409
    assert "Elena Conti saved version 2 after you began." in browser.page
    assert "<ins>Page nobody.</ins>" in browser.page
    browser.press("publish")
    assert browser.answer.status_code == 302
    assert first_rule().reason == "Mine"


def test_when_rules_name_what_is_gone_meanwhile_then_nothing_is_published(world: World, elena: Client) -> None:
    publish(world, rules(team="long-gone"))
    browser = Browser(elena).press("rule-0-copy").press("publish")
    assert browser.answer.status_code == 422
    assert "Rule “Payments”: there is no such team: long-gone." in browser.page
    assert BookVersion.objects.count() == 1


def test_with_scripts_only_the_editor_comes_back(world: World, elena: Client) -> None:
    browser = Browser(elena)
    answer = elena.post(EDIT, {**browser.fields, "do": "rule-new"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert shown(answer).lstrip().startswith('<form id="policy-form"')


def test_a_draft_that_no_page_of_ours_sent_is_not_taken(world: World, elena: Client) -> None:
    for document in ("", "nonsense", '{"rules": [{"key": "x"}]}'):
        answer = elena.post(EDIT, {"document": document, "do": "publish"})
        assert (answer.status_code, answer.headers["Location"]) == (302, EDIT), document
    assert not BookVersion.objects.exists()


def test_responders_read_the_rules_and_write_none(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    assert "Edit" not in shown(client.get(READ)).split("<main", 1)[-1].split("Routing rules", 1)[0]
    assert client.get(EDIT).status_code == 403
    assert client.post(EDIT, {"do": "publish", "document": '{"rules": []}'}).status_code == 403
    client.force_login(world.cast.sofie)
    assert client.get(READ).status_code == 403


# --- ready examples


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.key)
def test_every_ready_example_is_added_looked_over_and_published(example: Any, world: World, elena: Client) -> None:
    browser = Browser(elena).press("rule-example", example=example.key)
    assert browser.fields["rule-name"] == [str(example.name)]
    browser.press("close").press("publish")
    assert browser.answer.status_code == 302, browser.page
    rule = first_rule()
    assert (rule.name, rule.reason) == (str(example.name), str(example.reason))
    names = HouseNames()
    assert rule.then == example_rule(example, Place(str(next(iter(names.services))), "payments")).then


def test_the_ready_examples_can_be_used_where_there_is_nothing_yet() -> None:
    book = RoutingDef(tuple(example_rule(one, Place()) for one in EXAMPLES))
    assert routing_parse(routing_dump(book)) == book


# --- trying them

TRY = "/policies/tools/rules/"
VIP = {"fact": "vip"}


def question(**facts: str) -> dict[str, str]:
    asked = {"service": "payments-gateway", "severity": "3", "at": "2026-03-03T09:00", **facts}
    return {f"facts-{name}": value for name, value in asked.items()}


def book(*several: dict[str, Any]) -> dict[str, Any]:
    """Rules that hold for VIPs, but for what each says."""
    return {
        "rules": [{"key": f"rule-{row}", "name": f"Rule {row}", "when": VIP, **one} for row, one in enumerate(several)]
    }


@pytest.mark.requirement("R040")
def test_a_made_up_incident_shows_which_rules_hold_the_route_and_the_walk(world: World, client: Client) -> None:
    publish(
        world,
        book(
            {"name": "VIPs are urgent", "then": {"severity_at_least": "SEV-1"}},
            {"name": "Sandbox", "when": {"fact": "environment", "value": "sandbox"}, "then": {"escalate": False}},
        ),
    )
    client.force_login(world.cast.marta)
    page = shown(client.get(TRY, question(vip="yes")))
    assert "1 rule matched" in page
    assert "Make it at least SEV-1." in page
    assert "by the rule “VIPs are urgent”" in page
    assert "It follows Critical payments" in page
    assert "Marta Ferri" in page
    assert "does not hold" in page


def test_the_form_asks_for_what_the_rules_look_at_and_nothing_else(world: World, elena: Client) -> None:
    publish(world, book({"then": {"escalate": False}}))
    page = shown(elena.get(TRY))
    assert 'name="facts-vip"' in page
    assert 'name="facts-slo_burn"' not in page


def test_what_the_service_says_need_not_be_typed(world: World, elena: Client) -> None:
    type(world.cast.gateway).objects.filter(pk=world.cast.gateway.pk).update(regulated=True)
    publish(world, book({"when": {"fact": "regulated"}, "then": {"escalate": False}}))
    assert "Nobody is paged: a rule says so." in shown(elena.get(TRY, question()))
    assert "Nobody is paged: a rule says so." not in shown(elena.get(TRY, question(regulated="no")))


def test_a_rule_after_one_that_stopped_is_shown_as_not_looked_at(world: World, elena: Client) -> None:
    publish(world, book({"then": {"severity": "SEV-1"}, "stop": True}, {"then": {"escalate": False}}))
    page = shown(elena.get(TRY, question(vip="yes")))
    assert "not looked at: a rule before it stopped" in page
    assert "Nobody is paged" not in page


def test_the_draft_in_the_editor_is_tried_before_it_is_published(world: World, elena: Client) -> None:
    publish(world, book({"then": {"severity_at_least": "SEV-2"}}))
    browser = Browser(elena).press("rule-0-open")
    sent = {**browser.fields, "do": "draft", "rule-escalate": "no", "rule-severity": "", **question(vip="yes")}
    page = shown(elena.post(TRY, sent))
    assert "Nobody is paged: a rule says so." in page
    assert first_rule().then.escalate is None


def test_an_open_rule_that_is_not_right_is_left_out_of_the_try_and_said_so(world: World, elena: Client) -> None:
    publish(world, book({"then": {"escalate": False}}))
    browser = Browser(elena).press("rule-0-open")
    sent = {**browser.fields, "do": "draft", "rule-name": "", **question(vip="yes")}
    page = shown(elena.post(TRY, sent))
    assert "The rule that is open needs mending first" in page
    assert "Nobody is paged: a rule says so." in page


def test_facts_that_mean_nothing_are_marked(world: World, elena: Client) -> None:
    publish(world, book({"when": {"fact": "slo_burn", "operator": "ge", "value": 2}, "then": {"escalate": False}}))
    answer = elena.get(TRY, question(slo_burn="lots"))
    assert answer.status_code == 422
    assert "Mend what is marked" in shown(answer)


def test_trying_is_for_those_who_read_policies(world: World, client: Client) -> None:
    client.force_login(world.cast.sofie)
    assert client.get(TRY).status_code == 403
