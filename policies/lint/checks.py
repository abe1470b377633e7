"""What the linter looks for in one definition."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from policies.definition import (
    CRITICAL,
    PLACE_KINDS,
    MeasuredFrom,
    PolicyDef,
    TargetDef,
    TargetKind,
    Timeout,
    policy_vacancies,
    policy_warnings,
)
from policies.lint.times import Walk, walked
from policies.lint.values import ENOUGH_INCIDENTS, Code, Context, Finding, Measured
from policies.severity import Severity

_FAR = 4
"""A timer of more than so many times what nearly everybody needs is far from it."""
_MINUTES_THAT_MATTER = 600


def lint_definition(definition: PolicyDef, context: Context) -> list[Finding]:
    """What is wrong with `definition` in the world that `context` describes, worst first."""
    walk = walked(definition)
    found = [
        *_targets(definition, context),
        *_levels(definition, context, walk),
        *_channels(definition, context),
        *_end(definition, context, walk),
        *_loops(definition, context),
        *_never_entered(definition, context),
        *_passed_timers(definition, context, walk),
        *_measured(definition, context),
        *_vacancies(definition, context),
        *_repeats(definition, context),
    ]
    return sorted(found, key=lambda finding: (finding.weight, finding.place, finding.code.value, finding.about))


def _level(definition: PolicyDef, index: int) -> dict[str, Any]:
    return {"number": index + 1, "level": definition.levels[index].name}


def _finding(context: Context, code: Code, place: str = "", **data: Any) -> Finding:
    return Finding(code, context.about, place, {"policy": context.policy, **data})


def _targets(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """References to what does not exist (any more): in levels, at the end."""
    places = [
        (f"levels.{index}.targets.{number}", _level(definition, index), target)
        for index, level in enumerate(definition.levels)
        for number, target in enumerate(level.targets)
    ]
    places += [(f"catch_all.{number}", {}, target) for number, target in enumerate(definition.catch_all)]
    if definition.final is not None:
        places.append(("final.target", {}, definition.final.target))
    if definition.overseer is not None:
        places.append(("overseer", {}, definition.overseer))
    for place, level, target in places:
        if target.ref is not None and not any(context.of(target, team).known for team in context.teams):
            yield _finding(context, Code.UNKNOWN_TARGET, place, **level, target=str(target.ref))
        elif target.kind in PLACE_KINDS and not context.of(target, context.teams[0]).open:
            yield _finding(context, Code.PLACE_CLOSED, place, **level, target=context.named(target))


def _levels(definition: PolicyDef, context: Context, walk: Walk) -> Iterator[Finding]:
    """Levels that nobody, one person or everybody stands behind, and people in them who cannot be told."""
    told: set[int] = set()
    for index, level in enumerate(definition.levels):
        data = _level(definition, index)
        lasts = walk.lasts(index)
        last = index == len(definition.levels) - 1
        behind = {team: _people(level.targets, context, team) for team in context.teams}
        usable = {team: [one for one in people if _usable(context, one)] for team, people in behind.items()}
        place = f"levels.{index}"
        if empty := [team for team, people in usable.items() if not people]:
            names = list(filter(None, map(context.named, level.targets)))
            teams = list(filter(None, empty))
            # A place that is told keeps the level in force, and somebody who reads there may answer: that is not nobody.
            code = Code.PLACES_ONLY if _tells_a_place(level.targets, context) else Code.EMPTY_LEVEL
            yield _finding(context, code, place, **data, targets=names, teams=teams, last=last)
        if alone := next((people[0] for people in usable.values() if len(people) == 1), None):
            name = context.people[alone].name
            yield _finding(context, Code.SINGLE_PERSON, place, **data, name=name, seconds=lasts, last=last)
        at_once = max(sum(context.of(target, team).at_once for target in level.targets) for team in context.teams)
        at_once = min(at_once, max(len(people) for people in behind.values()))
        if at_once > context.everyone:
            yield _finding(context, Code.EVERYONE, place, **data, count=at_once)
        for person in sorted({one for people in behind.values() for one in people} - told):
            found = context.people.get(person)
            if found is None or _usable(context, person):
                continue
            told.add(person)
            yield Finding(
                Code.UNREACHABLE_PERSON,
                f"user:{person}",
                f"{context.about}.{place}",
                {"policy": context.policy, **data, "name": found.name, "active": found.active, "seconds": lasts},
            )


def _channels(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """Levels that name channels which nothing sends by here, or which somebody on them does not have."""
    for index, level in enumerate(definition.levels):
        named = [way.value for way in level.channels]
        data = {**_level(definition, index), "channels": named}
        place = f"levels.{index}.channels"
        if not named:
            continue
        if not set(named) & set(context.sendable):
            yield _finding(context, Code.CHANNELS_UNSENT, place, **data)
            continue
        behind = {one for team in context.teams for one in _people(level.targets, context, team)}
        lacking = [one for one in sorted(behind) if _usable(context, one) and not _has(context, one, named)]
        if lacking:
            people = [context.people[one].name for one in lacking]
            yield _finding(context, Code.CHANNELS_LACKED, place, **data, people=people, count=len(people))


def _has(context: Context, person: int, named: Collection[str]) -> bool:
    return any(kind in named for kind in context.people[person].kinds)


def _tells_a_place(targets: Iterable[TargetDef], context: Context) -> bool:
    found = (context.of(target, context.teams[0]) for target in targets if target.kind in PLACE_KINDS)
    return any(reach.known and reach.open for reach in found)


def _people(targets: Iterable[TargetDef], context: Context, team: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one for target in targets for one in context.of(target, team).people))


def _usable(context: Context, person: int) -> bool:
    found = context.people.get(person)
    return found is not None and found.active and found.reachable


def _end(definition: PolicyDef, context: Context, walk: Walk) -> Iterator[Finding]:
    """Where the ladder ends and nobody of its own is named for what then."""
    last = [*definition.catch_all, *([definition.final.target] if definition.final else [])]
    for team in context.teams:
        if any(_usable(context, one) for one in _people(last, context, team)):
            continue
        named = list(filter(None, map(context.named, last)))
        yield _finding(
            context, Code.DEAD_END, "catch_all", seconds=walk.ends, named=named, administrators=context.administrators
        )
        return


def _loops(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """Policies whose first levels hand over to each other in a circle. The engine takes one step of it and stops."""
    for index, level in enumerate(definition.levels):
        for number, target in enumerate(level.targets):
            if target.kind is not TargetKind.POLICY or not isinstance(target.ref, str):
                continue
            if circle := _circle(target.ref, definition, context, begins=index == 0):
                place = f"levels.{index}.targets.{number}"
                yield _finding(context, Code.LOOP, place, **_level(definition, index), circle=circle)


def _circle(first: str, definition: PolicyDef, context: Context, *, begins: bool) -> list[str]:
    """The way through `first` into a circle of first levels; empty where there is none. `begins` is whether it starts in
    the first level of this policy, which is then part of the way."""
    own = tuple(str(target.ref) for target in definition.levels[0].targets if target.kind is TargetKind.POLICY)
    waiting: list[tuple[str, list[str]]] = [(first, [context.slug] if begins else [])]
    seen: set[str] = set()
    while waiting:
        slug, way = waiting.pop()
        if slug in way:
            return [*way, slug]
        if slug in seen:
            continue
        seen.add(slug)
        after = own if slug == context.slug else context.first_levels.get(slug, ())
        waiting += [(one, [*way, slug]) for one in after]
    return []


def _never_entered(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """Levels below the one at which every severity begins."""
    lowest = min(definition.first_level_for(severity) for severity in Severity.values)
    for index in range(min(lowest, len(definition.levels) - 1)):
        yield _finding(
            context, Code.NEVER_ENTERED, f"levels.{index}", **_level(definition, index), informed=definition.inform_skipped
        )  # fmt: skip


def _passed_timers(definition: PolicyDef, context: Context, walk: Walk) -> Iterator[Finding]:
    """Timeouts that count from the start and have passed when their level is reached: the core counts them anew."""
    for index, level in enumerate(definition.levels):
        entered = walk.entered.get(index, 0)
        timeouts = (("ack_timeout", level.ack_timeout), ("resolve_timeout", level.resolve_timeout))
        for name, timeout in timeouts:
            if timeout is None or timeout.measured_from is not MeasuredFrom.START or timeout.seconds > entered:
                continue
            yield _finding(
                context,
                Code.TIMER_PASSED,
                f"levels.{index}.{name}",
                **_level(definition, index),
                seconds=timeout.seconds,
                entered=entered,
            )


def _measured(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """Timers against what people really needed: the first level's acknowledgement, the first resolution timeout."""
    first = definition.levels[0]
    yield from _timer(
        context,
        (Code.ACK_TIMER_SHORT, Code.ACK_TIMER_LONG),
        (first.ack_timeout, context.acknowledge),
        "levels.0.ack_timeout",
        _level(definition, 0),
    )
    for index, level in enumerate(definition.levels):
        if level.resolve_timeout is not None:
            yield from _timer(
                context,
                (Code.RESOLVE_TIMER_SHORT, Code.RESOLVE_TIMER_LONG),
                (level.resolve_timeout, context.resolve),
                f"levels.{index}.resolve_timeout",
                _level(definition, index),
            )
            return


