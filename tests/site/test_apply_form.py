"""Categories, customers, fields, stages and the workflow as code: applied, unchanged, changed by field, refused with the place."""

import pytest

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.problems import ConfigurationInvalid
from incidents.models import Category, Customer, CustomField, Stage
from incidents.services.workflow import workflow_now
from tests.world.harness import World

FILE = """
categories:
  data-breach: {name: Data breach, parent: security}
  security: {name: Security}
customers:
  northwind: {name: Northwind, tier: 1, vip: true}
custom_fields:
  told: {label: Told, kind: flag, group: business, shown_if: {fact: custom.records, operator: gt, value: 0}}
  records: {label: Records, labels: {it: Record}, kind: number, group: business, categories: [security], required: true}
  region: {label: Region, kind: choice, options: [eu, us]}
routing:
  rules:
    - {key: eu, name: In the EU, when: {fact: custom.region, value: eu}, then: {severity_at_least: SEV-2}}
stages:
  vendor: {name: Waiting for a vendor}
workflow:
  order: [new, triage, vendor, investigating, mitigating, resolved, closed]
  ways: {new: [triage], vendor: [investigating]}
  guards: [{stage: closed, kind: owner}, {stage: closed, kind: review, severity: SEV-2}]
"""


def apply(world: World, text: str) -> list[str]:
    plan = configuration_apply(text, source="form.yaml", at=world.now, environ={})
    return [str(change.step.value) for change in plan.changes]


def test_what_the_form_asks_and_how_incidents_move_is_applied_once_and_changed_by_field(world: World) -> None:
    apply(world, FILE)

    parent = Category.objects.get(slug="data-breach").parent
    assert parent is not None
    assert parent.slug == "security"
    assert Customer.objects.get().vip
    records = CustomField.objects.get(key="records")
    assert (records.kind, records.required, records.labels) == ("number", True, {"it": "Record"})
    assert [category.slug for category in records.categories.all()] == ["security"]
    order = list(Stage.objects.order_by("position").values_list("key", flat=True))
    assert order == ["new", "triage", "vendor", "investigating", "mitigating", "resolved", "closed"]
    assert workflow_now().ways == {("new", "triage"), ("vendor", "investigating")}
    before = LedgerEntry.objects.count()
    assert set(apply(world, FILE)) == {"unchanged"}
    assert LedgerEntry.objects.count() == before

    apply(world, "custom_fields: {records: {active: false}}\nworkflow: {ways: {new: [triage]}}")
    records.refresh_from_db()
    assert (records.active, records.label) == (False, "Records")
    assert workflow_now().document() == {"ways": [["new", "triage"]], "guards": []}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("categories: {a: {name: A, parent: b}, b: {name: B, parent: a}}", "a"),
        ("custom_fields: {x: {label: X, kind: choice}}", "custom_fields.x"),
        ("custom_fields: {x: {label: X, kind: text, shown_if: {fact: nonsense}}}", "custom_fields.x.shown_if"),
        ("workflow: {ways: {new: [nowhere]}}", "workflow.ways.new[0]"),
        ("workflow: {ways: {new: [closed]}}", "workflow.ways.new"),
        ("workflow: {guards: [{stage: closed, kind: luck}]}", "workflow.guards[0]"),
    ],
)
def test_a_mistake_is_refused_with_its_place(world: World, text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        apply(world, text)

    assert says in str(refused.value)
    assert not CustomField.objects.exists()
