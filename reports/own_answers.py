"""Answers to a question of the house's own, as numbers by which incidents are grouped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.translation import gettext as _

from incidents.custom_fields import label_of, options_of
from incidents.custom_filters import UNKNOWN
from incidents.models import CustomField, Incident
from reports.names import NOBODY, Name
from reports.period import Period

GROUPING = (CustomField.Kind.FLAG, CustomField.Kind.CHOICE)
"""Fields whose answer is one of a few."""
_TOLD = {"true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class Answers:
    """``numbers`` by incident; who is not among them gave none. ``values`` are what the numbers are called."""

    title: str
    numbers: Mapping[int, int]
    values: Sequence[Name]


def own_dimensions() -> list[CustomField]:
    """The fields by which incidents may be grouped, in the order of the form."""
    return list(CustomField.objects.filter(kind__in=GROUPING, active=True).order_by("position", "key"))


def answers_read(key: str, period: Period) -> Answers:
    """The answers given on incidents that began in the period: two queries. A field that is gone since has none."""
    field = CustomField.objects.filter(key=key, kind__in=GROUPING).first()
    if field is None:
        return Answers(key, {}, [Name(NOBODY, "", _("none"))])
    given = Incident.objects.filter(
        started_at__gte=period.since, started_at__lt=period.until, facts__custom__has_key=key
    ).order_by()
    answer = KeyTextTransform(key, KeyTransform("custom", "facts"))
    found: Any = given.annotate(answer=answer).values_list("pk", "answer")
    rows: list[tuple[int, str]] = [(pk, said) for pk, said in found if said is not None]
    flag = field.kind == CustomField.Kind.FLAG
    words = {"yes": _("yes"), "no": _("no")} if flag else {one: one for one in map(str, options_of(field))}
    slugs = {said: _TOLD.get(said, said) if flag else said for said in {said for _pk, said in rows}}
    # What may no longer be chosen is still an answer.
    places = {slug: place for place, slug in enumerate(dict.fromkeys((*words, *sorted(slugs.values()))), 1)}
    values = [Name(place, slug, words.get(slug, slug)) for slug, place in places.items()]
    return Answers(
        label_of(field),
        {pk: places[slugs[said]] for pk, said in rows},
        [Name(NOBODY, UNKNOWN, _("none")), *values],
    )
