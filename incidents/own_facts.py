"""An administrator's own fields as facts of conditions: a field is understood and offered from the moment it is made (R128)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Subquery
from django.db.models.expressions import Combinable
from django.db.models.signals import post_delete, post_save
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from incidents.custom_fields import label_of, options_of
from incidents.models import Category, Customer, CustomField
from policies.conditions import FactDef, Kind
from policies.own_facts import own_facts_forget
from policies.ports import OwnFacts

FAMILY = "custom."
_HEADING = gettext_lazy("The house’s own fields")
_KINDS = {
    CustomField.Kind.TEXT: Kind.WORD,
    CustomField.Kind.LONG_TEXT: Kind.TEXT,
    CustomField.Kind.NUMBER: Kind.NUMBER,
    CustomField.Kind.FLAG: Kind.FLAG,
    CustomField.Kind.CHOICE: Kind.CHOICE,
    CustomField.Kind.CHOICES: Kind.WORDS,
    CustomField.Kind.DATE: Kind.WORD,
    CustomField.Kind.URL: Kind.NAME,
}

_label = lazy(label_of, str)
"""Read when it is shown: the vocabulary outlives the language of whoever had it made."""


def fact_of(field: CustomField) -> FactDef:
    """The field as conditions know it, in the language of whoever reads. Retired ones too: rules may still ask for them."""
    kind, label = _KINDS[CustomField.Kind(field.kind)], _label(field)
    return FactDef(
        FAMILY + field.key,
        kind,
        _HEADING,
        label,
        format_lazy("“{label}”", label=label),
        choices=tuple((option, option) for option in options_of(field)) if kind is Kind.CHOICE else (),
        yes=format_lazy(gettext_lazy("“{label}” is yes"), label=label),
        no=format_lazy(gettext_lazy("“{label}” is no"), label=label),
    )


def read() -> tuple[FactDef, ...]:
    return tuple(fact_of(field) for field in CustomField.objects.order_by("group", "position", "key"))


def state() -> object:
    return _states().first()


def stamp() -> Combinable:
    return Subquery(_states()[:1])


def _states() -> Any:
    """Each change of a field leaves a row in its history; the newest one tells the state."""
    history: Any = CustomField.history
    return history.order_by("-history_id").values_list("history_id", flat=True)


def names() -> Mapping[str, Mapping[str, str]]:
    """Categories and customers in use, by slug: two queries."""
    return {
        "category": dict(Category.objects.filter(active=True).values_list("slug", "name")),
        "customer": dict(Customer.objects.filter(active=True).values_list("slug", "name")),
    }


def connect() -> None:
    """A change in this process is seen by its very next reader."""
    for signal in (post_save, post_delete):
        signal.connect(_changed, sender=CustomField, dispatch_uid=f"incidents.own_facts.{id(signal)}")


def _changed(sender: type[Model], **_more: Any) -> None:
    own_facts_forget()


PORT = OwnFacts(read=read, state=state, stamp=stamp, names=names)
