"""Bars on a line of time, from what was planned and what happened since. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.scheduling.order import in_order

USUAL = timedelta(hours=1)
"""How long work is taken to last where nobody said."""
NOTHING = timedelta(0)


class State(StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One piece of work. ``made`` is when somebody wrote it down: where nothing is planned, it was meant from then on.

    ``waits`` are the keys it waits on; a part waits on what the whole waits on, and the whole is done when its parts are. ``begun`` and
    ``ended`` are what happened; work that was dropped has ended too. A milestone has no length.
    """

    key: int
    made: datetime
    start: datetime | None = None
    due: datetime | None = None
    length: timedelta | None = None
    waits: frozenset[int] = frozenset()
    part_of: int | None = None
    begun: datetime | None = None
    ended: datetime | None = None
    milestone: bool = False

    @property
    def state(self) -> State:
        if self.ended is not None:
            return State.DONE
        return State.DOING if self.begun is not None else State.TODO

    @property
    def lasts(self) -> timedelta:
        """How long it is meant to take."""
        if self.milestone:
            return NOTHING
        if self.length is not None:
            return max(self.length, NOTHING)
        if self.start is not None and self.due is not None and self.due > self.start:
            return self.due - self.start
        return USUAL


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a piece of work lies. ``held_by`` is the key of what it waits for, where nothing else keeps it from beginning earlier."""

    key: int
    state: State
    start: datetime
    end: datetime
    planned_start: datetime
    planned_end: datetime
    held_by: int | None = None

    @property
    def slip(self) -> timedelta:
        """How much later than planned it ends."""
        return max(self.end - self.planned_end, NOTHING)


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime
    held_by: int | None = None


def plan(works: Iterable[Work], *, at: datetime) -> dict[int, Bar]:
    """A bar for each piece of work, by key. Raises Circle where some of them wait for each other.

    What is waited on or part of something that is not among ``works`` is left out of account.
    """
    known = {work.key: work for work in works}
    parts = _parts(known)
    waits = {key: _waits(work, known) for key, work in known.items()}
    order = in_order({key: {*waits[key], *parts.get(key, ())} for key in known})
    planned: dict[int, _Span] = {}
    coming: dict[int, _Span] = {}
    for key in order:
        work, whole = known[key], parts.get(key, ())
        before = {one: planned[one].end for one in waits[key]}
        planned[key] = _as_planned(work, before, [planned[one] for one in whole])
        before = {one: coming[one].end for one in waits[key] if known[one].ended is None}
        coming[key] = _as_it_goes(work, planned[key], before, [coming[one] for one in whole], at)
    return {
        key: Bar(
            key,
            known[key].state,
            coming[key].start,
            coming[key].end,
            planned[key].start,
            planned[key].end,
            coming[key].held_by,
        )
        for key in known
    }


def _parts(known: Mapping[int, Work]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for work in known.values():
        if work.part_of is not None and work.part_of in known:
            found.setdefault(work.part_of, []).append(work.key)
    return found


def _waits(work: Work, known: Mapping[int, Work]) -> frozenset[int]:
    """What it waits on, and what the wholes it is part of wait on."""
    found, seen, one = set(work.waits), {work.key}, known.get(work.part_of or 0)
    while one is not None and one.key not in seen:
        found |= one.waits
        seen.add(one.key)
        one = known.get(one.part_of or 0)
    return frozenset(key for key in found if key in known)


def _as_planned(work: Work, before: Mapping[int, datetime], parts: list[_Span]) -> _Span:
    """Where people meant it to lie: what they wrote; else after what it waits on."""
    if parts:
        start = work.start or min(part.start for part in parts)
        return _Span(start, max(work.due or max(part.end for part in parts), start))
    if work.start is not None:
        return _Span(work.start, max(work.due or work.start + work.lasts, work.start))
    if work.due is not None:
        return _Span(work.due - work.lasts, work.due)
    start = max(before.values(), default=work.made)
    return _Span(start, start + work.lasts)


def _as_it_goes(work: Work, planned: _Span, before: Mapping[int, datetime], parts: list[_Span], at: datetime) -> _Span:
    """Where it will lie, as things stand; ``before`` are the ends of what it still waits on."""
    if work.ended is not None:
        return _Span(min(work.begun or planned.start, work.ended), work.ended)
    if parts:
        start = min(part.start for part in parts)
        last = max(part.end for part in parts)
        return _Span(start, last) if work.begun is None else _Span(min(work.begun, start), max(last, at))
    if work.begun is not None:
        return _Span(work.begun, max(work.begun + work.lasts, at))
    free = max(planned.start, at)
    holder = max(before, key=lambda key: (before[key], key), default=None)
    if holder is None or before[holder] <= free:
        return _Span(free, free + work.lasts)
    return _Span(before[holder], before[holder] + work.lasts, holder)
