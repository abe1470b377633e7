"""What the filing form foretells is what filing does: by the rules of the house, the SLA and the calendar."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.models import EscalationRun, Incident, Page
from incidents.selectors.ladder import ladder_of
from incidents.selectors.preview import Filing, Preview, preview_of
from oncall.models import Skill
from policies.books import SLA, book_publish
from policies.escalation import RunState
from policies.services import policy_publish
from tests.incidents.routing_rules import ELENA, JONAS, MARTA, NILS, TOMAS, filed, is_, policy, publish, rule
from tests.incidents.test_run_starts import MONDAY, office
from tests.world.harness import NIGHT, World

MINUTE = timedelta(minutes=1)


def foretold(world: World, severity: int = 3, **said: Any) -> Preview:
    world.cast.gateway.refresh_from_db()
    return preview_of(world.cast.gateway, at=world.now, severity=severity, filing=Filing(**said))


def agrees(world: World, seen: Preview, incident: Incident) -> None:
    """The people paged first, and the instant of the next call, are those of the preview."""
    pages = Page.objects.filter(incident=incident).select_related("recipient").order_by("pk")
    names = [page.recipient.name for page in pages]
    assert names == list(seen.first_names)
    for page in pages:
        world.expect_page(page.recipient.username)
    run = EscalationRun.objects.select_related("policy_version__policy").get(incident=incident)
    assert ladder_of(incident, run, at=world.now).next_at == seen.steps[1].at


@pytest.mark.requirement("R076")
def test_the_policy_the_level_and_the_specialists_of_a_rule_are_foretold_with_its_reason(world: World) -> None:
    policy(world, "other", [MARTA], [JONAS], [ELENA])
    publish(
        world,
        rule(
            "vip",
            is_("vip", True),
            "A VIP waits",
            policy="other",
            start_level=2,
            straight_to=[TOMAS],
            timers_percent=50,
        ),
    )

    seen = foretold(world, facts={"vip": True})

    assert [(step.title, list(step.names)) for step in seen.steps[:2]] == [
        ("Level 2: Level 2", ["Jonas de Wit", "Tomás Oliveira"]),
        ("Level 3: Level 3", ["Elena Conti"]),
    ]
    assert list(seen.reasons) == ["A VIP waits (rule “Vip”)"]
    incident = filed(world, facts={"vip": True})
    agrees_with_notices(world, seen, incident)


def agrees_with_notices(world: World, seen: Preview, incident: Incident) -> None:
    agrees(world, seen, incident)
    assert [name for name, _subject in world.notices()] == ["marta"]


def test_without_what_the_rule_asks_for_the_service_s_own_policy_is_foretold(world: World) -> None:
    publish(world, rule("vip", is_("vip", True), straight_to=[TOMAS]))

    seen = foretold(world)

    assert (list(seen.first_names), list(seen.reasons)) == (["Marta Ferri"], [])
    agrees(world, seen, filed(world))


def test_a_severity_that_a_rule_makes_worse_is_foretold_and_named(world: World) -> None:
    publish(world, rule("title", {"fact": "title", "operator": "contains", "value": "leak"}, severity_at_least="SEV-1"))

    seen = foretold(world, title="A leak")

    assert (seen.severity, seen.changed) == (1, True)
    incident = filed(world, title="A leak")
    assert incident.severity == 1
    agrees(world, seen, incident)


def test_where_a_rule_pages_nobody_or_asks_first_the_preview_says_so(world: World) -> None:
    ask = {"targets": [ELENA], "within": "10m", "otherwise": "proceed"}
    publish(
        world,
        rule("sandbox", is_("environment", "sandbox"), "A sandbox", escalate=False),
        rule("mail", is_("environment", "lab"), "From the lab", ask=ask),
    )

    quiet, asked = foretold(world, environment="sandbox"), foretold(world, environment="lab")

    assert (quiet.pages_nobody, list(quiet.steps), list(quiet.reasons)) == (True, [], ["A sandbox (rule “Sandbox”)"])
    assert (asked.asks_first, list(asked.first_names)) == (True, ["Marta Ferri"])


def test_the_sla_and_the_calendar_are_those_the_engine_uses(world: World) -> None:
    office()
    book_publish(
        shape=SLA,
        definition={"targets": [{"name": "Office", "resolve": "2h", "hours": "business"}]},
        author=None,
        at=world.now,
    )
    levels = [
        {"name": "A", "targets": [MARTA], "ack_timeout": {"after": "30m", "hours": "business"}},
        {
            "name": "B",
            "targets": [JONAS],
            "start": {"delay": "30m", "measured_from": "before_sla"},
            "ack_timeout": "5m",
        },
    ]
    policy_publish(policy=world.cast.policy, definition={"levels": levels}, author=world.cast.elena, at=world.now)

    seen = foretold(world)

    assert seen.steps[1].at == MONDAY + 90 * MINUTE
    incident = filed(world)
    world.expect_page("marta")
    assert RunState.from_json(world.run.state).next_due_at == MONDAY + 30 * MINUTE
    assert ladder_of(incident, world.run, at=world.now).next_at == seen.steps[1].at


@pytest.mark.requirement("R097")
def test_who_lacks_a_skill_is_not_foretold_beyond_the_first_level(world: World) -> None:
    skill = Skill.objects.create(name="Ledgers", slug="ledgers")
    world.cast.elena.skills.add(skill)
    world.cast.gateway.required_skills.add(skill)
    definition = {
        "levels": [{"name": name, "targets": [MARTA, ELENA], "ack_timeout": "5m"} for name in ("First", "Second")]
    }
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)

    seen = foretold(world)

    assert [list(step.names) for step in seen.steps[:2]] == [["Marta Ferri", "Elena Conti"], ["Elena Conti"]]


def test_while_no_severity_is_chosen_no_rule_is_asked(world: World) -> None:
    publish(world, rule("all", {"all": []}, straight_to=[NILS]))
    world.cast.gateway.refresh_from_db()

    seen = preview_of(world.cast.gateway, at=NIGHT)

    assert (list(seen.first_names), seen.severity) == (["Marta Ferri"], None)


def test_the_form_shows_what_a_rule_would_do(world: World, client: Client) -> None:
    publish(
        world,
        rule("title", {"fact": "title", "operator": "contains", "value": "leak"}, "It leaks", straight_to=[TOMAS]),
    )
    client.force_login(world.cast.sofie)

    with_rule = client.get(
        "/incidents/new/preview/", {"service": "payments-gateway", "severity": "3", "title": "A leak"}
    )
    without = client.get("/incidents/new/preview/", {"service": "payments-gateway", "severity": "3", "title": "Else"})

    assert "Tomás Oliveira" in with_rule.content.decode()
    assert "It leaks" in with_rule.content.decode()
    assert "Tomás" not in without.content.decode()
