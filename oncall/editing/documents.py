"""From a draft of the form to the document that is stored, and back. Pure.

    Draft → document (``document_of``) → ``document_load``
    ScheduleSpec → Draft (``draft_of``)

The reader of documents has the last word on what is right; ``field_of`` says which field of the form a problem of the
document belongs to.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from oncall.editing.draft import Draft, LayerDraft, ShiftDraft, WindowDraft
from oncall.rota import Every, FixedShift, HandoverPage, LayerSpec, Restriction, ScheduleKind, ScheduleSpec
from oncall.rota_document.words import WEEKDAYS, duration_text

SHIFTS_SHOWN = 60
"""Fixed shifts beyond these, and those long over, travel in one field instead of a row each: a browser sends 1,000 at
most.
"""
TIMED = (Every.DAILY, Every.WEEKLY, Every.MONTHLY)
Keys = Sequence[str | int]


# --- from a schedule


def draft_of(spec: ScheduleSpec, *, name: str = "", team: str = "", since: datetime | None = None) -> Draft:
    """``since`` (local): fixed shifts that ended before it get no row."""
    return Draft(
        name=name,
        team=team,
        time_zone=spec.time_zone,
        kind=spec.kind.value,
        follow=spec.follows,
        everyone_team="" if spec.team is None else str(spec.team),
        holidays=spec.holidays.value,
        limit_pages="" if spec.limits.pages_per_shift is None else str(spec.limits.pages_per_shift),
        limit_consecutive=duration_text(spec.limits.consecutive) if spec.limits.consecutive else "",
        limit_rest=duration_text(spec.limits.rest) if spec.limits.rest else "",
        handover_minutes=str(int(spec.handover.window.total_seconds() // 60)) if spec.handover.window else "",
        handover_page=spec.handover.page.value if spec.handover.window else HandoverPage.BOTH.value,
        members=[str(user_id) for user_id in spec.members],
        layers=[_layer_of(layer, spec, since) for layer in spec.layers],
    )


def _layer_of(layer: LayerSpec, spec: ScheduleSpec, since: datetime | None) -> LayerDraft:
    listed = [_shift_of(shift) for shift in layer.fixed_shifts]
    over = sum(1 for shift in layer.fixed_shifts if since is not None and shift.end < since)
    return LayerDraft(
        name=layer.name,
        role=layer.role,
        time_zone="" if layer.time_zone == spec.time_zone else layer.time_zone,
        start=local_text(layer.start),
        end=local_text(layer.end),
        rotation=layer.rotation.value,
        every=str(layer.every),
        handoff_time=clock_text(layer.handoff_time),
        handoff_weekday="" if layer.handoff_weekday is None else WEEKDAYS[layer.handoff_weekday],
        handoff_day="" if layer.handoff_day is None else str(layer.handoff_day),
        when_absent=layer.when_absent.value,
        advance=layer.turns_advance_when_closed,
        turns=[[str(user_id) for user_id in group] for group in layer.participants],
        windows=_windows_of(layer.restrictions),
        shifts=listed[over : over + SHIFTS_SHOWN],
        kept=listed[:over] + listed[over + SHIFTS_SHOWN :],
    )


def _windows_of(restrictions: Sequence[Restriction]) -> list[WindowDraft]:
    """Neighbours that differ only in a later day share a row."""
    rows: list[WindowDraft] = []
    for window in restrictions:
        day = WEEKDAYS[window.weekday]
        end_day = "" if window.end_weekday is None else WEEKDAYS[window.end_weekday]
        times = (clock_text(window.start), clock_text(window.end), end_day)
        last = rows[-1] if rows else None
        if last and (last.start, last.end, last.end_day) == times and WEEKDAYS.index(last.days[-1]) < window.weekday:
            last.days.append(day)
        else:
            rows.append(WindowDraft([day], *times))
    return rows


def _shift_of(shift: FixedShift) -> ShiftDraft:
    return ShiftDraft(local_text(shift.start), local_text(shift.end), [str(user_id) for user_id in shift.group])


def local_text(moment: datetime | None) -> str:
    """As a date-and-time input wants it; seconds only where there are some."""
    return "" if moment is None else moment.isoformat(timespec="seconds" if moment.second else "minutes")


def clock_text(clock: time | None) -> str:
    return "" if clock is None else clock.isoformat("seconds" if clock.second else "minutes")


# --- to the document


def document_of(draft: Draft) -> dict[str, Any]:
    """What ``document_load`` reads. What does not go with the kind or the rotation chosen stays behind in the form."""
    document: dict[str, Any] = {"kind": draft.kind or None, "time_zone": draft.time_zone}
    if draft.kind == ScheduleKind.LAYERS:
        document["layers"] = [_layer_document(layer) for layer in draft.layers]
    if draft.kind == ScheduleKind.EVERYONE:
        document["members"] = [_number(text) for text in draft.members if text]
        document["everyone_in"] = _number(draft.everyone_team)
    if draft.kind == ScheduleKind.FOLLOW:
        document["follow"] = draft.follow
    document["holidays"] = draft.holidays
    document["limits"] = _present(
        pages_per_shift=_number(draft.limit_pages), consecutive=draft.limit_consecutive, rest=draft.limit_rest
    )
    if draft.handover_minutes:
        document["handover"] = _present(minutes=_number(draft.handover_minutes), page=draft.handover_page)
    required = ("time_zone", "follow")
    return {name: value for name, value in document.items() if name in required or value not in (None, "", [], {})}


def _present(**values: int | str) -> dict[str, int | str]:
    return {name: value for name, value in values.items() if value != ""}


def _layer_document(layer: LayerDraft) -> dict[str, Any]:
    fixed = layer.rotation == Every.FIXED
    document: dict[str, Any] = {
        "name": layer.name,
        "role": layer.role or None,
        "time_zone": layer.time_zone or None,
        "start": layer.start or None,
        "end": layer.end or None,
        "rotation": layer.rotation,
        "every": _number(layer.every) if layer.every and not fixed else None,
        "handoff": _handoff(layer),
        "participants": [_group(turn) for turn in layer.turns] or None,
        "restrictions": [window for row in layer.windows for window in _windows(row)] or None,
        "turns_advance_when_closed": layer.advance,
        "when_absent": layer.when_absent or None,
        "shifts": [
            {"start": shift.start, "end": shift.end, "participants": _group(shift.people)} for shift in _in_order(layer)
        ]
        or None
        if fixed
        else None,
    }
    return {name: value for name, value in document.items() if value is not None}


def _in_order(layer: LayerDraft) -> list[ShiftDraft]:
    """Rows and kept shifts by their start: whoever adds one need not find its place."""
    return sorted([*layer.kept, *layer.shifts], key=lambda shift: shift.start)


def _handoff(layer: LayerDraft) -> dict[str, Any] | None:
    parts = {
        "time": layer.handoff_time if layer.rotation in TIMED else "",
        "weekday": layer.handoff_weekday if layer.rotation == Every.WEEKLY else "",
        "day": _number(layer.handoff_day) if layer.rotation == Every.MONTHLY else "",
    }
    return {name: value for name, value in parts.items() if value != ""} or None


def _windows(row: WindowDraft) -> list[dict[str, Any]]:
    if row.end_day and row.days:
        return [{"start": f"{day} {row.start}", "end": f"{row.end_day} {row.end}"} for day in row.days]
    return [{"days": row.days, "start": row.start, "end": row.end}]


def _group(people: Sequence[str]) -> object:
    named = [_number(text) for text in people if text]
    return named[0] if len(named) == 1 else named


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


# --- which field a problem belongs to

_HANDOFF_FIELDS = {"time": "handoff_time", "weekday": "handoff_weekday", "day": "handoff_day"}


def field_of(keys: Keys, draft: Draft) -> str:
    """The name of the form's field that a problem at ``keys`` of the document belongs to; "" for the whole."""
    match tuple(keys):
        case ("layers", int(number), *rest) if number < len(draft.layers):
            return f"layer-{number}-{_layer_field(tuple(rest), draft.layers[number])}"
        case ("layers", *_):
            return "layers"
        case ("members", *_):
            return "member"
        case ("everyone_in", *_):
            return "everyone_team"
        case ("limits", str(part), *_):
            return f"limit_{part.removesuffix('_per_shift')}"
        case ("handover", str(part), *_):
            return f"handover_{part}"
        case (str(name), *_) if name in ("time_zone", "kind", "follow", "holidays"):
            return name
    return ""


