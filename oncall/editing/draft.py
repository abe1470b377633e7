"""A schedule as it stands in the form: texts as typed, in the order of the page. Pure.

    form data → Draft (``draft_sent``) → form data (``sent_of``)

``documents`` leads from a draft to what is stored, and back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from oncall.rota import (
    PRIMARY,
    Every,
    HandoverPage,
    HolidayRule,
    ScheduleKind,
    WhenAbsent,
)
from oncall.rota_document.load import MOST_LAYERS, MOST_PARTICIPANTS, MOST_RESTRICTIONS, MOST_SHIFTS
from oncall.rota_document.words import WEEKDAYS

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
        return {
            int(text) for group in groups for text in group if text.isascii() and text.isdecimal() and len(text) < 19
        }


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
