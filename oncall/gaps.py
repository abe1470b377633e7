"""The gaps an edit opens: time in which somebody was to be on call and, once it is saved, nobody is."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from oncall import rota

if TYPE_CHECKING:
    from oncall.selectors import Loaded

HORIZON = timedelta(weeks=8)
FARTHEST = timedelta(days=366)
"""An edit may be planned this far ahead; the horizon counts from when it takes effect."""

Span = tuple[datetime, datetime]


class GapsOpened(DomainError):
    """The edit would leave nobody on call where somebody was, on a path in use; ``gaps`` names when.

    Saving goes through once whoever edits accepts that (``accept_gaps``).
    """

    default_code = "gaps_opened"

    def __init__(self, gaps: Sequence[rota.Gap]) -> None:
        super().__init__(
            _("This change leaves nobody on call where somebody was. Mend it, or accept it with a reason."),
            field="accept_gaps",
        )
        self.gaps = tuple(gaps)


def gaps_opened(
    before: "Loaded", after: "Loaded", *, at: datetime, horizon: timedelta = HORIZON
) -> tuple[rota.Gap, ...]:
    """The gaps of ``after`` in roles that ``before`` had somebody for at that time, in order of start.

    Only from ``at`` on: what is over is never nagged about. A role that ``after`` no longer has is a gap wherever
    somebody held it. Where ``before`` says nothing at all yet, every gap of ``after`` counts. Looks ``horizon`` past
    the instant the newest version takes effect.
    """
    newest = max((version.effective_from for version in after.versions), default=at)
    until = min(max(at, newest), at + FARTHEST) + horizon
    found = after.gaps(since=at, until=until)
    if not before.versions:
        return tuple(found)
    held, still = (_held(item.shifts(since=at, until=until)) for item in (before, after))
    opened = [
        rota.Gap(start, end, gap.role, gap.cause)
        for gap in found
        for start, end in _common((gap.start, gap.end), held.get(gap.role, ()))
    ]
    named: dict[str, list[Span]] = {role: list(spans) for role, spans in still.items()}
    for gap in found:
        named.setdefault(gap.role, []).append((gap.start, gap.end))
    opened += [
        rota.Gap(start, end, role, rota.Cause.UNASSIGNED)
        for role, spans in held.items()
        for span in spans
        for start, end in _left(span, named.get(role, ()))
    ]
    return tuple(sorted(opened, key=lambda gap: (gap.start, gap.role)))


def _held(shifts: Iterable[rota.Shift]) -> dict[str, tuple[Span, ...]]:
    """When each role has somebody, whoever that is, as unbroken stretches in order."""
    found: dict[str, list[Span]] = {}
    for shift in sorted(shifts, key=lambda shift: shift.start):
        spans = found.setdefault(shift.role, [])
        if spans and shift.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], shift.end))
        else:
            spans.append((shift.start, shift.end))
    return {role: tuple(spans) for role, spans in found.items()}


def _common(span: Span, others: Iterable[Span]) -> Iterator[Span]:
    for other in others:
        start, end = max(span[0], other[0]), min(span[1], other[1])
        if start < end:
            yield start, end


def _left(span: Span, taken: Iterable[Span]) -> Iterator[Span]:
    """The parts of ``span`` outside all of ``taken``."""
    start, end = span
    for other_start, other_end in sorted(taken):
        if other_end <= start or other_start >= end:
            continue
        if start < other_start:
            yield start, other_start
        start = max(start, other_end)
    if start < end:
        yield start, end
