"""Saying or correcting what kind of incident it is, whom it hits, and what the house's own fields ask."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.custom_fields import (
    PREFIX,
    Question,
    answer_typed,
    answer_words,
    answers_of,
    answers_sent,
    fields_asked,
    form_fields,
    known_of,
    questions_of,
)
from incidents.filing_forms import CategoryChoiceField, CustomerField
from incidents.forms import ActionForm, refuse
from incidents.models import Category, Customer, Incident


class ClassifyForm(ActionForm):
    """Nothing must be answered here: who corrects one thing need not know the rest. The questions are those of the category it
    has; another one brings its own once it is kept. ``seen`` is what stood there when the form was drawn."""

    category = CategoryChoiceField(label=_("Type"), empty_label=_("Not said"))
    customer = CustomerField(label=_("Customer"), required=False, help_text=_("By name; empty for nobody."))
    seen = forms.JSONField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        incident, said = self.incident, answers_of(self.incident)
        category: Any = self.fields["category"]
        if not category.tree():
            del self.fields["category"]
        self.initial.setdefault("category", incident.category.slug if incident.category else "")
        self.initial.setdefault("customer", incident.customer.name if incident.customer else "")
        self.initial.setdefault("seen", _standing(incident))
        known = known_of(
            service=incident.service, category=incident.category, customer=incident.customer, custom=said,
            severity=incident.severity,
        )  # fmt: skip
        asked = questions_of(fields_asked(incident.category), known)
        self.questions = [Question(question.field) for question in asked]
        for name, field in form_fields(self.questions).items():
            field.required = False
            self.fields[name] = field
        for question in self.questions:
            self.initial.setdefault(question.name, _shown(said.get(question.key)))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data.setdefault("category", self.incident.category)
        sent = answers_sent(self.questions, data)
        answers = {}
        for question in self.questions:
            try:
                answers[question.key] = answer_typed(question.field, sent.get(question.key))
            except DomainError as error:
                refuse(self, error)
        if not self.errors:
            self._meet(data, answers)
        return data

    def _meet(self, data: dict[str, Any], answers: dict[str, Any]) -> None:
        """What only somebody else changed since the form was drawn stays theirs; what both changed is said, and not written."""
        now_is = _standing(self.incident)
        seen = data["seen"] if isinstance(data.get("seen"), dict) else now_is
        mine: dict[str, Any] = {"category": _slug(data["category"]), "customer": _slug(data["customer"])}
        mine |= {PREFIX + key: value for key, value in answers.items()}
        clashes = False
        for name, value in mine.items():
            if value == seen.get(name):
                mine[name] = now_is.get(name)
            elif now_is.get(name) not in (seen.get(name), value):
                clashes = True
                words = _("Somebody changed this meanwhile to: %(value)s. Save again to put yours in its place.")
                self.add_error(name, words % {"value": self._words(name) or _("nothing")})
        if clashes:
            again: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
            again["seen"] = json.dumps(now_is)
            self.data = again
            return
        for name in ("category", "customer"):
            if mine[name] == now_is[name]:
                data[name] = getattr(self.incident, name)
        changed = {key: mine[PREFIX + key] for key in answers if mine[PREFIX + key] != now_is.get(PREFIX + key)}
        data["custom"] = changed

    def _words(self, name: str) -> str:
        """What stands there now, as people read it."""
        if not name.startswith(PREFIX):
            return str(getattr(self.incident, name) or "")
        said = answers_of(self.incident).get(name.removeprefix(PREFIX))
        field = next(question.field for question in self.questions if question.name == name)
        return "" if said is None else answer_words(field, said)


def _standing(incident: Incident) -> dict[str, Any]:
    """What the form is about, as it stands, by the names of its fields: the type and the customer by slug, answers as they are stored."""
    own = {PREFIX + key: value for key, value in answers_of(incident).items()}
    return {**own, "category": _slug(incident.category), "customer": _slug(incident.customer)}


def _slug(row: Category | Customer | None) -> str:
    return row.slug if row is not None else ""


def _shown(value: Any) -> Any:
    """A stored answer as its form field has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