def _layer_field(keys: tuple[Any, ...], layer: LayerDraft) -> str:
    match keys:
        case ("handoff", str(part), *_):
            return _HANDOFF_FIELDS.get(part, "handoff_time")
        case ("handoff", *_):
            return "handoff_time"
        case ("participants", int(number), *_):
            return f"turn-{number}"
        case ("participants", *_):
            return "turns"
        case ("restrictions", int(number), *rest):
            return f"window-{_window_of(number, layer)}-{_window_field(rest)}"
        case ("shifts", int(number), *rest):
            return _shift_field(number, rest, layer)
        case ("turns_advance_when_closed", *_):
            return "advance"
        case (str(name), *_) if name in ("restrictions", "shifts"):
            return {"restrictions": "windows", "shifts": "shifts"}[name]
        case (str(name), *_):
            return name
    return "name"


def _window_of(number: int, layer: LayerDraft) -> int:
    """The row a restriction of the document stems from."""
    for row, window in enumerate(layer.windows):
        number -= len(_windows(window))
        if number < 0:
            return row
    return max(len(layer.windows) - 1, 0)


def _window_field(keys: Sequence[Any]) -> str:
    return str(keys[0]) if keys and keys[0] in ("days", "start", "end") else "start"


def _shift_field(number: int, keys: Sequence[Any], layer: LayerDraft) -> str:
    shift = _in_order(layer)[number]
    row = next((row for row, one in enumerate(layer.shifts) if one is shift), None)
    if row is None:
        return "shifts"
    name = keys[0] if keys and keys[0] in ("start", "end") else "people"
    return f"shift-{row}-{name}"
