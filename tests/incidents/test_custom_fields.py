"""The house's own fields: typed once, asked where they matter, facts of every rule from the moment they are made."""

from datetime import date
from typing import Any

import pytest
from django.utils import translation

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents import custom_fields
from incidents.custom_fields import Question, answers_clean, answers_shown, fields_for, form_fields, known_of
from incidents.models import Category, Customer, CustomField, Incident, RoutingDecision
from incidents.routing import Subject, facts_gather
from incidents.services.categories import category_set
from incidents.services.facts import incident_facts
from incidents.services.fields import field_set
from incidents.services.lifecycle import incident_open
from policies.books import ROUTING, book_publish, book_read
from policies.conditions import VOCABULARY, Kind, condition_parse, condition_sentence, needs
from policies.own_facts import own_facts_follow
from tests.world.harness import World


def made(world: World, key: str, kind: str = "text", **values: Any) -> CustomField:
    categories = values.pop("categories", None)
    given = {"key": key, "label": values.pop("label", key.title()), "kind": kind, **values}
    return field_set(field=CustomField(), values=given, categories=categories, actor=world.cast.hugo, at=world.now)


def filed(world: World, **values: Any) -> Incident:
    given: dict[str, Any] = {
        "title": "Cards fail",
        "summary": "Since noon",
        "severity": 3,
        "reporter": world.cast.sofie,
    }
    return incident_open(**{**given, "service": world.cast.gateway, "at": world.now, **values})


def rules(world: World, *when: dict[str, Any]) -> None:
    definition = {
        "rules": [
            {"key": f"rule-{n}", "name": f"Rule {n}", "when": one, "then": {"severity": "SEV-1"}}
            for n, one in enumerate(when, 1)
        ]
    }
    book_publish(shape=ROUTING, definition=definition, author=world.cast.hugo, at=world.now)


