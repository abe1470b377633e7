"""From a ScheduleSpec back to its document."""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from itertools import groupby
from typing import Any

from oncall.rota import (
    PRIMARY,
    Every,
    Group,
    HolidayRule,
    LayerSpec,
    Limits,
    Restriction,
    ScheduleSpec,
    UserId,
    WhenAbsent,
)
from oncall.rota.values import NO_HANDOVER, NO_LIMITS
from oncall.rota_document.words import WEEKDAYS, duration_text, time_text

NameUser = Callable[[UserId], str | UserId]


def document_dump(
    spec: ScheduleSpec, *, name_user: NameUser | None = None, name_team: NameUser | None = None
) -> dict[str, Any]:
    """The document (JSON values only) that ``document_load`` reads back to an equal spec; always the same for the same.

    People and teams are written as ids, or as what ``name_user`` and ``name_team`` make of them. What is as by default is
    left out.
    """
    named = name_user or _itself
    document: dict[str, Any] = {"kind": spec.kind.value, "time_zone": spec.time_zone}
    if spec.layers:
        document["layers"] = [_layer(layer, spec, named) for layer in spec.layers]
    if spec.members:
        document["members"] = [named(user) for user in spec.members]
    if spec.team is not None:
        document["everyone_in"] = (name_team or _itself)(spec.team)
    if spec.follows:
        document["follow"] = spec.follows
    if spec.holidays is not HolidayRule.COVER:
        document["holidays"] = spec.holidays.value
    if spec.limits != NO_LIMITS:
        document["limits"] = _limits(spec.limits)
    if spec.handover != NO_HANDOVER:
        minutes = int(spec.handover.window.total_seconds() // 60)
        document["handover"] = {"minutes": minutes, "page": spec.handover.page.value}
    return document


def _limits(limits: Limits) -> dict[str, Any]:
    written = {
        "pages_per_shift": limits.pages_per_shift,
        "consecutive": limits.consecutive and duration_text(limits.consecutive),
        "rest": limits.rest and duration_text(limits.rest),
    }
    return {field: value for field, value in written.items() if value is not None}


def _layer(layer: LayerSpec, spec: ScheduleSpec, named: NameUser) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": layer.name,
        "role": None if layer.role == PRIMARY else layer.role,
        "time_zone": None if layer.time_zone == spec.time_zone else layer.time_zone,
        "start": _local_text(layer.start),
        "end": None if layer.end is None else _local_text(layer.end),
        "rotation": layer.rotation.value,
        "every": None if layer.every == 1 else layer.every,
        "handoff": _handoff(layer),
        "participants": [_group(group, named) for group in layer.participants] or None,
        "restrictions": _restrictions(layer.restrictions) or None,
        "turns_advance_when_closed": None if layer.turns_advance_when_closed else False,
        "when_absent": None if layer.when_absent is WhenAbsent.NEXT else layer.when_absent.value,
        "shifts": [
            {
                "start": _local_text(shift.start),
                "end": _local_text(shift.end),
                "participants": _group(shift.group, named),
            }
            for shift in layer.fixed_shifts
        ]
        or None,
    }
    return {field: value for field, value in written.items() if value is not None}


def _handoff(layer: LayerSpec) -> str | dict[str, Any] | None:
    clock, weekday, day = layer.handoff_time, layer.handoff_weekday, layer.handoff_day
    if clock is None:
        parts = {"weekday": None if weekday is None else WEEKDAYS[weekday], "day": day}
        return {field: value for field, value in parts.items() if value is not None} or None
    if layer.rotation is Every.MONTHLY and day is not None:
        return f"{day} {time_text(clock)}"
    return _day_and_time(weekday, clock)


def _restrictions(restrictions: Sequence[Restriction]) -> list[dict[str, Any]]:
    """Neighbours that differ only in their day share an entry."""
    written: list[dict[str, Any]] = []
    for (start, end, end_weekday), alike in groupby(
        restrictions, key=lambda window: (window.start, window.end, window.end_weekday)
    ):
        days = [window.weekday for window in alike]
        if end_weekday is None:
            # Seven names at most in one entry, as in a week.
            weeks = [days[first : first + 7] for first in range(0, len(days), 7)]
            written += [
                {"days": [WEEKDAYS[day] for day in week], "start": time_text(start), "end": time_text(end)}
                for week in weeks
            ]
        else:
            closing = _day_and_time(end_weekday, end)
            written += [{"start": _day_and_time(day, start), "end": closing} for day in days]
    return written


def _group(group: Group, named: NameUser) -> str | UserId | list[str | UserId]:
    return named(group[0]) if len(group) == 1 else [named(user) for user in group]


def _day_and_time(weekday: int | None, clock: time) -> str:
    return time_text(clock) if weekday is None else f"{WEEKDAYS[weekday]} {time_text(clock)}"


def _local_text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def _itself(user_id: UserId) -> str | UserId:
    return user_id
