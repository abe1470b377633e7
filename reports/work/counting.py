"""Tasks, time spent and alerts of the incidents of a report, counted by the database: one query for a number, one for its groups."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Aggregate, Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from escalation_site.ui import charts, durations
from incidents.custom_filters import UNKNOWN
from incidents.models import Task, TimeEntry
from reports.cards import ALERTS, LATE, TASKS, WORKED, CardSpec, Drawn
from reports.figures.counted import OTHERS
from reports.group_panels import MOST_BARS, Cell, Groups, Row
from reports.links import days_of_weeks
from reports.names import NOBODY, PERSON, Name
from reports.narrow import ALERTED, ALSO
from reports.panels import Data, day_text
from reports.pie import MOST, ring
from reports.selectors import Scope, chosen_incidents, incidents_in
from reports.wording import Card, Change, Part, count_card, count_change
from reports.work.which import STATES, TASK_STATE

MINUTE = 60
_AT = {TASKS: "created_at", WORKED: "at", ALERTS: "started_at"}
_HOLDER = {TASKS: "assignee", LATE: "assignee", WORKED: "user"}


def tasks_of(scope: Scope, which: str, *, at: datetime) -> QuerySet[Task]:
    """Tasks of the scope's incidents: those made in the period, or (LATE) those whose time is over at ``at``, whenever made. With a
    state behind ALSO, those alone."""
    first, _also, part = which.partition(ALSO)
    found = Task.objects.filter(incident__in=chosen_incidents(scope).order_by().values("pk"))
    if first == LATE:
        found = found.filter(ended_at=None, due_at__lt=at)
    else:
        found = found.filter(created_at__gte=scope.period.since, created_at__lt=scope.period.until)
    return found.filter(state=part.partition(".")[2]) if part in STATES else found


def time_of(scope: Scope) -> QuerySet[TimeEntry]:
    """Time entered in the period on the scope's incidents."""
    wanted = chosen_incidents(scope).order_by().values("pk")
    return TimeEntry.objects.filter(incident__in=wanted, at__gte=scope.period.since, at__lt=scope.period.until)


def rows_of(scope: Scope, which: str, *, at: datetime) -> QuerySet[Any]:
    """What a number called ``which`` counts; of alerts the incidents that they belong to."""
    if which == ALERTS:
        return incidents_in(scope)
    return time_of(scope) if which.partition(ALSO)[0] == WORKED else tasks_of(scope, which, at=at)


def held_by(found: QuerySet[Any], which: str, people: list[int]) -> QuerySet[Any]:
    """Those of some people; NOBODY among them means those that nobody has."""
    holder = _HOLDER[which.partition(ALSO)[0]]
    return found.filter(**{f"{holder}__isnull": True} if people == [NOBODY] else {f"{holder}__in": people})


def work_panel(data: Data, card: CardSpec, *, at: datetime) -> Card | Groups | charts.ColumnChart:
    """What a card about work draws."""
    match card.kind:
        case Drawn.NUMBER | Drawn.TIME:
            return _number(data, card.metric, at)
        case Drawn.LINE:
            return _by_week(data, card.metric, at)
        case _:
            return _groups(data, card, at)


def words_of(which: str, amount: int) -> str:
    """A number of tasks, or minutes as people say them."""
    return durations.in_two_units(amount * MINUTE, smallest=MINUTE) if which == WORKED and amount else str(amount)


def amount_of(found: QuerySet[Any], which: str) -> int:
    """How many tasks; of time the minutes, added up."""
    return int(found.order_by().aggregate(all=_sum(which))["all"] or 0)


def _sum(which: str, only: Q | None = None) -> Aggregate:
    summed = {WORKED: "minutes", ALERTS: "alert_count"}.get(which)
    return Sum(summed, filter=only) if summed else Count("pk", filter=only)


def _by_week(data: Data, which: str, at: datetime) -> charts.ColumnChart:
    """One query, however many weeks."""
    period, field = data.scope.period, _AT[which]
    bounds = list(pairwise(period.week_bounds()))
    weeks = {
        f"week_{number}": _sum(which, Q(**{f"{field}__gte": since, f"{field}__lt": until}))
        for number, (since, until) in enumerate(bounds)
    }
    found = rows_of(data.scope, which, at=at).order_by().aggregate(**weeks)
    amounts = [int(found[name] or 0) for name in weeks]
    labels = [day_text(day) for day in period.weeks()]
    links = [
        data.link(_which(which), days=days) if amount else ""
        for days, amount in zip(days_of_weeks(period), amounts, strict=True)
    ]
    chart = charts.column_chart(
        [(label, float(amount)) for label, amount in zip(labels, amounts, strict=True)],
        title=_("%(metric)s, by week") % {"metric": OTHERS[which].title},
        description=_("%(number)s in the period.") % {"number": words_of(which, sum(amounts))},
        heads=(_("Week of"), str(OTHERS[which].title)),
        words=lambda value: words_of(which, round(value)),
    )
    return replace(chart, table_links=tuple(links))


