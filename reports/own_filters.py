"""Filters of the reports by the house's own fields, each called in an address what the incident list calls it.

``custom_<key>``; numbers and days also from (``custom_<key>.from``) and until (``.until``). As a condition and not as a list of
incidents, so that the period narrows first.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incidents.custom_fields import label_of, options_of
from incidents.custom_filters import CUSTOM, UNKNOWN, listed
from incidents.models import CustomField
from reports.own_packed import PACKED

Kind = CustomField.Kind
FROM, UNTIL = ".from", ".until"
_ENDS = {FROM: "gte", UNTIL: "lte"}
_RANGED = (Kind.NUMBER, Kind.DATE)


def own_fields(field: CustomField) -> dict[str, forms.Field]:
    """What a form asks about ``field``, by the name in the address."""
    name, label = CUSTOM + field.key, label_of(field)
    found = {name: _asked(field, label)}
    if field.kind in _RANGED:
        found[name + FROM] = _single(field, _("%(field)s from") % {"field": label})
        found[name + UNTIL] = _single(field, _("%(field)s until") % {"field": label})
    return found


def _asked(field: CustomField, label: str) -> forms.Field:
    options = [*((str(option), str(option)) for option in options_of(field)), (UNKNOWN, _("Unknown"))]
    match Kind(field.kind):
        case Kind.FLAG:
            choices = [("", _("all")), ("yes", _("Yes")), ("no", _("No")), (UNKNOWN, _("Unknown"))]
            return forms.ChoiceField(label=label, choices=choices, required=False)
        case Kind.CHOICE | Kind.CHOICES:
            boxes = forms.CheckboxSelectMultiple(attrs={"class": "check"})
            return forms.MultipleChoiceField(label=label, choices=options, required=False, widget=boxes)
        case Kind.NUMBER | Kind.DATE:
            return _single(field, label)
        case _:
            return forms.CharField(label=label, required=False, max_length=200, help_text=_("Contains"))


def _single(field: CustomField, label: str) -> forms.Field:
    if field.kind == Kind.DATE:
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        return forms.DateField(label=label, required=False, widget=day)
    return forms.DecimalField(label=label, required=False)


def own_where(field: CustomField, data: Mapping[str, Any]) -> Q:
    """What is asked of the answers to ``field``; an empty condition where nothing is."""
    name, path = CUSTOM + field.key, f"facts__custom__{field.key}"
    found = _where(field, path, data.get(name))
    for end, lookup in _ENDS.items():
        value = data.get(name + end)
        if value is not None:
            found &= Q(**{f"{path}__{lookup}": _plain(value)})
    return found


def own_packed(fields: Iterable[CustomField], data: Mapping[str, Any]) -> dict[str, frozenset[str]] | None:
    """What is asked of each question, where all that is asked are answers which are packed; None where anything else is."""
    found: dict[str, frozenset[str]] = {}
    for field in fields:
        if not own_where(field, data):
            continue
        if field.kind not in PACKED:
            return None
        value = data[CUSTOM + field.key]
        found[field.key] = frozenset([value] if isinstance(value, str) else value)
    return found


def _where(field: CustomField, path: str, value: Any) -> Q:
    if value in (None, "", []):
        return Q()
    match Kind(field.kind):
        case Kind.FLAG:
            return Q(**{f"{path}__isnull": True}) if value == UNKNOWN else Q(**{path: value == "yes"})
        case Kind.CHOICE:
            chosen = [one for one in value if one != UNKNOWN]
            any_of = Q(**{f"{path}__in": chosen}) if chosen else Q(pk__in=())
            return any_of | Q(**{f"{path}__isnull": True}) if UNKNOWN in value else any_of
        case Kind.CHOICES:
            return listed(field.key, value)
        case Kind.NUMBER | Kind.DATE:
            return Q(**{path: _plain(value)})
        case _:
            return Q(**{f"{path}__icontains": value})


def _plain(value: Decimal | date) -> int | float | str:
    """As JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if value == int(value) else float(value)
