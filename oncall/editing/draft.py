"""A schedule as it stands in the form: texts as typed, in the order of the page. Pure.

    form data → Draft → document (``document_of``) → ``document_load``
    ScheduleSpec → Draft (``draft_of``) → form data

The reader of documents has the last word on what is right; ``field_of`` says which field of the form a problem of the
document belongs to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Protocol

from oncall.rota import (
    PRIMARY,
    Every,
    FixedShift,
    HandoverPage,
    HolidayRule,
    LayerSpec,
    Restriction,
    ScheduleKind,
    ScheduleSpec,
    WhenAbsent,
)
from oncall.rota_document.load import MOST_LAYERS, MOST_PARTICIPANTS, MOST_RESTRICTIONS, MOST_SHIFTS
from oncall.rota_document.words import WEEKDAYS, duration_text

SHIFTS_SHOWN = 60
"""Fixed shifts beyond these, and those long over, travel in one field instead of a row each: a browser sends 1,000 at
most.
"""
TIMED = (Every.DAILY, Every.WEEKLY, Every.MONTHLY)
SCHEDULE_PLAIN = (
    "name",
    "team",
    "time_zone",
    "kind",
    "follow",
    "everyone_team",
    "holidays",
    "limit_pages",
    "limit_consecutive",
    "limit_rest",
    "handover_minutes",
    "handover_page",
)
PLAIN = (
    "name",
    "role",
    "time_zone",
    "start",
    "end",
    "rotation",
    "every",
    "handoff_time",
    "handoff_weekday",
    "handoff_day",
    "when_absent",
)
"""Fields of the schedule, and of a layer, that are one text each."""
Keys = Sequence[str | int]


class Sent(Protocol):
    """What a form sends: a QueryDict, or anything that reads like one."""

    def get(self, name: str, default: str, /) -> str: ...

    def getlist(self, name: str, /) -> list[str]: ...

    def __contains__(self, name: str, /) -> bool: ...


@dataclass(slots=True)
class WindowDraft:
    """One row of opening hours. ``end_day`` is a weekday's name, or "" for the next time the clock shows ``end``."""

    days: list[str] = field(default_factory=list)
    start: str = ""
    end: str = ""
    end_day: str = ""


@dataclass(slots=True)
class ShiftDraft:
    start: str = ""
    end: str = ""
    people: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LayerDraft:
    """One rotation. ``turns`` are people's ids in groups; an empty group is a turn nobody serves."""

    name: str = ""
    role: str = PRIMARY
    time_zone: str = ""
    start: str = ""
    end: str = ""
    rotation: str = Every.WEEKLY.value
    every: str = "1"
    handoff_time: str = ""
    handoff_weekday: str = ""
    handoff_day: str = ""
    when_absent: str = WhenAbsent.NEXT.value
    advance: bool = True
    turns: list[list[str]] = field(default_factory=list)
    windows: list[WindowDraft] = field(default_factory=list)
    shifts: list[ShiftDraft] = field(default_factory=list)
    kept: list[ShiftDraft] = field(default_factory=list)
    """Fixed shifts the page shows no row for."""


@dataclass(slots=True)
class Draft:
    name: str = ""
    team: str = ""
    time_zone: str = "UTC"
    kind: str = ScheduleKind.LAYERS.value
    follow: str = ""
    everyone_team: str = ""
    holidays: str = HolidayRule.COVER.value
    limit_pages: str = ""
    limit_consecutive: str = ""
    limit_rest: str = ""
    handover_minutes: str = ""
    handover_page: str = HandoverPage.BOTH.value
    members: list[str] = field(default_factory=list)
    layers: list[LayerDraft] = field(default_factory=list)

    def people(self) -> set[int]:
        """Everybody it names, by id."""
        groups = [self.members]
        for layer in self.layers:
            groups += [*layer.turns, *(shift.people for shift in (*layer.shifts, *layer.kept))]
        return {int(text) for group in groups for text in group if text.isascii() and text.isdecimal()}


