"""Gaps in words: to mend, known to somebody who accepted them, or over."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from escalation_site.ui import durations
from oncall import rota
from oncall.models import GapAcceptance
from oncall.selectors import Loaded
from oncall.wording import cause_words, role_words


class GapState(StrEnum):
    OPEN = "open"
    KNOWN = "known"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class GapText:
    """A stretch in which nobody holds a role, and why, in words. ``accepted`` says by whom it may stay so."""

    start: datetime
    end: datetime
    role: str
    role_name: str
    length: str
    why: str
    state: GapState
    accepted: GapAcceptance | None = None
    elsewhere: str = ""
    """The times on the other clock, for a page that shows two."""


def gap_texts(
    item: Loaded, *, since: datetime, until: datetime, at: datetime, acceptances: Collection[GapAcceptance]
) -> tuple[GapText, ...]:
    """The gaps of a range, cut where an acceptance of the schedule begins or ends."""
    own = sorted((one for one in acceptances if one.schedule_id == item.schedule.pk), key=lambda one: one.start)
    return tuple(
        _text(piece, accepted, at)
        for gap in item.gaps(since=since, until=until)
        for piece, accepted in pieces(gap, own)
    )


def pieces(gap: rota.Gap, acceptances: Collection[GapAcceptance]) -> Iterator[tuple[rota.Gap, GapAcceptance | None]]:
    """The gap cut into what ``acceptances`` (in order of start) cover and what they leave."""
    reached = gap.start
    for one in acceptances:
        start, end = max(one.start, reached), min(one.end, gap.end)
        if one.role != gap.role or start >= end:
            continue
        if reached < start:
            yield replace(gap, start=reached, end=start), None
        yield replace(gap, start=start, end=end), one
        reached = end
    if reached < gap.end:
        yield replace(gap, start=reached), None


def _text(gap: rota.Gap, accepted: GapAcceptance | None, at: datetime) -> GapText:
    state = GapState.PAST if gap.end <= at else GapState.KNOWN if accepted else GapState.OPEN
    return GapText(
        gap.start,
        gap.end,
        gap.role,
        role_words(gap.role),
        durations.in_two_units((gap.end - gap.start).total_seconds()),
        cause_words(gap.cause),
        state,
        accepted,
    )
