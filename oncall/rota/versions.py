"""Versions of a schedule through time: an edit takes effect from an instant and never rewrites the past."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from oncall.rota.errors import RotaError
from oncall.rota.values import EARLIEST, LATEST, Group, Override, Rota, ScheduleKind, ScheduleSpec, Version


class Reign(NamedTuple):
    """The part of a range, in UTC, in which one version is in force."""

    start: datetime
    end: datetime
    spec: ScheduleSpec


def resolve(rota: Rota, *, since: datetime, until: datetime) -> tuple[Reign, ...]:
    """Which version is in force when, within the range; before the first one, none is.

    Of two versions from the same instant the one given later is in force. RotaError for an empty or naive range, or one
    that leaves the years 1900 to 2999.
    """
    since, until = checked_range(since, until)
    if isinstance(rota, ScheduleSpec):
        return (Reign(since, until, rota),)
    reigns: list[Reign] = []
    end = until
    latest_last = sorted(rota, key=itemgetter(0))
    for effective_from, spec in reversed(latest_last):
        start = max(since, effective_from.astimezone(UTC))
        if start < end:
            reigns.append(Reign(start, end, spec))
            end = start
        if end <= since:
            break
    return tuple(reversed(reigns))


def expand_follows(
    versions: Sequence[tuple[datetime, ScheduleSpec]],
    lookup: Callable[[str], Sequence[tuple[datetime, ScheduleSpec]]],
) -> tuple[Version, ...]:
    """The versions, with what a FOLLOW version follows put in its place while it is in force.

    ``lookup`` gives the versions of the schedule of that name. RotaError (code "follow_cycle") when following leads
    back to where it came from.
    """
    return _expanded(versions, lookup, ())


def expand_teams(
    versions: Sequence[tuple[datetime, ScheduleSpec]],
    lookup: Callable[[int], Sequence[tuple[datetime, Group]]],
) -> tuple[Version, ...]:
    """The versions, with the members a version's team had put in while it is in force.

    ``lookup`` gives who was in the team of that id, each time from an instant on; before the first, nobody was.
    """
    expanded: list[Version] = []
    for start, end, spec in resolve(versions, since=EARLIEST, until=LATEST):
        if spec.team is None:
            expanded.append(Version(start, spec))
            continue
        known = sorted(lookup(spec.team), key=itemgetter(0))
        before = [members for changed, members in known if changed <= start]
        expanded.append(Version(start, _with_members(spec, before[-1] if before else ())))
        expanded += [
            Version(changed.astimezone(UTC), _with_members(spec, members))
            for changed, members in known
            if start < changed < end
        ]
    return tuple(expanded)


def _with_members(spec: ScheduleSpec, more: Group) -> ScheduleSpec:
    return replace(spec, team=None, members=tuple(dict.fromkeys((*spec.members, *more))))


def stack_overrides(*sources: Sequence[Override]) -> tuple[Override, ...]:
    """Overrides of a followed schedule first, then its follower's: each source acts on what the ones before made."""
    in_turn = chain.from_iterable(sorted(source, key=acting_order) for source in sources)
    return tuple(replace(override, order=number) for number, override in enumerate(in_turn))


def acting_order(override: Override) -> int:
    """Sort key: overrides act in this order, equal ones as given."""
    return override.order


def checked_range(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The range in UTC; RotaError when it is naive, empty or out of the years the rota knows."""
    for field, moment in (("since", since), ("until", until)):
        if moment.tzinfo is None:
            raise RotaError("an instant has a zone", field=field, code="naive")
        if not EARLIEST <= moment <= LATEST:
            raise RotaError("the years from 1900 to 2999 can be asked about", field=field, code="out_of_range")
    if since >= until:
        raise RotaError("the end comes after the start", field="until", code="end_before_start")
    return since.astimezone(UTC), until.astimezone(UTC)


def _expanded(
    versions: Sequence[tuple[datetime, ScheduleSpec]],
    lookup: Callable[[str], Sequence[tuple[datetime, ScheduleSpec]]],
    path: tuple[str, ...],
) -> tuple[Version, ...]:
    expanded: list[Version] = []
    for start, end, spec in resolve(versions, since=EARLIEST, until=LATEST):
        if spec.kind is not ScheduleKind.FOLLOW:
            expanded.append(Version(start, spec))
            continue
        if spec.follows in path:
            chain_of_names = " → ".join((*path, spec.follows))
            raise RotaError(f"following goes round in a circle: {chain_of_names}", field="follows", code="follow_cycle")
        followed = _expanded(lookup(spec.follows), lookup, (*path, spec.follows))
        reigns = resolve(followed, since=start, until=end)
        if not reigns or reigns[0].start > start:
            # The follower says nothing until the schedule it follows exists, rather than what it said before.
            expanded.append(Version(start, ScheduleSpec(time_zone=spec.time_zone)))
        expanded.extend(Version(reign.start, reign.spec) for reign in reigns)
    return tuple(expanded)
