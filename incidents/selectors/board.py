"""Open incidents as cards in columns: by stage, by the team that owns them, or by person (R196).

What was handed over in the last hours says from whom to whom, read from the history of the incident: whatever way it went by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils.translation import gettext as _

from incidents.models import Incident, Stage
from incidents.querysets import IncidentQuerySet
from incidents.selectors.listing import NAMES, Row, in_tab, name_of, rows_of, with_names
from incidents.selectors.load import OPEN_AT_ONCE, carries
from oncall.models import Membership, Team, User
from oncall.permissions import responders

PER_COLUMN = 50
MOST_CARDS, FEWEST = 120, 10
"""With many columns each shows fewer, so that the page stays quick; none shows less than FEWEST."""
FULL_COLUMN = 200
MOST_ROWS = 2_000
"""So many numbers are read, the first of each column before the second ones: with a hundred people fifty of each were too many."""
COLUMNS = 12
"""How many columns are drawn; with more teams or people the fullest and one's own come first."""
FRESH = timedelta(hours=4)
"""For so long a card says that it was handed over."""
NOBODY = "nobody"
ENDED = ("resolved", "closed")


class By(StrEnum):
    STAGE = "stage"
    TEAM = "team"
    PERSON = "person"

    @property
    def field(self) -> str:
        """The incident's field whose values are the columns."""
        return {By.STAGE: "stage", By.TEAM: "team", By.PERSON: "owner"}[self]


@dataclass(frozen=True, slots=True)
class Handed:
    """Who had it before and who has it since ``at``; ``what`` is "team" or "person"."""

    what: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    row: Row
    handed: Handed | None = None

    @property
    def incident(self) -> Incident:
        return self.row.incident


@dataclass(frozen=True, slots=True)
class Column:
    """``pk`` is what the incidents hold, ``key`` what a form calls it. ``limit`` is how many its people carry, None where that is
    nobody's question."""

    pk: int | None
    key: str
    title: str
    total: int
    cards: Sequence[Card]
    limit: int | None = None
    person: User | None = None

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.total > self.limit

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.total >= self.limit

    @property
    def hidden(self) -> int:
        return self.total - len(self.cards)


@dataclass(frozen=True, slots=True)
class Board:
    """``left_out`` columns hold ``left_out_cards`` that are not drawn."""

    by: By
    columns: Sequence[Column]
    total: int
    left_out: int = 0
    left_out_cards: int = 0


