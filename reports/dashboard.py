"""The manager's dashboards put together: which figures, trends, spreads and loads stand on which tab."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui import charts
from policies.severity import Severity
from reports.figures import counting
from reports.figures.columns import Columns
from reports.figures.counted import OTHERS
from reports.figures.counting import Load, Share, Spread
from reports.figures.definitions import METRICS, Group, Kind, Metric
from reports.group_panels import Groups, groups, pie
from reports.heat import Heat, PagesOf, heat
from reports.names import ESCALATED, HOURS, PERSON, TITLES, Name
from reports.pages_behind import HEAVY, WENT
from reports.panels import GLANCE, INCIDENTS, PAGES, SPANS, TIMES, Data, line, number_card, week, words_of
from reports.panels import Week as HoursOfWeek
from reports.wording import Card, called, metric_card, time_text

HEADROOM = 1.05
_KINDS: Mapping[str, tuple[str, ...]] = {
    "overview": (GLANCE, TIMES, PAGES),
    "speed": (INCIDENTS, TIMES, SPANS),
    "escalation": (INCIDENTS, SPANS),
    "quality": (INCIDENTS,),
    "load": (INCIDENTS, PAGES),
}
"""What is read for each tab: what it shows, and no more."""
TABS: Mapping[str, str | Promise] = {
    "overview": gettext_lazy("Overview"),
    "speed": gettext_lazy("Speed"),
    "escalation": gettext_lazy("Escalation"),
    "quality": gettext_lazy("Quality and SLA"),
    "load": gettext_lazy("Load and rest"),
}
_OVERVIEW = ("acknowledge", "resolve", "escalated", "again", "sla")
_LINES: Mapping[str, tuple[str, ...]] = {
    "overview": ("acknowledge", "resolve"),
    "speed": ("respond", "recover", "repair", "detect"),
    "escalation": ("escalated", "escalate", "handoff", "resolve_escalated"),
    "quality": ("sla", "csat"),
    "load": (PAGES, "sleep"),
}
_FAMILIES: Mapping[str, tuple[tuple[str | Promise, tuple[str, ...]], ...]] = {
    "escalation": (
        (gettext_lazy("Volume: how much is escalated"), ("escalated", "again", "exhausted")),
        (gettext_lazy("Efficiency: how fast it goes on"), ("escalate", "handoff", "resolve_escalated")),
        (gettext_lazy("Quality: how it is for customers"), ("csat", "context", "full_context", "first_contact")),
    )
}
_BARS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "speed": (("recover", "service"), ("respond", "team")),
    "escalation": (("escalated", "team"), ("escalated", "policy"), ("csat", ESCALATED)),
    "quality": (("sla", "service"), ("noise", "service"), ("refired", "service"), ("severity_kept", "team")),
    "load": ((PAGES, "team"), (PAGES, "service"), ("answer", PERSON), ("answered", PERSON)),
}


@dataclass(frozen=True, slots=True)
class Range:
    """One line of a spread: dot at the median, tick at p90, ring at the median before. Places are percentages of
    the scale.
    """

    label: str
    rank: int | None
    link: str
    median: str
    p90: str
    before: str
    done: int
    waiting: int
    waiting_link: str = ""
    before_link: str = ""
    median_at: str = ""
    p90_at: str = ""
    width: str = ""
    before_at: str = ""


@dataclass(frozen=True, slots=True)
class Spreads:
    """Ranges by severity and by team on one scale."""

    title: str
    severities: tuple[Range, ...]
    teams: tuple[Range, ...]
    scale: str


@dataclass(frozen=True, slots=True)
class Borne:
    """One number of what a person bore, and what leads to its pages."""

    number: int
    link: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """What one person bore: pages, those outside working hours, those asleep, shifts with a page and those beyond two
    incidents; how fast (median) and how often they answered; and how many pages it was in the period before."""

    name: str
    load: Load
    numbers: tuple[Borne, ...]
    before: int
    answer: str = "–"
    answer_link: str = ""
    answered: str = "–"

    @property
    def heavy(self) -> Borne:
        return self.numbers[-1]


def bearers(data: Data) -> tuple[Bearer, ...]:
    """Who was paged in the period, the most loaded first."""
    before = {load.person: load.pages for load in counting.loads_of(data.old(PAGES), shifts=False)}
    spans, shares = (counting.values_by(data.now(PAGES), PERSON, METRICS[key]) for key in ("answer", "answered"))
    found = []
    for load in counting.loads_of(data.now(PAGES)):
        name = data.names.name(PERSON, load.person)
        counted = (
            (load.pages, WENT),
            (load.off, "off_hours.yes"),
            (load.sleep, "sleep.yes"),
            (load.shifts, WENT),
            (load.heavy, HEAVY),
        )
        numbers = tuple(Borne(number, data.link(which, PERSON, name.slug)) for number, which in counted)
        found.append(
            Bearer(
                name.label,
                load,
                numbers,
                before.get(load.person, 0),
                words_of(METRICS["answer"], spans[load.person]),
                data.link("answer.done", PERSON, name.slug),
                words_of(METRICS["answered"], shares[load.person]),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Board:
    """One tab. ``families`` are cards under titles; ``heat`` is pages per person and week, ``hours`` incidents or pages by
    hour and day of the week."""

    tab: str
    cards: tuple[Card, ...]
    lines: tuple[charts.LineChart | charts.ColumnChart, ...]
    spreads: tuple[Spreads, ...] = ()
    bars: tuple[tuple[Metric | None, Groups], ...] = ()
    heat: Heat | None = None
    hours: tuple[HoursOfWeek, ...] = ()
    bearers: tuple[Bearer, ...] = ()
    families: tuple[tuple[str, tuple[Card, ...]], ...] = ()
    rings: tuple[Groups, ...] = ()
    total: int = field(default=0)


def board(data: Data, tab: str) -> Board:
    """The tab of that name: at most three queries."""
    data.kinds = _KINDS[tab]
    families = tuple(
        (str(title), tuple(number_card(data, key) for key in keys)) for title, keys in _FAMILIES.get(tab, ())
    )
    shown = {card.key for _title, several in families for card in several}
    keys = _OVERVIEW if tab == "overview" else [metric.key for metric in METRICS.values() if metric.group == Group(tab)]
    keys = [key for key in keys if key not in shown]
    cards = [number_card(data, key) for key in keys]
    if tab in ("overview", "load"):
        cards.append(number_card(data, PAGES if tab == "load" else "incidents"))
    parts: dict[str, Any] = {}
    if tab == "overview":
        parts["spreads"] = (
            spreads(data, METRICS["acknowledge"], _("MTTA by severity and team")),
            spreads(data, METRICS["resolve"], _("MTTR by severity and team")),
        )
        parts["hours"] = (week(data, "incidents"),)
        parts["lines"] = (*lines(data, tab), line(data, "incidents"))
    if tab in ("overview", "load"):
        loads = counting.loads_of(data.now(PAGES), shifts=False)
        people = {load.person: data.names.name(PERSON, load.person).label for load in loads}
        parts["heat"] = heat(loads, people, data.now(PAGES), period=data.scope.period, link=_pages_of(data))
        if tab == "load":
            cards.append(heavy_card(data))
            parts["rings"] = (pie(data, PAGES, HOURS), pie(data, "delivered", ""))
            parts["bearers"] = bearers(data)
            parts["hours"] = (week(data, PAGES),)
    bars = tuple((METRICS.get(key), groups(data, key, dimension, known=True)) for key, dimension in _BARS.get(tab, ()))
    parts = {"lines": lines(data, tab), **parts}
    return Board(tab, tuple(cards), bars=bars, families=families, total=len(data.now()), **parts)


def heavy_card(data: Data) -> Card:
    """The share of shifts with more than two incidents: the burden that nobody should bear."""

    def share(pages: Columns) -> Share:
        loads = counting.loads_of(pages)
        return Share(sum(load.heavy for load in loads), sum(load.shifts for load in loads))

    card = metric_card(OTHERS["heavy"], share(data.now(PAGES)), share(data.old(PAGES)))
    return replace(card, link=data.link(HEAVY))


def _pages_of(data: Data) -> PagesOf:
    """What leads to the pages of one person between two days."""

    def link(which: str, person: int, days: tuple[date, date] | None) -> str:
        slug = data.names.name(PERSON, person).slug
        return data.link(which, PERSON, slug, days=days) if slug else ""

    return link


def lines(data: Data, tab: str) -> tuple[charts.LineChart | charts.ColumnChart, ...]:
    return tuple(line(data, key) for key in _LINES[tab])


def spreads(data: Data, metric: Metric, title: str) -> Spreads:
    """The metric, a time, by severity and by team, with the medians of the period before."""
    found = {
        dimension: (
            _spread_values(data, metric, dimension, now=True),
            _spread_values(data, metric, dimension, now=False),
        )
        for dimension in ("severity", "team")
    }
    tops = [value.p90 or 0 for now, _old in found.values() for value in now.values()]
    top = max(tops, default=0) * HEADROOM or 1.0

    def ranges(dimension: str, order: Sequence[int]) -> tuple[Range, ...]:
        now, old = found[dimension]
        return tuple(_range(data, metric, dimension, number, now[number], old.get(number), top) for number in order)

    by_name = sorted(found["team"][0], key=lambda number: data.names.name("team", number).label)
    return Spreads(
        title,
        ranges("severity", sorted(found["severity"][0])),
        ranges("team", by_name),
        _("0 to %(top)s") % {"top": charts.span_words(round(top))},
    )


def _spread_values(data: Data, metric: Metric, dimension: str, *, now: bool) -> dict[int, Spread]:
    columns = data.now() if now else data.old()
    values = counting.values_by(columns, dimension, metric, work=data.scope.work)
    return {number: value for number, value in values.items() if isinstance(value, Spread)}


def _range(
    data: Data, metric: Metric, dimension: str, number: int, now: Spread, old: Spread | None, top: float
) -> Range:
    before = old.median if old else None
    places: dict[str, str] = {}
    if now.median is not None and now.p90 is not None:
        places = {
            "median_at": _percent(now.median / top),
            "p90_at": _percent(now.p90 / top),
            "width": _percent((now.p90 - now.median) / top),
        }
    if before is not None:
        places["before_at"] = _percent(before / top)
    name = data.names.name(dimension, number)
    severity = dimension == "severity"

    def link(part: str, *, days: tuple[date, date] | None = None) -> str:
        return data.link(f"{metric.key}.{part}", dimension, name.slug, days=days)

    return Range(
        str(Severity(number).label) if severity else name.label,
        number if severity else None,
        link("done"),
        time_text(now.median),
        time_text(now.p90),
        time_text(before),
        now.done,
        now.waiting,
        link("waiting") if now.waiting else "",
        link("done", days=(data.before.first, data.before.last)) if before is not None else "",
        **places,
    )


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.4g}%"


def glossary() -> list[tuple[str | Promise, list[Metric]]]:
    """Every metric and everything else that is counted, with its definition, by tab."""
    every = (*METRICS.values(), *OTHERS.values())
    return [(TABS[group], [metric for metric in every if metric.group == group]) for group in Group]


COMPARED = ("acknowledge", "recover", "resolve", "escalated", "sla", "noise", "csat")


@dataclass(frozen=True, slots=True)
class Compared:
    """One cell: the number in words, and what leads to its incidents."""

    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups as rows, figures as columns; the first cell of a row is the number of its incidents."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Name, int | None, tuple[Compared, ...]], ...]


def comparison(data: Data, dimension: str) -> Comparison:
    """Every group of the dimension that has an incident in the period, the one with the most first."""
    columns = data.now()
    sizes = counting.counts_by(columns, dimension)
    metrics = [METRICS[key] for key in COMPARED]
    values = [counting.values_by(columns, dimension, metric, work=data.scope.work) for metric in metrics]
    rows = []
    for number in sorted(sizes, key=lambda one: (-sizes[one], data.names.name(dimension, one).label)):
        name = data.names.name(dimension, number)

        def link(which: str, slug: str = name.slug) -> str:
            return data.link(which, dimension, slug) if slug else ""

        cells = [Compared(str(sizes[number]), link("all"))]
        for metric, found in zip(metrics, values, strict=True):
            part = "yes" if metric.kind == Kind.SHARE else "done"
            cells.append(Compared(words_of(metric, found[number]), link(f"{metric.key}.{part}")))
        rows.append((name, number if dimension == "severity" else None, tuple(cells)))
    heads = (_("Incidents"), *(called(metric, work=data.scope.work) for metric in metrics))
    return Comparison(str(TITLES[dimension]), heads, tuple(rows))
