"""The draft as the templates draw it: rows with their controls, words and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from policies.conditions import OPERATORS, FactDef, Join, Kind, Operator, Shape, Vocabulary, operator_label
from policies.conditions.values import MAX_DEPTH, Day
from policies.conditions_form.draft import NO, YES, CheckDraft, GroupDraft, WindowDraft

_SELECTED = mark_safe(" selected")
Option = tuple[str, str, bool]
"""Value, words, chosen."""
Offers = Mapping[str, Sequence[tuple[str, str]]]
"""What may be chosen for a fact whose values are rows of a database, by the fact's name: key and words."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What all rows of a form have in common. `errors` are sentences by the name of the row."""

    vocabulary: Vocabulary
    offers: Offers
    errors: Mapping[str, Sequence[str]]
    focus: str
    drawn: dict[str, SafeString] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowRow:
    name: str
    number: int
    days: tuple[Option, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check. `control` names the part of the template that draws its right side."""

    name: str
    number: int
    is_first: bool
    is_last: bool
    draft: CheckDraft
    fact: FactDef | None
    facts: SafeString
    operators: tuple[Option, ...]
    control: str
    options: tuple[Option, ...]
    suggestions: tuple[tuple[str, str], ...]
    windows: tuple[WindowRow, ...]
    errors: Sequence[str]
    is_group: bool = False

    @property
    def said(self) -> str:
        """How its buttons call it."""
        return _("condition %(number)d") % {"number": self.number}


@dataclass(frozen=True, slots=True)
class GroupRow:
    name: str
    number: int
    is_first: bool
    is_last: bool
    joins: tuple[Option, ...]
    rows: tuple[CheckRow | GroupRow, ...]
    errors: Sequence[str]
    may_nest: bool
    is_group: bool = True

    @property
    def said(self) -> str:
        return _("group %(number)d") % {"number": self.number}


def page_of(draft: GroupDraft, prefix: str, rows: Rows) -> GroupRow:
    """The whole condition."""
    return _group(draft, prefix, rows, number=1, among=1, depth=1)


def _group(draft: GroupDraft, name: str, rows: Rows, *, number: int, among: int, depth: int) -> GroupRow:
    return GroupRow(
        name=name,
        number=number,
        is_first=number == 1,
        is_last=number == among,
        joins=tuple((join.value, words, join.value == draft.join) for join, words in _joins()),
        rows=tuple(
            _group(part, f"{name}-{index}", rows, number=index + 1, among=len(draft.parts), depth=depth + 1)
            if isinstance(part, GroupDraft)
            else _check(part, f"{name}-{index}", rows, number=index + 1, among=len(draft.parts))
            for index, part in enumerate(draft.parts)
        ),
        errors=rows.errors.get(name, ()),
        may_nest=depth < MAX_DEPTH,
    )


def _joins() -> tuple[tuple[Join, str], ...]:
    return (
        (Join.ALL, _("All of these hold")),
        (Join.ANY, _("At least one of these holds")),
        (Join.NONE, _("None of these holds")),
    )


def _check(draft: CheckDraft, name: str, rows: Rows, *, number: int, among: int) -> CheckRow:
    fact = draft.definition(rows.vocabulary)
    operator = draft.chosen(fact.kind) if fact is not None else Operator.IS
    shape = OPERATORS[fact.kind][operator] if fact is not None else Shape.NOTHING
    return CheckRow(
        name=name,
        number=number,
        is_first=number == 1,
        is_last=number == among,
        draft=draft,
        fact=fact,
        facts=_facts(rows, draft.fact),
        operators=_operators(fact, operator),
        control=_control(fact, shape),
        options=_options(draft, fact, shape),
        suggestions=tuple(rows.offers.get(draft.fact, ())),
        windows=_windows(draft, name) if shape is Shape.WINDOWS else (),
        errors=rows.errors.get(name, ()),
    )


def _facts(rows: Rows, chosen: str) -> SafeString:
    """The options by heading, in the order of the vocabulary; a fact that is gone stays to be seen.

    Written here and not by the template, and once for each fact: fifty options to a row make a long form slow.
    """
    if chosen not in rows.drawn:
        found: dict[str, list[tuple[str, str, str]]] = {}
        if chosen not in rows.vocabulary.names:
            found[_("Not known any more")] = [(chosen, _SELECTED, chosen)]
        for fact in rows.vocabulary:
            selected = _SELECTED if fact.name == chosen else ""
            found.setdefault(str(fact.heading), []).append((fact.name, selected, str(fact.label)))
        rows.drawn[chosen] = format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            (
                (heading, format_html_join("", '<option value="{}"{}>{}</option>', options))
                for heading, options in found.items()
            ),
        )
    return rows.drawn[chosen]


def _operators(fact: FactDef | None, chosen: Operator) -> tuple[Option, ...]:
    if fact is None:
        return ()
    return tuple((one.value, operator_label(one, fact.kind), one is chosen) for one in OPERATORS[fact.kind])


def _control(fact: FactDef | None, shape: Shape) -> str:
    if fact is None:
        return ""
    match shape:
        case Shape.ONE if fact.choices or fact.kind in (Kind.FLAG, Kind.CALENDAR):
            return "select"
        case Shape.MANY if fact.choices:
            return "boxes"
        case Shape.MANY | Shape.PHRASES:
            return "lines"
        case Shape.RANGE:
            return "range"
        case Shape.WINDOWS:
            return "windows"
        case Shape.NOTHING:
            return ""
        case _:
            return "text"


def _options(draft: CheckDraft, fact: FactDef | None, shape: Shape) -> tuple[Option, ...]:
    if fact is None:
        return ()
    if fact.kind in (Kind.FLAG, Kind.CALENDAR):
        return ((YES, _("yes"), draft.value != NO), (NO, _("no"), draft.value == NO))
    chosen = draft.values if shape is Shape.MANY else [draft.value]
    return tuple((str(key), str(words), str(key) in chosen) for key, words in fact.choices)


def _windows(draft: CheckDraft, name: str) -> tuple[WindowRow, ...]:
    return tuple(_window(window, f"{name}-window-{index}", index) for index, window in enumerate(draft.windows))


def _window(window: WindowDraft, name: str, index: int) -> WindowRow:
    names = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    days = tuple((day.value, words, day.value in window.days) for day, words in zip(Day, names, strict=True))
    return WindowRow(name, index + 1, days, window.start, window.end)
