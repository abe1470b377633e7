"""Policies as JSON.

What came with format 1 is always written; what came later is written where it says something, so that a document
stored before is still the one that its policy gives, and no policy changes by being published again.
"""

from __future__ import annotations

from typing import Any

from policies.definition.values import (
    BySeverity,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    LevelDef,
    Pick,
    PolicyDef,
    Repeat,
    TargetDef,
    Timeout,
)
from policies.durations import duration_text

UNTIL_ANSWERED = "until_answered"
OWN = "own"
"""Over whichever channels each person chose: what a level without channels means too, and so it is never written."""


def policy_dump(policy: PolicyDef) -> dict[str, Any]:
    """The JSON form of `policy`, always the same for the same policy. `policy_parse` reads it back to an equal value."""
    data: dict[str, Any] = {
        "levels": [_level_dump(level) for level in policy.levels],
        "cycles": policy.cycles,
        "catch_all": [target_dump(target) for target in policy.catch_all],
        "mitigated_satisfies_resolution": policy.mitigated_satisfies_resolution,
    }
    if policy.cycle_severities:
        data["cycle_severities"] = [severity_name(severity) for severity in policy.cycle_severities]
    if policy.starts_at:
        data["starts_at"] = {severity_name(severity): level + 1 for severity, level in policy.starts_at}
    if not policy.inform_skipped:
        data["inform_skipped"] = False
    if policy.final is not None:
        data["final"] = _final_dump(policy.final)
    if policy.ack_expires_seconds is not None:
        data["ack_expires"] = duration_text(policy.ack_expires_seconds)
    if policy.overseer is not None:
        data["overseer"] = target_dump(policy.overseer)
    return data


def severity_name(severity: int) -> str:
    """ "SEV-1": the name of a severity in documents, the same in every language."""
    return f"SEV-{severity}"


def target_dump(target: TargetDef) -> dict[str, Any]:
    data = {"kind": target.kind.value, "ref": target.ref, "role": target.role.value if target.role else None}
    if target.up:
        data["up"] = target.up
    if target.pick is not Pick.ALL:
        data["pick"] = target.pick.value
    return data


def _timeout_dump(timeout: Timeout | None) -> dict[str, Any] | None:
    if timeout is None:
        return None
    return {
        "after": duration_text(timeout.seconds),
        "measured_from": timeout.measured_from.value,
        **_finer(timeout),
    }


def _entry_dump(entry: Entry) -> dict[str, Any]:
    return {"delay": duration_text(entry.delay_seconds), "measured_from": entry.measured_from.value, **_finer(entry)}


def _finer(duration: Timeout | Entry) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if duration.by_severity:
        data["by_severity"] = _durations_dump(duration.by_severity)
    if duration.hours is not Hours.ALL:
        data["hours"] = duration.hours.value
    if duration.otherwise_seconds is not None:
        data["otherwise"] = duration_text(duration.otherwise_seconds)
    return data


def _durations_dump(by_severity: BySeverity) -> dict[str, str]:
    return {severity_name(severity): duration_text(seconds) for severity, seconds in by_severity}


def _repeat_dump(repeat: Repeat) -> dict[str, Any]:
    return {
        "every": duration_text(repeat.every_seconds),
        "times": UNTIL_ANSWERED if repeat.times is None else repeat.times,
        "severities": [severity_name(severity) for severity in repeat.severities],
    }


def _final_dump(final: Final) -> dict[str, Any]:
    return {
        "target": target_dump(final.target),
        "every": duration_text(final.every_seconds),
        "times": final.times,
    }


def _level_dump(level: LevelDef) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": level.name,
        "duty": level.duty,
        "start": _entry_dump(level.start),
        "targets": [target_dump(target) for target in level.targets],
        "ack_timeout": _timeout_dump(level.ack_timeout),
        "resolve_timeout": _timeout_dump(level.resolve_timeout),
        "ack_mode": level.ack_mode.value,
    }
    if level.repeat is not None:
        data["repeat"] = _repeat_dump(level.repeat)
    if level.if_unreachable is not IfUnreachable.NEXT_LEVEL:
        data["if_unreachable"] = level.if_unreachable.value
    if level.major:
        data["major"] = True
    if level.channels:
        data["channels"] = [way.value for way in level.channels]
    if level.raci is not None:
        data["raci"] = {
            "responsible": [target_dump(target) for target in level.raci.responsible],
            "accountable": target_dump(level.raci.accountable),
            "consulted": [target_dump(target) for target in level.raci.consulted],
            "informed": [target_dump(target) for target in level.raci.informed],
        }
    return data
