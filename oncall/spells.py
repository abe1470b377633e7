"""Spells of duty: how long people feel on call, whatever turns and short pauses the rota makes of it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from oncall import rota

PAUSE = timedelta(days=4)
"""Closed hours up to a long weekend end nobody's spell, as long as nobody else has the role meanwhile."""


class Spell(NamedTuple):
    """One person in one role from ``start`` to ``end`` (UTC, ``end`` excluded), pauses included."""

    start: datetime
    end: datetime
    user_id: int
    role: str


@dataclass(frozen=True, slots=True)
class Relief:
    """Somebody comes on call: after whom (None: nobody within sight, or they join others who stay)."""

    spell: Spell
    outgoing: int | None


def spells(shifts: Iterable[rota.Shift]) -> tuple[Spell, ...]:
    """The spells that ``shifts`` come to, in order of start. A change of turn to the same person begins none."""
    by_role: dict[str, list[Spell]] = {}
    for shift in sorted(shifts, key=lambda shift: (shift.start, shift.user_id)):
        by_role.setdefault(shift.role, []).append(Spell(shift.start, shift.end, shift.user_id, shift.role))
    return tuple(sorted(spell for held in by_role.values() for spell in _joined(held)))


def _joined(held: Sequence[Spell]) -> list[Spell]:
    """One role's stretches, those of the same person joined over turns and pauses."""
    found: dict[int, list[Spell]] = {}
    for one in held:
        own = found.setdefault(one.user_id, [])
        if own and (one.start <= own[-1].end or _pauses(own[-1], one, held)):
            own[-1] = own[-1]._replace(end=max(own[-1].end, one.end))
        else:
            own.append(one)
    return [spell for own in found.values() for spell in own]


def _pauses(before: Spell, after: Spell, held: Sequence[Spell]) -> bool:
    """Whether nobody has the role between the two, for no longer than a pause."""
    if after.start - before.end > PAUSE:
        return False
    return not any(other.start < after.start and other.end > before.end for other in held)


def reliefs(found: Sequence[Spell], *, after: datetime, at: datetime) -> list[Relief]:
    """Who comes on call after ``after`` and no later than ``at``, and whom they follow; ``found`` reaches back before."""
    return [Relief(spell, _outgoing(spell, found)) for spell in found if after < spell.start <= at]


def _outgoing(spell: Spell, found: Sequence[Spell]) -> int | None:
    same = [other for other in found if other.role == spell.role and other.user_id != spell.user_id]
    leaving = [other.user_id for other in same if other.end == spell.start]
    if leaving:
        coming = sorted(other.user_id for other in found if (other.role, other.start) == (spell.role, spell.start))
        return sorted(leaving)[min(coming.index(spell.user_id), len(leaving) - 1)]
    if any(other.start < spell.start < other.end for other in same):
        return None
    earlier = [other for other in same if other.end < spell.start]
    return max(earlier, key=lambda other: other.end).user_id if earlier else None


def endings(found: Sequence[Spell], *, after: datetime, at: datetime) -> list[Spell]:
    """The spells that end after ``after`` and no later than ``at``."""
    return [spell for spell in found if after < spell.end <= at]


def follower(spell: Spell, found: Sequence[Spell]) -> Spell | None:
    """Who has the role when ``spell`` ends, else who comes next in it."""
    later = [other for other in found if other.role == spell.role and other.end > spell.end and other != spell]
    return min(later, key=lambda other: (max(other.start, spell.end), other.user_id)) if later else None


def moved(shifts: Sequence[rota.Shift], *, after: datetime, at: datetime) -> bool:
    """Whether anything begins or ends after ``after`` and no later than ``at``: most minutes, nothing does."""
    return any(after < shift.start <= at or after < shift.end <= at for shift in shifts)
