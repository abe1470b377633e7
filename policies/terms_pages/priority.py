"""The editor of the priority matrix: the form as it was sent, and the page it is drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from policies.definition import severity_name
from policies.priority import MAX_THRESHOLDS, SCALE, PriorityDef, level_label, priority_name
from policies.reading import Problem
from policies.terms_pages.rows import Row, Wrong, number_sent, numbered, rows_act, rows_sent

PREFIX = "h"
_BLANK: Row = {"at_percent": "", "raise_by": 1}


@dataclass(frozen=True, slots=True)
class Cell:
    """One priority to choose, and of what."""

    name: str
    value: object
    label: str
    wrong: str = ""

    @property
    def options(self) -> list[tuple[int, str, bool]]:
        return [(step, priority_name(step), step == self.value) for step in SCALE]

    @property
    def shown(self) -> str:
        return priority_name(self.value) if isinstance(self.value, int) else ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a scale: its number, its name as people read it, and the name of its own, if any."""

    name: str
    number: int
    label: str
    own: str
    usual: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    step: Step
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    name: str
    number: int
    at_percent: object
    raise_by: object
    wrong_percent: str
    wrong_raise: str


@dataclass(frozen=True, slots=True)
class PriorityPage:
    lines: Sequence[Line]
    urgencies: Sequence[Step]
    severities: Sequence[Cell]
    thresholds: Sequence[ThresholdRow]
    wrong: Sequence[Wrong]
    focus: str

    @property
    def steps(self) -> Sequence[Step]:
        return [*(line.step for line in self.lines), *self.urgencies]


def document_sent(data: QueryDict) -> dict[str, Any]:
    """The form as a document; `priority_parse` says what is wrong with it."""

    def number(name: str) -> int | str:
        return number_sent(data.get(name, ""))

    return {
        "impact": [data.get(f"impact-{step}", "").strip() for step in SCALE],
        "urgency": [data.get(f"urgency-{step}", "").strip() for step in SCALE],
        "matrix": [[number(f"m-{impact}-{urgency}") for urgency in SCALE] for impact in SCALE],
        "severity": [number(f"s-{severity}") for severity in SCALE],
        "thresholds": rows_sent(
            data,
            PREFIX,
            lambda name: {"at_percent": number(f"{name}-percent"), "raise_by": number(f"{name}-raise")},
            most=MAX_THRESHOLDS,
        ),
    }


def act(document: dict[str, Any], wanted: str) -> str:
    return rows_act({PREFIX: (document["thresholds"], _BLANK, "percent")}, wanted)


def page_of(document: dict[str, Any], problems: Sequence[Problem] = (), *, focus: str = "") -> PriorityPage:
    """``document`` has every member, as a dump and `document_sent` have."""
    said = {_element(problem): problem.message for problem in reversed(problems)}
    names = PriorityDef(tuple(document["impact"]), tuple(document["urgency"]))
    return PriorityPage(
        [
            Line(
                _step(names, "impact", impact, said),
                [
                    _cell(f"m-{impact}-{urgency}", document["matrix"][impact - 1][urgency - 1], said)
                    for urgency in SCALE
                ],
            )
            for impact in SCALE
        ],
        [_step(names, "urgency", urgency, said) for urgency in SCALE],
        [_cell(f"s-{severity}", document["severity"][severity - 1], said) for severity in SCALE],
        [_threshold(index, row, said) for index, row, _first, _last in numbered(document["thresholds"])],
        [Wrong(_element(problem), _where(problem), problem.message) for problem in problems],
        focus,
    )


def _step(names: PriorityDef, scale: str, number: int, said: dict[str, str]) -> Step:
    name = f"{scale}-{number}"
    own = str(getattr(names, scale)[number - 1])
    return Step(
        name,
        number,
        level_label(names, scale, number),
        own,
        level_label(PriorityDef(), scale, number),
        said.get(name, ""),
    )


def _cell(name: str, value: object, said: dict[str, str]) -> Cell:
    return Cell(name, value, _cell_label(name), said.get(name, ""))


def _cell_label(name: str) -> str:
    scale, *steps = name.split("-")
    if scale == "s":
        return _("Priority of %(severity)s") % {"severity": severity_name(int(steps[0]))}
    return _("Priority at impact %(impact)s and urgency %(urgency)s") % {"impact": steps[0], "urgency": steps[1]}


def _threshold(index: int, row: Row, said: dict[str, str]) -> ThresholdRow:
    name = f"{PREFIX}-{index}"
    return ThresholdRow(
        name,
        index + 1,
        row.get("at_percent", ""),
        row.get("raise_by", 1),
        said.get(f"{name}-percent", ""),
        said.get(f"{name}-raise", ""),
    )


def _element(problem: Problem) -> str:
    """The id of the element a problem belongs to."""
    match problem.keys:
        case ("impact" | "urgency" as scale, int(index), *_rest):
            return f"{scale}-{index + 1}"
        case ("matrix", int(row), int(column), *_rest):
            return f"m-{row + 1}-{column + 1}"
        case ("severity", int(index), *_rest):
            return f"s-{index + 1}"
        case ("thresholds", int(index), "raise_by", *_rest):
            return f"{PREFIX}-{index}-raise"
        case ("thresholds", int(index), *_rest):
            return f"{PREFIX}-{index}-percent"
    return "policy-form"


def _where(problem: Problem) -> str:
    match problem.keys:
        case ("impact", int(index), *_rest):
            return _("Impact %(number)d") % {"number": index + 1}
        case ("urgency", int(index), *_rest):
            return _("Urgency %(number)d") % {"number": index + 1}
        case ("thresholds", int(index), *_rest):
            return _("Threshold %(number)d") % {"number": index + 1}
        case ("matrix" | "severity", *_rest):
            element = _element(problem)
            return _cell_label(element) if element != "policy-form" else ""
    return ""
