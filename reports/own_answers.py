"""Answers to a question of the house's own, as numbers by which incidents are grouped and chosen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import repeat
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.translation import gettext as _

from incidents.custom_fields import label_of, options_of
from incidents.custom_filters import UNKNOWN
from incidents.models import CustomField, Incident
from reports.figures.columns import Columns
from reports.figures.keeping import BEFORE
from reports.models import DayAnswers, DayFigures, IncidentFigures
from reports.names import NOBODY, Name
from reports.own_packed import PACKED, AnswersOfDay
from reports.period import days_of

GROUPING = PACKED
"""Fields whose answer is one of a few."""
_TOLD = {"true": "yes", "false": "no"}
_DAY = timedelta(days=1)
MOST_SPANS = 50


@dataclass(frozen=True, slots=True)
class Answers:
    """``numbers`` by incident; who is not among them, or has nought, gave none. ``values`` are what the numbers are called."""

    title: str
    numbers: Mapping[int, int]
    values: Sequence[Name]


def own_dimensions() -> list[CustomField]:
    """The fields by which incidents may be grouped, in the order of the form."""
    return list(CustomField.objects.filter(kind__in=GROUPING, active=True).order_by("position", "key"))


def answers_read(key: str, since: datetime, until: datetime, *, seen: Collection[int] | None) -> Answers:
    """The answers given on incidents that began from ``since`` on and before ``until``, of restricted ones those ``seen`` (None: every
    one): two queries, and one for the restricted ones where there are any. A field that is gone since has none."""
    field = CustomField.objects.filter(key=key, kind__in=GROUPING).first()
    if field is None:
        return Answers(key, {}, [Name(NOBODY, "", _("none"))])
    packed, other = _packed(key, since, until)
    loose = _loose(key, other & Q(started_at__gte=since, started_at__lt=until)) if other else {}
    if seen is None or seen:
        restricted = IncidentFigures.objects.filter(
            counted=True, restricted=True, started_at__gte=since, started_at__lt=until
        )
        some = restricted if seen is None else restricted.filter(pk__in=seen)
        loose |= _loose(key, Q(pk__in=some.values("pk")))
    flag = field.kind == CustomField.Kind.FLAG
    words = {"yes": _("yes"), "no": _("no")} if flag else {one: one for one in map(str, options_of(field))}
    said = {text for one in packed for text in one.texts(key)}.union(loose.values())
    slugs = {text: _TOLD.get(text, text) if flag else text for text in said}
    # What may no longer be chosen is still an answer.
    places = {slug: place for place, slug in enumerate(dict.fromkeys((*words, *sorted(slugs.values()))), 1)}
    values = [Name(place, slug, words.get(slug, slug)) for slug, place in places.items()]
    numbers: dict[int, int] = {}
    own = {text: places[slug] for text, slug in slugs.items()}
    for one in packed:
        numbers.update(one.numbers(key, own))
    numbers.update((pk, own[text]) for pk, text in loose.items())
    return Answers(label_of(field), numbers, [Name(NOBODY, UNKNOWN, _("none")), *values])


def _packed(key: str, since: datetime, until: datetime) -> tuple[list[AnswersOfDay], Q]:
    """What is packed of the days; and which incidents are to be asked themselves: those of days that were packed by a release which knows
    of no answers, or that hold too many different ones."""
    first, last = days_of(since, until)
    own = DayAnswers.objects.filter(pk=OuterRef("day"))
    old = DayFigures.objects.filter(day=OuterRef("day"), kind__in=BEFORE)
    days = DayFigures.objects.filter(kind=DayFigures.Kind.INCIDENTS, day__gte=first, day__lte=last, count__gt=0)
    rows = days.order_by("day").values_list("day", Subquery(own.values("data")), Exists(old))
    found: list[AnswersOfDay] = []
    missing: list[date] = []
    for day, data, before in rows:
        one = AnswersOfDay(bytes(data)) if data is not None and not before else None
        if one is None or not one.knows(key):
            missing.append(day)
        else:
            found.append(one)
    return found, spans_of(missing)


def spans_of(days: Sequence[date]) -> Q:
    """The incidents that began on these days, which are in order. Days that follow one another are one span; of very many spans nobody
    asks, because a database takes no condition of a thousand parts: then of all from the first day to the last."""
    spans: list[list[date]] = []
    for day in days:
        if spans and day == spans[-1][1] + _DAY:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    if len(spans) > MOST_SPANS:
        spans = [[spans[0][0], spans[-1][1]]]
    found = Q()
    for first, last in spans:
        begins, ends = (datetime.combine(day, time(), UTC) for day in (first, last + _DAY))
        found |= Q(started_at__gte=begins, started_at__lt=ends)
    return found


def _loose(key: str, where: Q) -> dict[int, str]:
    """The answers on these incidents, out of their JSON."""
    answer = KeyTextTransform(key, KeyTransform("custom", "facts"))
    rows: Any = Incident.objects.filter(where, facts__custom__has_key=key).order_by().annotate(answer=answer)
    return {pk: said for pk, said in rows.values_list("pk", "answer") if said is not None}


def only_answered(
    columns: Columns,
    own: Mapping[str, Collection[str]],
    *,
    since: datetime,
    until: datetime,
    seen: Collection[int] | None,
) -> Columns:
    """Those of the incidents in ``columns`` that gave one of the answers to each question of ``own``, called as in an address."""
    for key, wanted in own.items():
        answers = answers_read(key, since, until, seen=seen)
        # Their numbers are their places, from nought on.
        table = [value.slug in wanted for value in answers.values]
        given = map(answers.numbers.get, columns["id"], repeat(0))
        columns = columns.masked(bytes(map(table.__getitem__, given)))
    return columns