def _which(which: str) -> str:
    """What leads to what it counts: alerts to the incidents that they belong to."""
    return ALERTED if which == ALERTS else which


def _number(data: Data, which: str, at: datetime) -> Card:
    metric, link = OTHERS[which], data.link(_which(which))
    now = amount_of(rows_of(data.scope, which, at=at), which)
    if which == LATE:
        # What is late is late now: there was no such number of the period before.
        part = Part(str(now), _("late now"), Change(_("whatever the period")))
        return Card(which, str(metric.title), str(metric.rule), (part,), which, metric=metric, link=link)
    old = amount_of(rows_of(data.scope.during(data.before), which, at=at), which)
    card = count_card(which, str(metric.title), str(metric.rule), now, old, which)
    if which == WORKED:
        change = count_change(now, old)
        text = _("%(span)s more") if now > old else _("%(span)s less")
        spoken = change if now == old else Change(text % {"span": words_of(which, abs(now - old))})
        was = _("%(span)s before") % {"span": words_of(which, old)}
        card = Card(which, card.title, card.definition, (Part(words_of(which, now), was, spoken),), which)
    return Card(card.key, card.title, card.definition, card.parts, which, metric=metric, link=link)


def _groups(data: Data, card: CardSpec, at: datetime) -> Groups:
    which, dimension = card.metric, card.dimension
    counted = _counted(data.scope, which, dimension, at)
    name = _names(data, dimension)
    order = sorted(counted, key=lambda value: (-counted[value], name(value).label))
    most = MOST if card.kind == Drawn.PIE else MOST_BARS
    longest = max(counted.values(), default=0) or 1
    rows = []
    for value in order[:most]:
        one, amount = name(value), counted[value]
        link = _link(data, which, dimension, one)
        words = words_of(which, amount)
        rank = int(value) if dimension == "severity" else None
        rows.append(Row(0, one.label, words, f"{amount / longest * 100:.4g}%", link, (Cell(words, link),), rank))
    others = max(len(order) - most, 0)
    rest = sum(counted[value] for value in order[most:])
    title = _("%(metric)s by %(dimension)s") % {
        "metric": OTHERS[which].title,
        "dimension": str(data.title_of(dimension)).lower(),
    }
    heads = (str(OTHERS[which].title),)
    if card.kind != Drawn.PIE:
        return Groups(title, dimension, heads, tuple(rows), others)
    amounts = [float(counted[value]) for value in order[:most]]
    if rest:
        rows.append(Row(0, _("%(number)d others") % {"number": others}, words_of(which, rest), "", ""))
        amounts.append(float(rest))
    return Groups(title, dimension, heads, tuple(rows), 0, ring(amounts))


def _counted(scope: Scope, which: str, dimension: str, at: datetime) -> Mapping[Any, int]:
    """By the number (or, of tasks' states, the word) of the group."""
    paths = {PERSON: _HOLDER.get(which, ""), TASK_STATE: "state"}
    path = paths.get(dimension, f"{'' if which == ALERTS else 'incident__'}figures__{dimension}")
    found = rows_of(scope, which, at=at).order_by().values_list(path).annotate(amount=_sum(which))
    return {NOBODY if value is None else value: number for value, number in found if number}


def _names(data: Data, dimension: str) -> Callable[[Any], Name]:
    if dimension == TASK_STATE:
        return lambda value: Name(0, str(value), str(STATES[f"{TASK_STATE}.{value}"]))
    if dimension == PERSON:
        return lambda value: Name(0, UNKNOWN, _("nobody")) if value == NOBODY else data.names.name(PERSON, value)
    return lambda value: data.names.name(dimension, value)


def _link(data: Data, which: str, dimension: str, name: Name) -> str:
    if not name.slug:
        return ""
    if dimension == TASK_STATE:
        return data.link(f"{which}{ALSO}{TASK_STATE}.{name.slug}")
    return data.link(_which(which), dimension, name.slug)
