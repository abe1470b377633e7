"""Policies as JSON."""

from __future__ import annotations

from typing import Any

from policies.definition.values import LevelDef, PolicyDef, TargetDef, Timeout
from policies.durations import duration_text


def policy_dump(policy: PolicyDef) -> dict[str, Any]:
    """The JSON form of `policy`, in full (defaults too) and always the same for the same policy.

    `policy_parse` reads it back to an equal value.
    """
    return {
        "levels": [_level_dump(level) for level in policy.levels],
        "cycles": policy.cycles,
        "catch_all": [_target_dump(target) for target in policy.catch_all],
        "mitigated_satisfies_resolution": policy.mitigated_satisfies_resolution,
    }


def _target_dump(target: TargetDef) -> dict[str, Any]:
    return {"kind": target.kind.value, "ref": target.ref, "role": target.role.value if target.role else None}


def _timeout_dump(timeout: Timeout | None) -> dict[str, Any] | None:
    if timeout is None:
        return None
    return {"after": duration_text(timeout.seconds), "measured_from": timeout.measured_from.value}


def _level_dump(level: LevelDef) -> dict[str, Any]:
    return {
        "name": level.name,
        "duty": level.duty,
        "start": {
            "delay": duration_text(level.start.delay_seconds),
            "measured_from": level.start.measured_from.value,
        },
        "targets": [_target_dump(target) for target in level.targets],
        "ack_timeout": _timeout_dump(level.ack_timeout),
        "resolve_timeout": _timeout_dump(level.resolve_timeout),
        "ack_mode": level.ack_mode.value,
    }
