"""What is allowed in a policy and still deserves a second look."""

from __future__ import annotations

from django.utils.translation import gettext as _

from policies.definition.dumping import severity_name
from policies.definition.values import CRITICAL, Hours, LevelDef, MeasuredFrom, PolicyDef
from policies.durations import duration_text
from policies.reading import Problem
from policies.severity import Severity


def policy_warnings(policy: PolicyDef) -> tuple[Problem, ...]:
    """What `policy_parse` accepts in `policy` though it is seldom meant, each with the path of its field."""
    found: list[Problem] = []
    for index, level in enumerate(policy.levels):
        found += [Problem(("levels", index, *keys), message) for keys, message in _level_warnings(level)]
    others = _not_critical(policy.cycle_severities or tuple(Severity.values))
    if policy.cycles > 1 and others:
        message = _("People are told again for %(severities)s: a single pass is enough where nothing is critical.")
        found.append(Problem(("cycles",), message % {"severities": others}))
    return tuple(found)


def policy_vacancies(policy: PolicyDef) -> tuple[Problem, ...]:
    """The cells of the RACI map that nobody fills. What must be filled where a map is given, `policy_parse` sees to."""
    found: list[Problem] = []
    for index, level in enumerate(policy.levels):
        keys = ("levels", index, "raci")
        if level.raci is None:
            found.append(Problem(keys, _("Nobody is named who is responsible and who is accountable for this level.")))
            continue
        if not level.raci.consulted:
            found.append(Problem((*keys, "consulted"), _("Nobody is named who is consulted.")))
        if not level.raci.informed:
            found.append(Problem((*keys, "informed"), _("Nobody is named who is informed.")))
    return tuple(found)


def _level_warnings(level: LevelDef) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    if level.repeat is None:
        return found
    if others := _not_critical(level.repeat.severities):
        message = _("People are told again for %(severities)s: a single pass is enough where nothing is critical.")
        found.append((("repeat", "severities"), message % {"severities": others}))
    for severity in level.repeat.severities:
        fits = _repeats_that_fit(level, severity)
        if fits is not None and level.repeat.times is not None and fits < level.repeat.times:
            message = _(
                "At %(severity)s only %(fits)d of %(times)d repeats come before the level ends after %(time)s."
            ) % {
                "severity": severity_name(severity),
                "fits": fits,
                "times": level.repeat.times,
                "time": duration_text(_length(level, severity) or 0),
            }
            found.append((("repeat", "times"), message))
            break
    return found


def never_repeats(level: LevelDef) -> bool:
    """Whether the level ends before its first repeat, whatever the severity."""
    repeat = level.repeat
    if repeat is None or not repeat.severities:
        return False
    return all(_repeats_that_fit(level, severity) == 0 for severity in repeat.severities)


def _repeats_that_fit(level: LevelDef, severity: int) -> int | None:
    """How many repeats come before the level's own time is over; None where that hangs on more than the level."""
    length = _length(level, severity)
    if level.repeat is None or length is None:
        return None
    return (length - 1) // max(level.repeat.every_seconds, 1)


def _length(level: LevelDef, severity: int) -> int | None:
    timeout = level.ack_timeout or level.resolve_timeout
    if timeout is None or timeout.measured_from is not MeasuredFrom.LEVEL or timeout.hours is not Hours.ALL:
        return None
    return timeout.seconds_for(severity)


def _not_critical(severities: tuple[int, ...]) -> str:
    return ", ".join(severity_name(severity) for severity in severities if severity not in CRITICAL)
