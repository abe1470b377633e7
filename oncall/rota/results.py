"""What the rota answers with. Instants are aware and in UTC; the end of a span is excluded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

UserId = int


class Why(StrEnum):
    """Why somebody is on call."""

    LAYER = "layer"
    OVERRIDE = "override"
    SWAP = "swap"
    COVER = "cover"
    """In place of a group that is absent."""
    HOLIDAY_COVER = "holiday_cover"
    """In place of a group that has a public holiday."""


class Cause(StrEnum):
    """Why nobody is on call, from the vaguest to the most telling."""

    UNASSIGNED = "unassigned"
    """No layer is in force: none is defined, or all begin later or have ended."""
    CLOSED = "closed"
    """A layer is in force but closed by its restrictions."""
    EMPTY_SLOT = "empty_slot"
    """It is the turn of an empty slot."""
    ABSENT = "absent"
    """Everybody who could serve the turn is away."""
    REMOVED = "removed"
    """An override took off whoever was on call."""


class Shift(NamedTuple):
    """One person on call from ``start`` to ``end`` (UTC, ``end`` excluded), and why.

    ``layer`` and ``turn`` name the turn served (turn 0 is the layer's first); an override that stands for no single
    turn (COVER, ADD) has neither. ``instead_of`` is the person an absence or a REPLACE override took off that turn.
    """

    user_id: UserId
    start: datetime
    end: datetime
    role: str
    why: Why
    layer: str = ""
    turn: int | None = None
    override_id: int | None = None
    instead_of: UserId | None = None

    @property
    def duration(self) -> timedelta:
        """Elapsed time."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Gap:
    """A role nobody holds from ``start`` to ``end`` (UTC, ``end`` excluded), and why."""

    start: datetime
    end: datetime
    role: str
    cause: Cause


class OverlapKind(StrEnum):
    """Several people who do not serve together hold one role, or one person holds several roles."""

    SAME_ROLE = "same_role"
    SAME_PERSON = "same_person"


@dataclass(frozen=True, slots=True)
class Overlap:
    """More people than needed, or one person where several are, from ``start`` to ``end`` (UTC, ``end`` excluded)."""

    start: datetime
    end: datetime
    kind: OverlapKind
    roles: tuple[str, ...]
    user_ids: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class Handoff:
    """The instant the people on call change. Each side lists (person, role)."""

    at: datetime
    outgoing: tuple[tuple[UserId, str], ...]
    incoming: tuple[tuple[UserId, str], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a range has somebody on call in ``role``."""

    role: str
    covered: timedelta
    total: timedelta

    @property
    def ratio(self) -> float:
        """From 0 to 1; an empty range is covered."""
        return self.covered / self.total if self.total else 1.0
