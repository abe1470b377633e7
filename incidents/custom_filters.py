"""Filters for the house's own fields, and the building stones they share with the filters of the list (filters.py).

A field answers to ``custom_<key>``; numbers and days also to ``custom_<key>.from`` and ``.until``; every field but those chosen from a
list to ``custom_<key>.known``. A key has no dot, so that the names never meet.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Contains
from django.utils.translation import gettext_lazy as _

from incidents.models import CustomField, Incident

CUSTOM = "custom_"
"""What stands before the key of a field of the house's own."""
UNKNOWN = "unknown"
"""The value that finds what nobody has said (R110)."""
Kind = CustomField.Kind
_PATH = "facts__custom__"
_KNOWN = [("yes", _("Known")), ("no", _("Unknown"))]


class AnyOf(django_filters.MultipleChoiceFilter):
    """Any of the chosen values, as one "in": no join that could double a row, so nothing to make distinct. ``UNKNOWN`` is no value."""

    def filter(self, found: Any, chosen: Any) -> Any:
        if not chosen:
            return found
        values = [one for one in chosen if one != UNKNOWN]
        wanted = Q(**{f"{self.field_name}__in": values}) if values else Q()
        if len(values) < len(chosen):
            wanted |= Q(**{f"{self.field_name}__isnull": True})
        return found.filter(wanted)


class AnyRow(AnyOf, django_filters.ModelMultipleChoiceFilter):
    """Any of the chosen rows, named in the address by ``to_field_name``."""


class AnyListed(django_filters.MultipleChoiceFilter):
    """Any of the chosen options is among the answers, which are a list."""

    def filter(self, found: Any, chosen: Any) -> Any:
        return found.filter(listed(str(self.field_name).removeprefix(_PATH), chosen)) if chosen else found


def listed(key: str, chosen: Collection[str]) -> Q:
    """That any of the ``chosen`` options is among the answers to the field ``key``; ``UNKNOWN`` finds what nobody has said."""
    answers = Cast(KeyTextTransform(key, KeyTransform("custom", "facts")), TextField())
    wanted = Q(**{f"{_PATH}{key}__isnull": True}) if UNKNOWN in chosen else Q()
    for one in chosen:
        if one != UNKNOWN:
            # SQLite keeps the escapes that were written, PostgreSQL the letters; the quotes make it the whole option.
            for ascii_only in (True, False):
                wanted |= Q(Contains(answers, json.dumps(one, ensure_ascii=ascii_only)))
    return wanted


def keys_in(names: Iterable[str]) -> list[str]:
    """The keys of the fields that these names of an address are about."""
    return [name.removeprefix(CUSTOM).partition(".")[0] for name in names if name.startswith(CUSTOM)]


def custom_filters(fields: Iterable[CustomField]) -> Mapping[str, django_filters.Filter]:
    """Filters for fields of the house's own, by the name they have in an address."""
    found: dict[str, django_filters.Filter] = {}
    for field in fields:
        found |= {CUSTOM + field.key + end: one for end, one in _custom(field).items()}
    return found


def _custom(field: CustomField) -> dict[str, django_filters.Filter]:
    from incidents.custom_fields import label_of  # it reads the fields' answers, whose filters these are

    path, label = _PATH + field.key, label_of(field)
    options = [*((str(option), str(option)) for option in field.options or ()), (UNKNOWN, _("Unknown"))]
    named: dict[str, Any] = {"label": label, "field_name": path}
    known = django_filters.ChoiceFilter(
        label=_("%(field)s: known") % {"field": label}, field_name=path, choices=_KNOWN, method=_is_known
    )
    match Kind(field.kind):
        case Kind.FLAG:
            choices = [("yes", _("Yes")), ("no", _("No")), (UNKNOWN, _("Unknown"))]
            return {"": django_filters.ChoiceFilter(choices=choices, method=_is_so, **named)}
        case Kind.CHOICE:
            return {"": AnyOf(choices=options, **named)}
        case Kind.CHOICES:
            return {"": AnyListed(choices=options, **named)}
        case Kind.NUMBER:
            return {
                "": django_filters.NumberFilter(method=_same_number, **named),
                **_range(field, label),
                ".known": known,
            }
        case Kind.DATE:
            return {
                "": django_filters.DateFilter(method=_same_day, widget=_day(), **named),
                **_range(field, label),
                ".known": known,
            }
        case _:
            return {"": django_filters.CharFilter(lookup_expr="icontains", **named), ".known": known}


def _range(field: CustomField, label: str) -> dict[str, django_filters.Filter]:
    """From a number or day, and until one."""
    path = _PATH + field.key
    ends = {".from": (_("%(field)s from"), "gte"), ".until": (_("%(field)s until"), "lte")}
    found: dict[str, django_filters.Filter] = {}
    for end, (words, lookup) in ends.items():
        shared: dict[str, Any] = {"label": words % {"field": label}, "field_name": f"{path}__{lookup}"}
        if field.kind == Kind.DATE:
            found[end] = django_filters.DateFilter(method=_same_day, widget=_day(), **shared)
        else:
            found[end] = django_filters.NumberFilter(method=_same_number, **shared)
    return found


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"})


def _same_number(found: QuerySet[Incident], name: str, value: Any) -> QuerySet[Incident]:
    # JSON knows no Decimal.
    return found.filter(**{name: int(value) if value == int(value) else float(value)})


def _same_day(found: QuerySet[Incident], name: str, value: Any) -> QuerySet[Incident]:
    return found.filter(**{name: value.isoformat()})


def _is_so(found: QuerySet[Incident], name: str, chosen: str) -> QuerySet[Incident]:
    return found.filter(**({f"{name}__isnull": True} if chosen == UNKNOWN else {name: chosen == "yes"}))


def _is_known(found: QuerySet[Incident], name: str, chosen: str) -> QuerySet[Incident]:
    return found.filter(**{f"{name}__isnull": chosen == "no"})