def _timer(
    context: Context,
    codes: tuple[Code, Code],
    times: tuple[Timeout | None, Measured | None],
    place: str,
    data: dict[str, Any],
) -> Iterator[Finding]:
    timeout, measured = times
    if timeout is None or measured is None or measured.number < ENOUGH_INCIDENTS:
        return
    if timeout.measured_from is MeasuredFrom.BEFORE_SLA:
        return
    figures = {
        "seconds": timeout.seconds,
        "median": round(measured.median),
        "p90": round(measured.p90),
        "incidents": measured.number,
    }
    if measured.median > timeout.seconds:
        yield _finding(context, codes[0], place, **data, **figures)
    elif timeout.seconds > max(_FAR * measured.p90, measured.p90 + _MINUTES_THAT_MATTER):
        yield _finding(context, codes[1], place, **data, **figures)


def _vacancies(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """All vacant cells of the RACI map as one finding: it is mended at one go."""
    vacant = policy_vacancies(definition)
    if not vacant:
        return
    cells = [[int(one.keys[1]) + 1, str(one.keys[3]) if len(one.keys) > 3 else ""] for one in vacant]
    yield _finding(context, Code.RACI_VACANT, "raci", cells=cells)


def _repeats(definition: PolicyDef, context: Context) -> Iterator[Finding]:
    """What `policy_warnings` warns of, as findings: told again where nothing is critical, or never told again at all."""
    for problem in policy_warnings(definition):
        place = ".".join(str(key) for key in problem.keys)
        if problem.keys == ("cycles",):
            others = _not_critical(definition.cycle_severities or tuple(Severity.values))
            yield _finding(context, Code.CYCLES_NOT_CRITICAL, place, severities=others, cycles=definition.cycles)
            continue
        index = int(problem.keys[1])
        repeat = definition.levels[index].repeat
        if repeat is None:
            continue
        data = {**_level(definition, index), "every": repeat.every_seconds, "times": repeat.times}
        if problem.keys[-1] == "severities":
            severities = _not_critical(repeat.severities)
            yield _finding(context, Code.REPEATS_NOT_CRITICAL, place, **data, severities=severities)
        else:
            yield _finding(context, Code.REPEATS_CUT, place, **data)


def _not_critical(severities: Iterable[int]) -> list[int]:
    return [severity for severity in severities if severity not in CRITICAL]