# --- from the form


def draft_sent(data: Sent) -> Draft:
    return Draft(
        **{name: data.get(name, "").strip() for name in SCHEDULE_PLAIN},
        members=_people(data, "member"),
        layers=[_layer_sent(data, f"layer-{number}") for number in _rows(data, "layer-{}-name", MOST_LAYERS)],
    )


def _layer_sent(data: Sent, prefix: str) -> LayerDraft:
    def text(name: str) -> str:
        return data.get(f"{prefix}-{name}", "").strip()

    return LayerDraft(
        **{name: text(name) for name in PLAIN},
        advance=f"{prefix}-advance" in data,
        turns=[
            _people(data, f"{prefix}-turn-{number}") for number in _rows(data, f"{prefix}-turn-{{}}", MOST_PARTICIPANTS)
        ],
        windows=[
            WindowDraft(
                days=[day for day in WEEKDAYS if day in data.getlist(f"{prefix}-window-{number}-days")],
                start=text(f"window-{number}-start"),
                end=text(f"window-{number}-end"),
                end_day=text(f"window-{number}-end_day"),
            )
            for number in _rows(data, f"{prefix}-window-{{}}-start", MOST_RESTRICTIONS)
        ],
        shifts=[
            ShiftDraft(
                text(f"shift-{number}-start"),
                text(f"shift-{number}-end"),
                _people(data, f"{prefix}-shift-{number}-people"),
            )
            for number in _rows(data, f"{prefix}-shift-{{}}-start", MOST_SHIFTS)
        ],
        kept=_kept_read(data.get(f"{prefix}-kept", "")),
    )


def _rows(data: Sent, pattern: str, most: int) -> Iterable[int]:
    """The numbers of the rows that were sent; one more than allowed, so that the reader of documents can say so."""
    for number in range(most + 1):
        if pattern.format(number) not in data:
            return
        yield number


def _people(data: Sent, name: str) -> list[str]:
    return [text for text in data.getlist(name) if text]


def kept_text(shifts: Iterable[ShiftDraft]) -> str:
    """Shifts without a row, one a line: "2026-01-05T09:00 2026-01-06T09:00 7,12"."""
    return "\n".join(f"{one.start} {one.end} {','.join(one.people)}".rstrip() for one in shifts)


def _kept_read(text: str) -> list[ShiftDraft]:
    parts = [line.split() for line in text.splitlines()[: MOST_SHIFTS + 1] if line.strip()]
    return [
        ShiftDraft(line[0], line[1] if len(line) > 1 else "", line[2].split(",") if len(line) > 2 else [])
        for line in parts
    ]


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


def sent_of(draft: Draft) -> Mapping[str, list[str]]:
    """What the browser sends back for the draft as the page shows it."""
    sent = {name: [str(getattr(draft, name))] for name in SCHEDULE_PLAIN}
    sent["member"] = list(draft.members) or [""]
    for number, layer in enumerate(draft.layers):
        sent |= {f"layer-{number}-{name}": values for name, values in _layer_to_send(layer).items()}
    return sent


def _layer_to_send(layer: LayerDraft) -> dict[str, list[str]]:
    sent = {name: [str(getattr(layer, name))] for name in PLAIN}
    sent["kept"] = [kept_text(layer.kept)]
    if layer.advance:
        sent["advance"] = ["on"]
    for number, people in enumerate(layer.turns):
        sent[f"turn-{number}"] = list(people) or [""]
    for number, window in enumerate(layer.windows):
        sent[f"window-{number}-days"] = list(window.days)
        for name in ("start", "end", "end_day"):
            sent[f"window-{number}-{name}"] = [getattr(window, name)]
    for number, shift in enumerate(layer.shifts):
        sent[f"shift-{number}-start"], sent[f"shift-{number}-end"] = [shift.start], [shift.end]
        sent[f"shift-{number}-people"] = list(shift.people) or [""]
    return sent