@pytest.mark.requirement("R127")
@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", " gold ", "gold"),
        ("long_text", "a\nb", "a\nb"),
        ("number", "12.50", 12.5),
        ("number", 4200, 4200),
        ("number", 7.0, 7),
        ("flag", "yes", True),
        ("flag", False, False),
        ("choice", "eu", "eu"),
        ("choices", ["us", "eu"], ["eu", "us"]),
        ("date", date(2026, 1, 31), "2026-01-31"),
        ("date", "2026-01-31", "2026-01-31"),
        ("url", "https://example.org/x", "https://example.org/x"),
        ("number", "", None),
        ("choices", [], None),
    ],
)
def test_an_answer_keeps_the_type_of_its_field(kind: str, raw: Any, value: Any) -> None:
    typed = custom_fields.answer_typed(CustomField(key="x", kind=kind, options=["eu", "us"]), raw)

    assert typed == value
    assert type(typed) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", "x" * 201), ("text", 5), ("number", "many"), ("number", True), ("number", "1e999"), ("number", "1_000"),
        ("flag", "perhaps"), ("choice", "mars"), ("choices", ["eu", "mars"]), ("choices", [{"a": 1}]), ("date", "31.1.2026"),
        ("date", 20260131), ("url", "javascript:alert(1)"), ("url", "example"), ("text", "a\x00b"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_its_field_is_refused_at_the_field(kind: str, raw: Any) -> None:
    with pytest.raises(DomainError) as refused:
        custom_fields.answer_typed(CustomField(key="x", kind=kind, options=["eu", "us"]), raw)

    assert refused.value.field == "custom_x"


def test_every_kind_has_a_form_field_that_gives_back_what_is_stored() -> None:
    sent = {
        "text": "gold", "long_text": "a", "number": "1.5", "flag": "no", "choice": "eu", "choices": ["us"],
        "date": "2026-01-31", "url": "https://example.org",
    }  # fmt: skip
    fields = [CustomField(key=kind, label=kind, kind=kind, options=["eu", "us"], required=True) for kind in sent]
    questions = [Question(field) for field in fields]
    form = form_fields(questions)
    cleaned = {question.name: form[question.name].clean(sent[question.key]) for question in questions}

    answers = answers_clean(questions, custom_fields.answers_sent(questions, cleaned))

    assert answers == {**sent, "number": 1.5, "flag": False}


@pytest.mark.requirement("R127", "R128")
def test_a_field_is_a_typed_fact_of_rules_from_the_moment_it_is_made(world: World) -> None:
    loss = made(world, "loss", "number", label="Loss per hour", labels={"it": "Perdita oraria"})
    made(world, "region", "choice", options=["eu", "us"])
    own_facts_follow()
    fact = VOCABULARY.find("custom.loss")
    assert fact is not None
    assert (fact.kind, str(fact.label)) == (Kind.NUMBER, "Loss per hour")
    with translation.override("it"):
        assert str(fact.label) == "Perdita oraria"
    condition = condition_parse({"fact": "custom.loss", "operator": "ge", "value": 1000})
    assert "“Loss per hour”" in condition_sentence(condition)

    rules(
        world,
        {"all": [{"fact": "custom.loss", "operator": "ge", "value": 1000}, {"fact": "custom.region", "value": "eu"}]},
    )
    cheap = filed(world, facts={"custom": {"loss": "999", "region": "eu"}})
    dear = filed(world, facts={"custom": {"loss": "1000.0", "region": "eu"}})

    assert (cheap.severity, dear.severity) == (3, 1)
    assert dear.facts["custom"] == {"loss": 1000, "region": "eu"}
    assert RoutingDecision.objects.filter(incident=dear).exists()
    assert [(one.label, one.words) for one in answers_shown(dear)] == [("Loss per hour", "1,000"), ("Region", "eu")]
    assert LedgerEntry.objects.filter(action="custom_field.create", object_id=str(loss.pk)).exists()


def test_answers_are_set_later_too_and_the_rules_are_asked_again(world: World) -> None:
    made(world, "loss", "number")
    made(world, "note")
    rules(world, {"fact": "custom.loss", "operator": "gt", "value": 10})
    incident = filed(world, facts={"custom": {"note": "kept"}})

    incident_facts(incident_id=incident.pk, values={"custom.loss": 11}, actor=world.cast.marta, at=world.now)

    incident.refresh_from_db()
    assert incident.facts["custom"] == {"note": "kept", "loss": 11}
    assert incident.severity == 1
    event = incident.timeline.get(kind="incident.facts")
    assert event.data["facts"] == ["custom.loss"]
    with pytest.raises(DomainError) as refused:
        incident_facts(incident_id=incident.pk, values={"custom": {"los": 1}}, actor=world.cast.marta, at=world.now)
    assert refused.value.field == "custom_los"


def test_an_alert_s_details_are_typed_by_the_field_they_name(world: World) -> None:
    made(world, "loss", "number")
    made(world, "urgent", "flag")
    rules(world, {"all": [{"fact": "custom.loss", "operator": "gt", "value": 10}, {"fact": "custom.urgent"}]})

    world.event("trigger", "disk", custom_details={"loss": "11", "urgent": "yes"})
    world.settle()

    assert Incident.objects.get().severity == 1
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R120")
def test_the_form_requires_an_answer_where_a_rule_in_force_depends_on_it(world: World) -> None:
    made(world, "contract", "choice", options=["gold", "iron"])
    made(world, "note")
    assert [question.required for question in fields_for(None)] == [False, False]

    rules(
        world,
        {"all": [{"fact": "custom.contract", "value": "gold"}, {"fact": "service", "value": "payments-gateway"}]},
        {"all": [{"fact": "environment", "value": "staging"}, {"any": [{"fact": "custom.note", "value": "x"}]}]},
    )

    there = fields_for(None, known=known_of(service=world.cast.gateway))
    assert {question.key: question.because for question in there} == {"contract": ("Rule 1",), "note": ()}
    with pytest.raises(DomainError) as refused:
        answers_clean(there, {"note": "n"})
    assert refused.value.field == "custom_contract"
    elsewhere = fields_for(None, known={"service": "checkout", "environment": "staging"})
    assert {question.key: question.required for question in elsewhere} == {"contract": False, "note": True}


def test_questions_follow_the_category_and_what_is_answered_so_far(world: World) -> None:
    security = category_set(
        category=Category(), values={"name": "Security", "slug": "security"}, actor=None, at=world.now
    )
    breach = category_set(
        category=Category(), values={"name": "Breach", "slug": "breach", "parent": security}, actor=None, at=world.now
    )
    made(world, "records", "number", categories=[security])
    made(world, "told", "flag", shown_if={"fact": "custom.records", "operator": "gt", "value": 0})

    assert [question.key for question in fields_for(None)] == []
    assert [question.key for question in fields_for(breach)] == ["records"]
    known = known_of(category=breach, custom={"records": 5})
    assert [question.key for question in fields_for(breach, known=known)] == ["records", "told"]
    CustomField.objects.filter(key="records").update(active=False)
    assert [question.key for question in fields_for(breach)] == []


@pytest.mark.requirement("R118")
def test_customer_category_and_environment_are_facts_of_rules(world: World) -> None:
    cards = Category.objects.create(name="Cards", slug="cards")
    chip = Category.objects.create(name="Chip", slug="chip", parent=cards)
    acme = Customer.objects.create(name="Acme", slug="acme", tier=1, vip=True)
    production = {"fact": "environment", "value": "production"}
    rules(world, {"all": [production, {"fact": "category", "operator": "contains", "value": "cards"}, {"fact": "vip"}]})

    found = [
        filed(world, category=category, customer=customer, environment=environment).severity
        for category, customer, environment in (
            (chip, acme, "production"),
            (chip, acme, "staging"),
            (chip, None, "production"),
            (None, acme, "production"),
        )
    ]

    assert found == [1, 3, 3, 3]
    asked = needs(
        *(condition_parse({"fact": name}) for name in ("vip",)), condition_parse({"fact": "customer_tier", "value": 1})
    )
    own = filed(world, customer=acme, facts={"customer_tier": 2})
    (facts,) = facts_gather([Subject(own)], asked, at=world.now)
    assert facts.given["customer_tier"] == 2
    assert facts.given["vip"] is True


def test_what_would_break_rules_and_answers_is_refused(world: World) -> None:
    field = made(world, "region", "choice", options=["eu", "us"])
    rules(world, {"fact": "custom.region", "value": "eu"})

    refusals: dict[str, dict[str, Any]] = {
        "options": {"options": ["us"]},
        "kind": {"kind": "text"},
        "key": {"key": "place"},
        "shown_if": {"shown_if": {"fact": "custom.region", "operator": "known"}},
    }
    for name, values in refusals.items():
        stored = CustomField.objects.get(pk=field.pk)
        with pytest.raises(DomainError) as refused:
            field_set(field=stored, values=values, actor=world.cast.hugo, at=world.now)
        assert refused.value.field == name or refused.value.code == "rules_depend"
    assert CustomField.objects.get(pk=field.pk).options == ["eu", "us"]
    assert book_read(ROUTING).value.rules
    with pytest.raises(DomainError):
        made(world, "growing")  # a question of the severity criteria
    with pytest.raises(NotAllowed):
        field_set(field=field, values={"label": "Mine"}, actor=world.cast.marta, at=world.now)
    # Retired, it is asked no more, and the rule is still understood.
    field_set(field=CustomField.objects.get(pk=field.pk), values={"active": False}, actor=world.cast.hugo, at=world.now)
    assert fields_for(None) == []
    assert filed(world, facts={"custom": {"region": "eu"}}).severity == 1


def test_categories_make_no_circle_and_do_not_grow_too_deep(world: World) -> None:
    parent = None
    for n in range(5):
        values = {"name": f"C{n}", "slug": f"c{n}", "parent": parent}
        parent = category_set(category=Category(), values=values, actor=world.cast.hugo, at=world.now)
    top = Category.objects.get(slug="c0")

    for child, above in ((top, parent), (Category(), parent), (top, top)):
        values = {"parent": above} if child.pk else {"name": "Deep", "slug": "deep", "parent": above}
        with pytest.raises(DomainError) as refused:
            category_set(category=child, values=values, actor=world.cast.hugo, at=world.now)
        assert refused.value.field == "parent"
        top.refresh_from_db()
