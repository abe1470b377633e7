"""The rows of the incident list, and its counts.

Whatever the list is asked for, the work is bounded: counts stop at ``COUNTED``, pages end there, and what would be looked up row by row
(next steps, how well words match) is left out of the order beyond that.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.formats import number_format

from incidents.filters import EVERY, best_first, in_order
from incidents.hours import Hours
from incidents.models import EscalationRun, Incident, Page
from incidents.querysets import IncidentQuerySet
from incidents.search import rank, wanted
from incidents.selectors.checkpoints import asked_about
from incidents.selectors.steps import Standing, standing_of

TABS = ("open", "triggered", "acknowledged", "resolved")
COUNTED = 10_000
"""Beyond this many a list says "more", and nobody pages further."""
QUICK = 1_000
"""The quick filters' counts stop here: that there is more than a screen shows is all they are read for, and counting ten thousand of a
team's among a million, with another filter, read a tenth of them."""
RANKED = 1_000
"""Beyond this many matches words are no order any more."""
RELATED = ("service", "team", "owner", "reporter", "stage", "resolved_by")
NAMES = ("username", "first_name", "last_name")
"""What a person's name is made of; see ``name_of``."""
_SHOWN = {
    "service": ("name", "policy", "calendar"),
    "team": ("name",),
    "stage": ("name",),
    **dict.fromkeys(("owner", "reporter", "resolved_by"), NAMES),
}
"""What rows and cards show of the things that an incident names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One incident, where it stands, and who was told on the level in force."""

    incident: Incident
    standing: Standing
    told: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one state; ``total`` counts all of them, not only this page's, and stops one beyond ``COUNTED``. ``more`` says that
    there are more than were looked up."""

    state: str
    total: int
    rows: Sequence[Row]
    more: bool = False

    @property
    def count(self) -> str:
        return count_text(self.total, more=self.more)


def count_text(count: int, *, more: bool = False, most: int = COUNTED) -> str:
    """ "10,000+" where counting stopped, at ``most``; a plus also where ``more`` were not looked up."""
    if more and count <= most:
        return f"{number_format(count, force_grouping=True)}+"
    return f"{number_format(most, force_grouping=True)}+" if count > most else str(count)


def counted(sets: Mapping[str, QuerySet[Any]], *, quick: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """How many rows each of these holds, one beyond ``COUNTED`` at most, and ``QUICK`` of those of ``quick``: one query for all."""
    parts: list[str] = []
    params: list[Any] = []
    counts = dict.fromkeys((*sets, *quick), 0)
    asked = []
    for name, found in (*sets.items(), *quick.items()):
        limited = found.order_by().values("pk")[: (QUICK if name in quick else COUNTED) + 1]
        try:
            sql, own = limited.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            continue
        asked.append(name)
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS part_{len(parts)})")  # noqa: S608  Django's own SQL
        params += own
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", params)
            counts |= dict(zip(asked, cursor.fetchone(), strict=True))
    return counts


def tab_counts(
    incidents: IncidentQuerySet, others: Mapping[str, QuerySet[Any]], *, narrowed: bool = False
) -> dict[str, int]:
    """How many of ``incidents`` each tab holds, and how many rows ``others`` hold, counted no further than ``QUICK``: one query.
    ``narrowed`` as for ``sorted_in``."""
    tabs = {
        state.value: in_tab_narrowed(incidents, state.value) if narrowed else in_tab(incidents, state.value)
        for state in Incident.State
    }
    counts = counted(tabs, quick=others)
    return {"open": counts["triggered"] + counts["acknowledged"], **counts}


def tab_counts_named(incidents: IncidentQuerySet, tab: str, chosen: Q, others: Mapping[str, Q]) -> dict[str, int]:
    """As ``tab_counts`` of those of ``incidents`` that are ``chosen``, and how many of a tab's are each of ``others``, where the numbers
    of ``incidents`` are known, so that counting all of them once takes less than a look for each count."""
    parts = {state.value: Count("pk", filter=_tab_is(state.value) & chosen) for state in Incident.State}
    parts |= {name: Count("pk", filter=_tab_is(tab) & one) for name, one in others.items()}
    counts = incidents.order_by().aggregate(**parts)
    found = {name: min(number, (QUICK if name in others else COUNTED) + 1) for name, number in counts.items()}
    return {"open": found["triggered"] + found["acknowledged"], **found}


def in_tab(incidents: IncidentQuerySet, tab: str) -> IncidentQuerySet:
    """Those of ``incidents`` that belong to a tab. What is over has the instant, and nothing else has: it is asked for, as the lists'
    indexes are (``IncidentQuerySet.unresolved``)."""
    return incidents.filter(_tab_is(tab))


def _tab_is(tab: str) -> Q:
    if tab == EVERY:
        return Q()
    if tab == "resolved":
        return Q(resolved_at__isnull=False)
    return Q(resolved_at=None) if tab == "open" else Q(resolved_at=None, state=tab)


def counts_by_number(tab: str) -> bool:
    """Whether it matters how many a tab holds for how they are found best: on SQLite, which knows nothing of what it has."""
    return connection.vendor == "sqlite" and tab == "resolved"


def in_tab_narrowed(incidents: IncidentQuerySet, tab: str, *, many: bool = False) -> IncidentQuerySet:
    """As ``in_tab`` where filters narrow ``incidents``: what is open, and of ``many`` also what is over, is gone through in the order of
    its index and each is held against the filters.

    SQLite takes any value of a column for a rare one: it gathered the 990,000 that are closed by the index of the stages to count how many
    of them are open, and sorted all of a customer's for one page.
    """
    if connection.vendor != "sqlite" or tab == EVERY or (counts_by_number(tab) and not many):
        return in_tab(incidents, tab)
    return in_tab(Incident.objects.all(), tab).filter(Exists(incidents.order_by().filter(pk=OuterRef("pk"))))


def sorted_in(
    incidents: IncidentQuerySet,
    *,
    tab: str,
    sort: str,
    total: int,
    words: str = "",
    inside: bool = False,
    named: bool = False,
    narrowed: bool = False,
) -> QuerySet[Incident]:
    """The incidents of a tab in order: as the reader asked, else by how well they answer to the words that were looked for. ``named``
    are told by their numbers; ``narrowed`` says that filters leave some out."""
    found = in_tab_narrowed(incidents, tab, many=total > COUNTED) if narrowed else in_tab(incidents, tab)
    if words and not sort and total <= RANKED and (asked := wanted(words)):
        return best_first(found, words, rank(asked, inside=inside))
    return in_order(found, sort, tab=tab, many=total > COUNTED, named=named)


def loaded(ids: Sequence[int]) -> list[Incident]:
    """These incidents with what a row shows of them, in this order: one query. Numbers are sorted before rows are read, so that a list
    of many does not drag their texts along."""
    by_id = with_names(Incident.objects.all(), *RELATED).in_bulk(ids)
    return [by_id[pk] for pk in ids if pk in by_id]


def with_names(found: IncidentQuerySet, *related: str) -> IncidentQuerySet:
    """``found`` with what is shown of the ``related`` things: a person has forty columns, and a board names a hundred."""
    own = (field.name for field in Incident._meta.concrete_fields)
    return found.select_related(*related).only(*own, *(f"{one}__{name}" for one in related for name in _SHOWN[one]))


def rows_of(incidents: Sequence[Incident], *, at: datetime) -> list[Row]:
    """Rows for incidents whose service, team and owner are loaded: two queries more, and one where any has no run."""
    open_ids = [incident.pk for incident in incidents if incident.is_open]
    runs = {
        run.incident_id: run
        for run in EscalationRun.objects.filter(incident__in=open_ids, superseded=False).select_related(
            "policy_version"
        )
    }
    told, hours = _told(list(runs.values())), Hours()
    asked = asked_about(incident for incident in incidents if incident.is_open and incident.pk not in runs)
    return [
        Row(
            incident,
            standing_of(incident, runs.get(incident.pk), at=at, asked=asked.get(incident.pk), hours=hours),
            told.get(runs[incident.pk].pk, ()) if incident.pk in runs else (),
        )
        for incident in incidents
    ]


def _told(runs: Sequence[EscalationRun]) -> dict[int, list[str]]:
    """The names of those who were paged on the level in force, by run."""
    if not runs:
        return {}
    pages = Page.objects.filter(run__in=[run.pk for run in runs], level=F("run__level"), cycle=F("run__cycle"))
    people = tuple(f"recipient__{name}" for name in NAMES)
    names: dict[int, list[str]] = defaultdict(list)
    for run, *person in pages.order_by("id").values_list("run", *people):
        names[run].append(name_of(*person))
    return names


def name_of(username: str, first: str, last: str) -> str:
    """A person's name, as ``User.name`` says it, where only these were read."""
    return f"{first} {last}".strip() or username


def grouped(rows: Sequence[Row], counts: Mapping[str, int], *, more: bool = False) -> list[Group]:
    """Rows under their states, in the order they came; ``more`` of them were not looked up."""
    by_state: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_state[row.incident.state].append(row)
    return [Group(state, counts.get(state, len(own)), own, more) for state, own in by_state.items()]