def board_of(found: IncidentQuerySet, *, by: By, user: User, at: datetime, only: str = "") -> Board:
    """The open ones of ``found`` by column, each column worst first; ``only`` one of them, with more cards. Eight queries at most."""
    counts, numbers = _numbered(in_tab(found, "open"), by, most=FULL_COLUMN if only else PER_COLUMN)
    places = _places(by, user, counts)
    shown = [one for one in places if not only or one.key == only][:COLUMNS]
    filled = [one.pk for one in shown if one.total]
    most = FULL_COLUMN if only else min(max(MOST_CARDS // max(len(filled), 1), FEWEST), PER_COLUMN)
    cards = _cards([number for pk in filled for number in numbers[pk][:most]], by, at)
    columns = [replace(one, cards=cards.get(one.pk, ())) for one in shown]
    drawn = sum(column.total for column in columns)
    total = sum(counts.values())
    return Board(by, columns, total, 0 if only else len(places) - len(columns), 0 if only else total - drawn)


def _places(by: By, user: User, counts: Mapping[int | None, int]) -> list[Column]:
    """The columns there are, without their cards: one query, two for teams."""
    match by:
        case By.STAGE:
            stages = Stage.objects.exclude(key__in=ENDED).order_by("position")
            return [Column(one.pk, one.key, one.label, counts.get(one.pk, 0), ()) for one in stages]
        case By.TEAM:
            return _team_places(user, counts)
        case By.PERSON:
            return _person_places(user, counts)


def _team_places(user: User, counts: Mapping[int | None, int]) -> list[Column]:
    """Teams with something open, and the reader's own; one's own first."""
    teams = Team.objects.filter(Q(pk__in=[pk for pk in counts if pk]) | Q(memberships__user=user)).distinct()
    people = Membership.objects.filter(user__in=responders().order_by()).order_by().values_list("team")
    members = dict(people.annotate(carry=Sum(Coalesce("user__capacity_incidents", OPEN_AT_ONCE))))
    own = set(user.memberships.values_list("team", flat=True))
    made = [
        Column(one.pk, one.slug, one.name, counts.get(one.pk, 0), (), limit=members.get(one.pk, 0)) for one in teams
    ]
    return sorted(made, key=lambda column: (column.pk not in own, -column.total, column.title))


def _person_places(user: User, counts: Mapping[int | None, int]) -> list[Column]:
    """Nobody, oneself, then whoever owns something or responds in one's own teams; the fullest first."""
    mine = Q(memberships__team__in=user.memberships.values("team"))
    people = responders().filter(Q(pk__in=[pk for pk in counts if pk]) | mine).distinct()
    people = people.only(*NAMES, "capacity_incidents")
    made = [
        Column(one.pk, str(one.pk), one.name, counts.get(one.pk, 0), (), limit=carries(one), person=one)
        for one in people
    ]
    ordered = sorted(made, key=lambda column: (column.person != user, -column.total, column.title))
    return [Column(None, NOBODY, _("Nobody"), counts.get(None, 0), ()), *ordered]


def _numbered(
    found: IncidentQuerySet, by: By, *, most: int
) -> tuple[dict[int | None, int], dict[int | None, list[int]]]:
    """How many each column holds, and the numbers of its first ``most``: one query for all columns.

    A look for each column, joined by "or", made PostgreSQL walk through every incident there is; and so did asking for the rows
    themselves by this query, because nothing tells it how few they are.
    """
    # No column of an index: SQLite would follow that through everything there is, because it is in the order of the columns.
    columns = Coalesce(F(by.field), 0)
    place = Window(RowNumber(), partition_by=columns, order_by=("severity", "started_at", "pk"))
    held = Window(Count("pk"), partition_by=columns)
    first = found.annotate(place=place, held=held).filter(place__lte=most).order_by("place")
    counts: dict[int | None, int] = {}
    numbers: dict[int | None, list[int]] = defaultdict(list)
    for column, number, count in first.values_list(by.field, "pk", "held")[:MOST_ROWS]:
        counts[column] = count
        numbers[column].append(number)
    return counts, numbers


def _cards(numbers: Sequence[int], by: By, at: datetime) -> dict[int | None, list[Card]]:
    """The cards of these incidents by column, each column worst first: four queries."""
    chosen = with_names(Incident.objects.filter(pk__in=numbers), "service", "team", "owner", "stage")
    rows = rows_of(list(chosen.order_by("severity", "started_at", "pk")), at=at)
    handed = handed_over([row.incident.pk for row in rows], since=at - FRESH, at=at)
    cards: dict[int | None, list[Card]] = defaultdict(list)
    for row in rows:
        cards[getattr(row.incident, f"{by.field}_id")].append(Card(row, handed.get(row.incident.pk)))
    return cards


def handed_over(incidents: Iterable[int], *, since: datetime, at: datetime) -> dict[int, Handed]:
    """The last time each of ``incidents`` went from one team or person to another between the two instants: one query."""
    history: Any = Incident.history.model.objects
    touched = history.filter(id__in=list(incidents), history_date__gte=since, history_date__lte=at).values("id")
    people = tuple(f"owner__{name}" for name in NAMES)
    states = history.filter(id__in=touched).order_by("history_id")
    found: dict[int, Handed] = {}
    before: dict[int, Mapping[str, Any]] = {}
    for state in states.values("id", "history_date", "team_id", "team__name", "owner_id", *people):
        was = before.get(state["id"])
        before[state["id"]] = state
        if was is not None and state["history_date"] >= since and (moved := _handed(was, state)) is not None:
            found[state["id"]] = moved
    return found


def _handed(was: Mapping[str, Any], state: Mapping[str, Any]) -> Handed | None:
    """What one change handed over. Taking what nobody had, and giving it back, are no handing over."""
    at = state["history_date"]
    if was["team_id"] and was["team_id"] != state["team_id"]:
        return Handed("team", was["team__name"], state["team__name"], at)
    if was["owner_id"] and state["owner_id"] and was["owner_id"] != state["owner_id"]:
        return Handed("person", _owner(was), _owner(state), at)
    return None


def _owner(state: Mapping[str, Any]) -> str:
    return name_of(*(state[f"owner__{name}"] or "" for name in NAMES))
