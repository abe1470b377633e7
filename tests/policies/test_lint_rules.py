"""The linter on routing rules: what can never match, what changes nothing, what names something gone, what silences much."""

from typing import Any

import pytest
from django.test import Client

from policies.lint import Code, Finding, House, Weight, lint_rules, words_of
from policies.models import PolicyFinding
from policies.routing import routing_parse
from reports.care.findings import findings_check
from tests.policies.test_books import publish, rules
from tests.policies.test_rules_pages import Browser, shown
from tests.world.harness import World

HOUSE = House({"payments-gateway", "maps"}, {"payments"})
VIP = {"fact": "vip"}
GATEWAY = {"fact": "service", "operator": "is", "value": "payments-gateway"}
MAPS = {"fact": "service", "operator": "is", "value": "maps"}
BAD = {"fact": "severity", "operator": "at_least", "value": "SEV-2"}
WORST = {"fact": "severity", "operator": "is", "value": "SEV-1"}


def rule(key: str, when: Any, **then: Any) -> dict[str, Any]:
    more: dict[str, Any] = {name: then.pop(name) for name in ("stop", "enabled") if name in then}
    return {"key": key, "name": key.title(), "when": when, "then": then, **more}


def found(*several: dict[str, Any], house: House = HOUSE) -> list[Finding]:
    return lint_rules(routing_parse({"rules": list(several)}), house)


def codes(*several: dict[str, Any]) -> list[tuple[Code, str]]:
    return [(finding.code, finding.data["key"]) for finding in found(*several)]


def said(finding: Finding) -> str:
    words = words_of(finding.code, finding.data)
    return f"{words.title}. {words.cost}"


def test_sound_rules_have_no_findings() -> None:
    assert found(rule("vip", VIP, severity_at_least="SEV-1"), rule("maps", MAPS, escalate=False)) == []


@pytest.mark.requirement("R186")
def test_when_a_rule_asks_for_what_cannot_be_at_once_then_it_is_found() -> None:
    (finding,) = found(rule("never", {"all": [GATEWAY, MAPS]}, severity="SEV-1"))
    assert finding.code is Code.RULE_CONTRADICTS
    assert "The rule “Never” can never hold." in said(finding)
    assert codes(rule("unknown", {"all": [VIP, {"fact": "vip", "operator": "unknown"}]}, severity="SEV-1"))
    assert codes(rule("either", {"any": [{"all": [GATEWAY, MAPS]}, VIP]}, severity="SEV-1")) == []


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (VIP, VIP),
        ({"all": [VIP, GATEWAY]}, VIP),
        (WORST, BAD),
        ({"all": [WORST, VIP]}, {"any": [BAD, MAPS]}),
        ({"all": [GATEWAY, VIP]}, {"fact": "service", "operator": "one_of", "value": ["payments-gateway", "maps"]}),
        (VIP, {"all": []}),
        ({"any": [WORST, {"all": [BAD, VIP]}]}, BAD),
    ],
)
def test_when_a_rule_before_it_holds_too_and_stops_then_the_later_one_is_never_reached(narrow: Any, wide: Any) -> None:
    (finding,) = found(rule("wide", wide, problem=True, stop=True), rule("narrow", narrow, severity="SEV-1"))
    assert (finding.code, finding.data["before"]) == (Code.RULE_NEVER_REACHED, "Wide")


@pytest.mark.parametrize(("narrow", "wide"), [(VIP, GATEWAY), (BAD, WORST), (VIP, {"all": [VIP, GATEWAY]}),
                                              (GATEWAY, {"none": [MAPS]})])  # fmt: skip
def test_when_the_rule_before_it_may_not_hold_then_nothing_is_found(narrow: Any, wide: Any) -> None:
    assert found(rule("wide", wide, problem=True, stop=True), rule("narrow", narrow, severity="SEV-1")) == []


def test_a_rule_that_is_switched_off_neither_stops_another_nor_is_looked_at() -> None:
    off = rule("off", {"all": [GATEWAY, MAPS]}, problem=True, stop=True, enabled=False)
    assert found(off, rule("on", GATEWAY, severity="SEV-1")) == []


def test_when_everything_a_rule_says_is_decided_before_it_then_it_changes_nothing() -> None:
    (finding,) = found(rule("first", VIP, start_level=2), rule("second", {"all": [VIP, GATEWAY]}, start_level=3))
    assert (finding.code, finding.data["key"]) == (Code.RULE_CHANGES_NOTHING, "second")
    assert "“First” comes first" in said(finding)
    # What adds up is never in vain.
    assert found(rule("first", VIP, start_level=2), rule("second", VIP, start_level=3, problem=True)) == []


def test_when_the_last_rule_only_stops_then_it_changes_nothing() -> None:
    assert codes(rule("stop", VIP, stop=True)) == [(Code.RULE_CHANGES_NOTHING, "stop")]
    assert codes(rule("stop", VIP, stop=True), rule("more", BAD, problem=True)) == []


@pytest.mark.requirement("R186")
def test_when_a_rule_pages_nobody_for_more_than_one_service_then_the_cost_is_told() -> None:
    (finding,) = found(rule("quiet", {"fact": "environment", "value": "sandbox"}, escalate=False))
    assert (finding.code, finding.weight) == (Code.RULE_SILENCES, Weight.WEAK)
    assert "incidents of any of 2 services page nobody" in said(finding)
    several = {"fact": "service", "operator": "one_of", "value": ["payments-gateway", "maps"]}
    assert "Incidents of 2 services page nobody" in said(found(rule("quiet", several, escalate=False))[0])


@pytest.mark.requirement("R186")
def test_when_a_rule_names_what_is_gone_then_it_says_what_does_nothing() -> None:
    (finding,) = found(
        rule("fax", {"fact": "service", "operator": "is", "value": "fax"}, severity="SEV-1"),
    )
    assert (finding.code, finding.weight) == (Code.RULE_NAMES_GONE, Weight.STALLS)
    assert "The rule “Fax” names “fax”, which does not exist" in said(finding)


def test_the_nightly_look_keeps_findings_of_rules_and_leads_to_the_rule(world: World, client: Client) -> None:
    publish(world, rules(policy="long-gone", tell=[{"kind": "user", "ref": "nobody"}]))
    findings_check(at=world.now)
    rows = PolicyFinding.objects.filter(about="book:routing", gone_at=None)
    assert {row.data["name"] for row in rows} == {"long-gone", "nobody"}
    client.force_login(world.cast.elena)
    page = shown(client.get("/policies/findings/"))
    assert "names “long-gone”, which does not exist" in page
    assert 'href="/policies/rules/edit/?rule=payments"' in page
    client.force_login(world.cast.marta)
    assert 'href="/policies/rules/"' in shown(client.get("/policies/findings/"))


def test_when_the_rule_is_mended_then_its_finding_is_gone(world: World) -> None:
    publish(world, rules(policy="long-gone"))
    findings_check(at=world.now)
    publish(world, rules())
    findings_check(at=world.now)
    assert not PolicyFinding.objects.filter(about="book:routing", gone_at=None).exists()


def test_the_editor_says_it_while_somebody_writes(world: World, client: Client) -> None:
    publish(world, rules(escalate=False))
    client.force_login(world.cast.elena)
    browser = Browser(client, "/policies/rules/edit/?rule=payments")
    browser.press("rule-when-0-remove")
    browser.press("close")
    assert "The rule “Payments” pages nobody, for more than one service" in browser.page
