"""What a plan would change, before it is saved: stretch by stretch, who was to be on call and who would be."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from oncall import ports, rota
from oncall.models import Schedule, User
from oncall.selectors import Loaded
from oncall.wording import role_words


@dataclass(frozen=True, slots=True)
class Change:
    """One role of one schedule from ``start`` to ``end`` (UTC): user ids before and after. Nobody after is a gap."""

    schedule: Schedule
    role: str
    start: datetime
    end: datetime
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def role_name(self) -> str:
        return role_words(self.role)

    @property
    def opens_gap(self) -> bool:
        return bool(self.before) and not self.after


@dataclass(frozen=True, slots=True)
class Line:
    """A change with the people in it, and the services that a gap would leave alone."""

    change: Change
    before: tuple[User, ...]
    after: tuple[User, ...]
    services: tuple[str, ...] = ()


def changes(before: Loaded, after: Loaded, *, since: datetime, until: datetime) -> list[Change]:
    """Where the two differ in the range, in order of start; neighbouring stretches that say the same are one."""
    if since >= until:
        return []
    then = before.shifts(since=since, until=until)
    now = after.shifts(since=since, until=until)
    found = []
    for role in dict.fromkeys(shift.role for shift in (*then, *now)):
        parts = _parts([one for one in then if one.role == role], [one for one in now if one.role == role])
        found += [
            Change(after.schedule, role, start, end, was, will)
            for start, end, was, will in parts
            if set(was) != set(will)
        ]
    return sorted(found, key=lambda one: one.start)


Part = tuple[datetime, datetime, tuple[int, ...], tuple[int, ...]]


def _parts(then: Sequence[rota.Shift], now: Sequence[rota.Shift]) -> Iterator[Part]:
    edges = sorted({edge for shift in (*then, *now) for edge in (shift.start, shift.end)})
    current: Part | None = None
    for start, end in pairwise(edges):
        was, will = _held(then, start), _held(now, start)
        if current is not None and current[1:] == (start, was, will):
            current = (current[0], end, was, will)
            continue
        if current is not None:
            yield current
        current = (start, end, was, will)
    if current is not None:
        yield current


def _held(shifts: Iterable[rota.Shift], at: datetime) -> tuple[int, ...]:
    return tuple(dict.fromkeys(shift.user_id for shift in shifts if shift.start <= at < shift.end))


def lines(found: Sequence[Change]) -> list[Line]:
    """With names, and with the services behind the gaps: a constant number of queries."""
    users = User.objects.in_bulk({pk for one in found for pk in (*one.before, *one.after)})
    holes = {one.schedule.pk for one in found if one.opens_gap}
    paths = ports.paths_of(holes)
    services = {pk: tuple(dict.fromkeys(name for path in paths.get(pk, ()) for name in path.services)) for pk in holes}
    return [
        Line(
            one,
            tuple(users[pk] for pk in one.before),
            tuple(users[pk] for pk in one.after),
            services.get(one.schedule.pk, ()) if one.opens_gap else (),
        )
        for one in found
    ]
