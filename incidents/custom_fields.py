"""The house's own questions: which are asked, what is a value of each, and how an answer reads.

An answer is typed once, here, whoever gives it (form, API, an alert's details), and kept under the field's key in
``Incident.facts["custom"]``: a number stays a number. What it means to conditions is in `incidents.own_facts`.

    questions = fields_for(category, known=known_of(service=service, custom=answers))
    form.fields.update(form_fields(questions))                       # named "custom_<key>", in their groups
    answers = answers_clean(questions, answers_sent(questions, form.cleaned_data))
    incident_open(…, category=category, customer=customer, facts={**judged.facts, "custom": answers})
    answers_shown(incident)                                          # label and words, for pages
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.answer_values import MAX_LINE, MAX_TEXT, MAX_URL, PREFIX, Kind, answer_typed, options_of
from incidents.models import Category, Customer, CustomField, Incident, Service
from policies.conditions import Facts, condition_compile, condition_parse, facts_of
from policies.reading import DefinitionInvalid

__all__ = [
    "PREFIX", "Answer", "Question", "answer_typed", "answer_words", "answers_checked", "answers_clean", "answers_half", "answers_of",
    "answers_sent", "answers_shown", "customer_facts", "fields_asked", "fields_for", "form_fields", "is_shown", "known_of", "label_of",
    "lineage", "options_of", "questions_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A field as it is asked of one incident. ``because`` names the rules in force that depend on its answer (R120)."""

    field: CustomField
    because: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.field.key

    @property
    def name(self) -> str:
        """What the form calls it."""
        return PREFIX + self.field.key

    @property
    def group(self) -> str:
        return self.field.group

    @property
    def required(self) -> bool:
        return self.field.required or bool(self.because)

    @property
    def help(self) -> str:
        """Its help, and why it must be answered where that is a rule's doing."""
        if self.field.required or not self.because:
            return self.field.help_text
        why = _("Needed: the rule “%(name)s” depends on it.") % {"name": self.because[0]}
        return f"{self.field.help_text} {why}".strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as people read it. ``link`` is set where it is a web address."""

    key: str
    label: str
    words: str
    group: str
    link: str = ""


# What is asked.


def fields_for(category: Category | None, *, known: Mapping[str, Any] | None = None) -> list[Question]:
    """The questions asked of an incident of ``category``, by group and place, each with whether it must be answered.

    ``known`` is what is known so far, by the names of the conditions' vocabulary (`known_of`); questions whose condition
    does not hold are left out. Four small queries at most.
    """
    return questions_of(fields_asked(category), known or {})


def questions_of(fields: Iterable[CustomField], known: Mapping[str, Any]) -> list[Question]:
    """Those of ``fields`` whose condition holds, with the rules that depend on them: one small query."""
    from incidents.routing.depending import rules_depend_on  # it reads the rules, which read these fields

    facts = facts_of(known)
    shown = [field for field in fields if is_shown(field, facts)]
    because = rules_depend_on([field.key for field in shown], facts)
    return [Question(field, because.get(field.key, ())) for field in shown]


def fields_asked(category: Category | None, among: Iterable[CustomField] | None = None) -> list[CustomField]:
    """Fields in use that are for ``category``, what it is part of, or for all: two queries, none where they are given."""
    path = {one.pk for one in lineage(category)}
    found = []
    if among is None:
        among = CustomField.objects.filter(active=True).prefetch_related("categories")
    for field in among:
        wanted = {one.pk for one in field.categories.all()}
        if not wanted or wanted & path:
            found.append(field)
    order = list(CustomField.Group.values)
    return sorted(found, key=lambda field: (order.index(field.group), field.position, field.key))


def lineage(category: Category | None) -> list[Category]:
    """``category`` and what it is part of, the nearest first. A query for each step up that is not loaded."""
    found: list[Category] = []
    while category is not None and category not in found:
        found.append(category)
        category = category.parent
    return found


def is_shown(field: CustomField, facts: Facts) -> bool:
    """Whether its condition holds. One that cannot be read (any more) hides nothing: a question too many costs less."""
    if not field.shown_if:
        return True
    try:
        return condition_compile(condition_parse(field.shown_if)).holds(facts)
    except DefinitionInvalid:
        return True


def known_of(
    *,
    service: Service | None = None,
    category: Category | None = None,
    customer: Customer | None = None,
    custom: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What is known while an incident is filed, by the names of the conditions' vocabulary; None is not known.

    ``more`` are facts that carry their own names already: severity, environment, origin, the criteria's answers.
    """
    known: dict[str, Any] = {"custom": dict(custom or {}), "category": [one.slug for one in lineage(category)] or None}
    if service is not None:
        known |= {"service": service.slug, "tier": service.tier, "region": service.region or None}
        known |= {name: getattr(service, name) for name in ("revenue_flow", "high_risk", "regulated")}
        known |= {"team": service.team.slug, "environment": service.environment or None}
    known |= customer_facts(customer)
    known |= {name: value for name, value in more.items() if value is not None and value != ""}
    return {name: value for name, value in known.items() if value is not None}


