"""Roles, the role map, plan templates, vendors and documents as code: applied, changed, unchanged, and refused with the place."""

import pytest

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.problems import ConfigurationInvalid
from incidents.models import Document, PlanTemplate, ResponseRole, RoleDuty, Vendor
from tests.world.harness import World

FILE = """
response_roles:
  medic: {name: Medic, duty: Looks after people., needed_from: SEV-2}
role_map:
  commander: {user: elena}
  medic: {schedule: payments, schedule_role: primary}
vendors:
  cardlink: {name: Cardlink, services: [payments-gateway], email: noc@cardlink.example, response_minutes: 30}
documents:
  restart: {title: Restart it, kind: runbook, services: [payments-gateway], text: "1. **Drain** it"}
plan_templates:
  flood:
    name: Flood
    body:
      objectives: [Everybody is safe]
      roles: [medic]
      tasks: [{key: people, title: Count, role: medic}, {title: Go back, waits_on: [people]}]
"""


def apply(world: World, text: str) -> list[str]:
    plan = configuration_apply(text, source="work.yaml", at=world.now, environ={})
    return [str(change.step.value) for change in plan.changes]


def test_roles_vendors_documents_and_plans_are_applied_once_and_changed_by_field(world: World) -> None:
    apply(world, FILE)

    assert ResponseRole.objects.get(key="medic").needed_from == 2
    duties = {duty.role.key: str(duty.user or duty.schedule) for duty in RoleDuty.objects.select_related("role")}
    assert duties == {"commander": str(world.cast.elena), "medic": str(world.cast.schedule)}
    assert [one.slug for one in Vendor.objects.get(slug="cardlink").services.all()] == ["payments-gateway"]
    assert Document.objects.get(slug="restart").kind == Document.Kind.RUNBOOK
    assert PlanTemplate.objects.get(slug="flood").body["roles"] == ["medic"]
    before = LedgerEntry.objects.count()
    assert set(apply(world, FILE)) == {"unchanged"}
    assert LedgerEntry.objects.count() == before
    apply(
        world, "vendors: {cardlink: {services: [], response_minutes: 15}}\nrole_map: {commander: {schedule: payments}}"
    )
    vendor = Vendor.objects.get(slug="cardlink")
    assert (vendor.response_minutes, vendor.email, vendor.services.count()) == (15, "noc@cardlink.example", 0)
    duty = RoleDuty.objects.get(role__key="commander")
    assert (duty.user, duty.schedule) == (None, world.cast.schedule)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plan_templates: {x: {name: X, body: {tasks: [{title: A, waits_on: [b]}]}}}", "tasks[0].waits_on[0]"),
        ("plan_templates: {x: {name: X, body: {roles: [captain]}}}", "captain"),
        ("role_map: {commander: {user: elena, schedule: payments}}", "one of the two"),
        ("role_map: {captain: {user: elena}}", "captain"),
        ("documents: {x: {title: Says nothing}}", "address or a text"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_nothing_is_applied(world: World, text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        apply(world, text)
    assert says in str(refused.value)
    assert not Document.objects.filter(slug="x").exists()
