"""Criteria tied to what is measured: they escalate whatever the house says otherwise, and only owners may silence them."""

from datetime import timedelta
from typing import Any

import pytest

from escalation_site.kernel.errors import NotAllowed
from incidents.models import Incident, Service
from incidents.services.lifecycle import incident_snooze
from oncall.models import User
from tests.incidents.routing_rules import ELENA, policy, publish, rule
from tests.world.harness import World

MEASURED: list[Any] = [
    pytest.param(
        {"fact": "slo_burn", "operator": "gt", "value": 14.4},
        {"slo_burn": "20"},
        {"slo_burn": "14"},
        marks=pytest.mark.requirement("R288"),
    ),
    pytest.param(
        {"fact": "anomaly", "operator": "ge", "value": 3},
        {"anomaly": "4.5"},
        {"anomaly": "1"},
        marks=pytest.mark.requirement("R289"),
    ),
    pytest.param(
        {"fact": "customer_tier", "operator": "is", "value": 1},
        {"customer_tier": "1"},
        {"customer_tier": "3"},
        marks=pytest.mark.requirement("R290"),
    ),
]


def may_not_silence(world: World, incident: Incident, person: User) -> None:
    with pytest.raises(NotAllowed):
        incident_snooze(incident_id=incident.pk, until=world.now + timedelta(hours=1), actor=person, at=world.now)


@pytest.mark.parametrize(("when", "over", "under"), MEASURED)
def test_when_a_measure_is_over_its_limit_then_it_escalates_and_only_owners_may_silence_it(
    world: World, when: dict[str, Any], over: dict[str, str], under: dict[str, str]
) -> None:
    publish(world, rule("strict", when, "It is over the limit.", escalate=True, protected=True), escalate=False)

    world.alert("Under", severity="warning", **under)
    world.settle()
    world.expect_silence()
    world.alert("Over", severity="warning", **over)
    world.settle()

    world.expect_page("marta", level=1)
    calm, bad = Incident.objects.order_by("pk")
    assert (calm.protected, bad.protected) == (False, True)
    may_not_silence(world, bad, world.cast.tomas)
    until = world.now + timedelta(hours=1)
    incident_snooze(incident_id=bad.pk, until=until, actor=world.cast.marta, at=world.now)
    bad.refresh_from_db()
    assert bad.snoozed_until == until


@pytest.mark.requirement("R291")
def test_when_a_regulated_service_is_hit_then_it_escalates_is_protected_and_compliance_is_told(world: World) -> None:
    strict = rule("regulated", {"fact": "regulated"}, "It is regulated.", escalate=True, protected=True, tell=[ELENA])
    publish(world, strict, escalate=False)
    Service.objects.filter(pk=world.cast.gateway.pk).update(regulated=True)

    world.alert(severity="warning")
    world.settle()

    world.expect_page("marta", level=1)
    world.expect_notice("elena")
    may_not_silence(world, Incident.objects.get(), world.cast.tomas)


@pytest.mark.requirement("R067")
@pytest.mark.requirement("R068")
def test_when_alerts_name_the_failing_service_then_the_on_call_of_its_own_team_is_paged_first(world: World) -> None:
    """One monitor for two services: what the alert says decides whose people are called."""
    payments = [{"kind": "functional_team", "ref": "payments"}]
    billing = [{"kind": "functional_team", "ref": "platform"}]
    policy(world, "payments-path", payments)
    policy(world, "billing-path", billing)
    spike = {
        "all": [
            {"fact": "labels.service", "value": "payment"},
            {"fact": "text", "operator": "keyword", "value": ["latency"]},
        ]
    }
    errors = {
        "all": [
            {"fact": "labels.service", "value": "billing"},
            {"fact": "text", "operator": "keyword", "value": ["error"]},
        ]
    }
    publish(
        world,
        rule("spike", spike, policy="payments-path", team="payments"),
        rule("errors", errors, policy="billing-path", team="platform"),
    )

    world.alert("Latency spike", service="payment")
    world.settle()
    first = world.expect_page("marta", level=1)
    assert "Latency spike" in first.subject
    world.expect_page("jonas", level=1)

    world.alert("Backend error", service="billing")
    world.settle()
    second = world.expect_page("tomas", level=1)
    assert "Backend error" in second.subject
    world.expect_silence()