def customer_facts(customer: Customer | None) -> dict[str, Any]:
    """What a customer's row says, by the names of the conditions' vocabulary."""
    if customer is None:
        return {}
    return {
        "customer": customer.slug,
        "segment": customer.segment,
        "vip": customer.vip,
        "customer_tier": customer.tier,
    }


# Forms.


def form_fields(questions: Iterable[Question]) -> dict[str, forms.Field]:
    """A form's fields for ``questions``, by `Question.name`, in their order."""
    return {question.name: _form_field(question) for question in questions}


def _form_field(question: Question) -> forms.Field:
    field = question.field
    shared: dict[str, Any] = {
        "label": label_of(field),
        "help_text": question.help,
        "required": question.required,
    }
    match Kind(field.kind):
        case Kind.TEXT:
            return forms.CharField(max_length=MAX_LINE, **shared)
        case Kind.LONG_TEXT:
            return forms.CharField(max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}), **shared)
        case Kind.NUMBER:
            return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}), **shared)
        case Kind.FLAG:
            return forms.ChoiceField(choices=[("", _("Not known")), ("yes", _("Yes")), ("no", _("No"))], **shared)
        case Kind.CHOICE:
            options = [(option, option) for option in options_of(field)]
            return forms.ChoiceField(choices=[("", _("Not known")), *options], **shared)
        case Kind.CHOICES:
            options = [(option, option) for option in options_of(field)]
            return forms.MultipleChoiceField(
                choices=options, widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}), **shared
            )
        case Kind.DATE:
            return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **shared)
        case Kind.URL:
            return forms.URLField(max_length=MAX_URL, assume_scheme="https", **shared)


def answers_sent(questions: Iterable[Question], data: Mapping[str, Any]) -> dict[str, Any]:
    """The answers among a form's data (cleaned, or as it was sent), by key and not yet typed."""
    found = {}
    for question in questions:
        getlist = getattr(data, "getlist", None)
        if getlist is not None and question.field.kind == Kind.CHOICES:
            found[question.key] = getlist(question.name)
        elif question.name in data:
            found[question.key] = data[question.name]
    return found


def answers_clean(questions: Sequence[Question], said: Mapping[str, Any]) -> dict[str, Any]:
    """``said`` (by key) as it is stored; what is not known is left out, and so is what is not among ``questions``.

    Raises DomainError naming the first field at fault, or a required one that is empty.
    """
    found = {}
    for question in questions:
        value = answer_typed(question.field, said.get(question.key))
        if value is not None:
            found[question.key] = value
        elif question.required:
            raise DomainError(_("This must be answered."), field=question.name)
    return found


def answers_half(questions: Iterable[Question], said: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that make sense already, while somebody still types: what conditions may look at."""
    found = {}
    for question in questions:
        try:
            value = answer_typed(question.field, said.get(question.key))
        except DomainError:
            continue
        if value is not None:
            found[question.key] = value
    return found


def answers_checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """``said`` (by key) as it is stored, whoever says it; None stays for "not known any more". One query.

    Raises DomainError for a key that is no field of the house, and for a value that is none of its field.
    """
    fields = {field.key: field for field in CustomField.objects.filter(key__in=said)} if said else {}
    for key in said:
        if key not in fields:
            raise DomainError(_("“%(key)s” is no field of this house.") % {"key": key}, field=PREFIX + key)
    return {key: answer_typed(fields[key], raw) for key, raw in said.items()}


# Words.


def label_of(field: CustomField) -> str:
    """Its label in the reader's language, where it has one."""
    labels = field.labels if isinstance(field.labels, Mapping) else {}
    language = (get_language() or "").partition("-")[0]
    return str(labels.get(language) or field.label)


def answer_words(field: CustomField, value: object) -> str:
    """A stored answer in words."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if field.kind == Kind.DATE:
        try:
            return formats.date_format(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    if isinstance(value, int | float):
        return formats.number_format(value, force_grouping=True)
    return str(value)


def answers_of(incident: Incident) -> dict[str, Any]:
    """The stored answers, by key."""
    found = incident.facts.get("custom")
    return dict(found) if isinstance(found, Mapping) else {}


def answers_shown(incident: Incident) -> list[Answer]:
    """The answers as people read them, in the order of the form, also to fields that are not asked any more. One query,
    none where nothing was answered."""
    said = answers_of(incident)
    if not said:
        return []
    order = list(CustomField.Group.values)
    fields = sorted(
        CustomField.objects.filter(key__in=said),
        key=lambda field: (order.index(field.group), field.position, field.key),
    )
    return [
        Answer(
            field.key,
            label_of(field),
            answer_words(field, said[field.key]),
            field.group,
            link=str(said[field.key]) if field.kind == Kind.URL else "",
        )
        for field in fields
    ]
