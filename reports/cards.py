"""A card of a dashboard that somebody put together: what it counts, how it is drawn, by what. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from reports.figures.columns import DIMENSIONS, SMALL_DIMENSIONS
from reports.figures.definitions import METRICS, Kind

MOST = 24
TASKS, LATE, WORKED, ALERTS = WORK = ("tasks", "tasks_late", "worked", "alerts")
"""The work on incidents: tasks made, tasks that are late, time spent, and the alerts that came (``reports.work``)."""
COUNTED = ("incidents", "pages", *WORK)
"""What can be counted beside the metrics."""
TOLD = ("summary", "update", "standup")
"""What can be told in words (``reports.telling``)."""


class Drawn(StrEnum):
    NUMBER = "number"
    TIME = "time"
    LINE = "line"
    BAR = "bar"
    PIE = "pie"
    TABLE = "table"
    HOURS = "hours"
    WORDS = "words"


GROUPED = (Drawn.BAR, Drawn.PIE, Drawn.TABLE)
"""Drawn by a dimension."""


BY = (*DIMENSIONS, *SMALL_DIMENSIONS)
"""What incidents and pages alike are grouped by, and the work on incidents."""
ONLY = {
    "state": ("incidents",),
    "escalated": ("incidents",),
    "hours": ("pages",),
    "person": ("pages", TASKS, LATE, WORKED),
    "task_state": (TASKS, LATE),
}
"""What is grouped so alone (``reports.groupings``, ``reports.work``)."""
OWN = "custom_"
"""What begins so is the key of a question of the house's own; incidents are grouped by its answers."""


def groupable(metric: str, dimension: str) -> bool:
    """Whether ``metric`` can be grouped by ``dimension``."""
    counted = METRICS[metric].of if metric in METRICS else metric
    if dimension.startswith(OWN):
        return counted == "incidents"
    return dimension in BY or counted in ONLY.get(dimension, ())


def _is_time(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].kind == Kind.TIME


class CardInvalid(ValueError):
    """A card that cannot be drawn; ``field`` is what is at fault: kind, metric or dimension."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class CardSpec:
    """``metric`` is a key of METRICS, "incidents" or "pages", for words one of TOLD; ``dimension`` is empty where nothing is
    grouped."""

    kind: Drawn
    metric: str
    dimension: str = ""
    wide: bool = False

    def __post_init__(self) -> None:
        if self.metric not in (TOLD if self.kind == Drawn.WORDS else (*METRICS, *COUNTED)):
            raise CardInvalid("metric")
        if self.kind == Drawn.TIME and self.metric != WORKED and not _is_time(self.metric):
            raise CardInvalid("metric")
        if self.metric in WORK and (self.kind == Drawn.HOURS or (self.kind, self.metric) == (Drawn.LINE, LATE)):
            raise CardInvalid("metric")
        if self.kind == Drawn.PIE and self.metric in METRICS and METRICS[self.metric].kind != Kind.SHARE:
            raise CardInvalid("metric")
        if self.kind in GROUPED and not groupable(self.metric, self.dimension):
            raise CardInvalid("dimension")
        if self.kind not in GROUPED and self.dimension:
            raise CardInvalid("dimension")


def card_parse(document: Mapping[str, Any]) -> CardSpec:
    """The card a document describes. Raises CardInvalid."""
    try:
        kind = Drawn(str(document.get("kind", "")))
    except ValueError as error:
        raise CardInvalid("kind") from error
    dimension = str(document.get("dimension", "")) if kind in GROUPED else ""
    return CardSpec(kind, str(document.get("metric", "")), dimension, bool(document.get("wide", False)))


def cards_parse(documents: Iterable[Mapping[str, Any]]) -> tuple[CardSpec, ...]:
    """Those that can be drawn: a metric that is no longer there takes its card with it."""
    found = []
    for document in documents:
        try:
            found.append(card_parse(document))
        except CardInvalid:
            continue
    return tuple(found)


def cards_dump(cards: Iterable[CardSpec]) -> list[dict[str, Any]]:
    return [{**asdict(card), "kind": str(card.kind)} for card in cards]


def moved(cards: Sequence[CardSpec], place: int, by: int) -> tuple[CardSpec, ...]:
    """The card at ``place`` goes ``by`` places on; beyond the ends it stays at the end."""
    rest = [card for number, card in enumerate(cards) if number != place]
    rest.insert(min(max(place + by, 0), len(rest)), cards[place])
    return tuple(rest)


FIRST = (
    CardSpec(Drawn.NUMBER, "incidents"),
    CardSpec(Drawn.TIME, "acknowledge"),
    CardSpec(Drawn.NUMBER, "escalated"),
    CardSpec(Drawn.NUMBER, "sla"),
    CardSpec(Drawn.LINE, "resolve", wide=True),
)
"""What a new dashboard begins with."""
