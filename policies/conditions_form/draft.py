"""A condition as it stands in the form: texts as typed, in the order of the page. Pure.

    form data → GroupDraft (`draft_sent`) → document (`document_of`) → `condition_parse`
    Condition → GroupDraft (`draft_of`) → form data

The reader of documents has the last word on what is right; `rows_of` says which row a problem of the document belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from policies.conditions import (
    OPERATORS,
    VOCABULARY,
    Check,
    Condition,
    FactDef,
    Group,
    Join,
    Kind,
    Operator,
    Range,
    Shape,
    Vocabulary,
    Window,
    all_of,
)
from policies.conditions.values import MAX_CHECKS, MAX_DEPTH, Day
from policies.durations import duration_text

MAX_WINDOW_ROWS = 20
YES, NO = "yes", "no"
_JOINS = tuple(join.value for join in Join)


class Sent(Protocol):
    """What a form sends: a QueryDict, or anything that reads like one."""

    def get(self, name: str, default: str, /) -> str: ...

    def getlist(self, name: str, /) -> list[str]: ...

    def __contains__(self, name: str, /) -> bool: ...


@dataclass(slots=True)
class WindowDraft:
    days: list[str] = field(default_factory=lambda: [day.value for day in Day])
    start: str = "09:00"
    end: str = "17:00"


@dataclass(slots=True)
class CheckDraft:
    """One row. `fact` is a name of the vocabulary ("labels.*"), `key` the rest of an open one.

    Which of the others count follows from the fact's kind and the operator; what was typed elsewhere stays, so that
    changing one's mind twice loses nothing. `lines` holds several values, one on each line.
    """

    fact: str = "severity"
    key: str = ""
    operator: str = ""
    value: str = ""
    values: list[str] = field(default_factory=list)
    lines: str = ""
    least: str = ""
    most: str = ""
    within: str = ""
    zone: str = ""
    calendar: str = ""
    windows: list[WindowDraft] = field(default_factory=list)

    def definition(self, vocabulary: Vocabulary) -> FactDef | None:
        """The fact as it is declared; a fact that is gone is None."""
        return vocabulary.names.get(self.fact)

    def chosen(self, kind: Kind) -> Operator:
        """The operator; the first of the kind where the one that stood there does not suit the fact any more."""
        offered = OPERATORS[kind]
        return next((one for one in offered if one.value == self.operator), next(iter(offered)))


@dataclass(slots=True)
class GroupDraft:
    join: str = Join.ALL.value
    parts: list[CheckDraft | GroupDraft] = field(default_factory=list)


_PLAIN = ("fact", "key", "operator", "value", "lines", "least", "most", "within", "zone", "calendar")


def draft_sent(data: Sent, prefix: str) -> GroupDraft:
    """What the form sent under `prefix`: "when-join", "when-0-fact", "when-1-join", "when-1-0-fact" and so on."""
    return _group_sent(data, prefix, depth=1)


def _group_sent(data: Sent, prefix: str, *, depth: int) -> GroupDraft:
    draft = GroupDraft(data.get(f"{prefix}-join", Join.ALL.value))
    for number in range(MAX_CHECKS):
        name = f"{prefix}-{number}"
        if f"{name}-join" in data and depth <= MAX_DEPTH:
            draft.parts.append(_group_sent(data, name, depth=depth + 1))
        elif f"{name}-fact" in data:
            draft.parts.append(_check_sent(data, name))
        else:
            break
    return draft


def _check_sent(data: Sent, name: str) -> CheckDraft:
    draft = CheckDraft(values=data.getlist(f"{name}-values"))
    for plain in _PLAIN:
        setattr(draft, plain, data.get(f"{name}-{plain}", "").strip())
    for number in range(MAX_WINDOW_ROWS):
        window = f"{name}-window-{number}"
        if f"{window}-start" not in data:
            break
        times = (data.get(f"{window}-start", ""), data.get(f"{window}-end", ""))
        draft.windows.append(WindowDraft(data.getlist(f"{window}-days"), *times))
    return draft


def draft_of(condition: Condition, *, vocabulary: Vocabulary = VOCABULARY) -> GroupDraft:
    """The form of a condition. A lone check stands in a group of its own."""
    group = condition if isinstance(condition, Group) else all_of(condition)
    return GroupDraft(
        group.join.value,
        [
            draft_of(part, vocabulary=vocabulary) if isinstance(part, Group) else _check_draft(part, vocabulary)
            for part in group.parts
        ],
    )


def _check_draft(check: Check, vocabulary: Vocabulary) -> CheckDraft:
    family, _dot, rest = check.fact.partition(".")
    is_open = check.fact not in vocabulary.names
    draft = CheckDraft(
        fact=f"{family}.*" if is_open else check.fact,
        key=rest if is_open else "",
        operator=check.operator.value,
        within=duration_text(check.within) if check.within else "",
        zone=check.zone,
        calendar=check.calendar,
    )
    _fill(draft, check.value, vocabulary.find(check.fact))
    return draft


def _fill(draft: CheckDraft, value: Any, fact: FactDef | None) -> None:
    duration = fact is not None and fact.kind is Kind.DURATION

    def text(one: Any) -> str:
        if isinstance(one, bool):
            return YES if one else NO
        if duration and isinstance(one, int):
            return duration_text(one)
        return str(int(one)) if isinstance(one, float) and one.is_integer() else str(one)

    match value:
        case None:
            pass
        case Range(least, most):
            draft.least, draft.most = text(least), text(most)
        case (Window(), *_rest):
            draft.windows = [_window_draft(window) for window in value]
        case tuple():
            draft.values = [text(one) for one in value]
            draft.lines = "\n".join(draft.values)
        case _:
            draft.value = text(value)


def _window_draft(window: Window) -> WindowDraft:
    return WindowDraft([day.value for day in window.days], window.start.strftime("%H:%M"), window.end.strftime("%H:%M"))


# --- To a document ------------------------------------------------------------------------------------------------


def document_of(draft: GroupDraft, *, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The document that the form means, right or wrong."""
    return {
        draft.join: [
            document_of(part, vocabulary=vocabulary)
            if isinstance(part, GroupDraft)
            else _check_document(part, vocabulary)
            for part in draft.parts
        ]
    }


def _check_document(draft: CheckDraft, vocabulary: Vocabulary) -> dict[str, Any]:
    fact = draft.definition(vocabulary)
    if fact is None:
        return {"fact": draft.fact}
    operator = draft.chosen(fact.kind)
    shape = OPERATORS[fact.kind][operator]
    data: dict[str, Any] = {
        "fact": f"{fact.name.removesuffix('*')}{draft.key}" if fact.is_open else fact.name,
        "operator": operator.value,
    }
    value = _value(draft, fact, shape)
    if value is not None:
        data["value"] = value
    if fact.kind is Kind.HISTORY and shape is not Shape.NOTHING:
        data["within"] = draft.within or None
    if fact.kind in (Kind.WEEKDAY, Kind.TIME) and draft.zone:
        data["zone"] = draft.zone
    if fact.kind is Kind.CALENDAR and draft.calendar:
        data["calendar"] = draft.calendar
    return data


def _value(draft: CheckDraft, fact: FactDef, shape: Shape) -> Any:
    match shape:
        case Shape.NOTHING:
            return None
        case Shape.MANY if fact.choices:
            return [_one(value, fact) for value in draft.values]
        case Shape.MANY | Shape.PHRASES:
            return [line.strip() for line in draft.lines.splitlines() if line.strip()]
        case Shape.RANGE:
            return {"from": _one(draft.least, fact), "to": _one(draft.most, fact)}
        case Shape.WINDOWS:
            return [{"days": window.days, "from": window.start, "to": window.end} for window in draft.windows]
        case Shape.FRAGMENT | Shape.PATTERN:
            return draft.value or None
        case Shape.ONE if fact.choices:
            return _shown_choice(draft.value, fact)
        case _:
            return _one(draft.value, fact, sized=shape is Shape.SIZE)


def _shown_choice(text: str, fact: FactDef) -> Any:
    """The chosen one; where nothing was, the first: a list that was never touched shows it, and means what it shows."""
    return next((key for key, _words in fact.choices if str(key) == text), fact.choices[0][0])


def _one(text: str, fact: FactDef, *, sized: bool = True) -> Any:
    """What a typed text means for the fact; itself where it means nothing, for the reader to refuse."""
    match fact.kind:
        case Kind.FLAG | Kind.CALENDAR:
            return text != NO
        case Kind.RANK:
            return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else text or None
        case Kind.HISTORY | Kind.NUMBER | Kind.OPEN if sized:
            return _number(text)
        case _:
            return text or None


def _number(text: str) -> Any:
    """With a comma too, as much of Europe writes it."""
    plain = text.strip().replace(",", ".")
    try:
        return int(plain) if plain.lstrip("-").isdecimal() and len(plain) < 16 else float(plain)
    except ValueError:
        return text or None


def rows_of(keys: Sequence[str | int], prefix: str) -> tuple[str, str]:
    """The name of the row, and of its field, that a problem of the document belongs to: ("when-1-0", "value")."""
    name, rest = prefix, list(keys)
    while len(rest) > 1 and rest[0] in _JOINS and isinstance(rest[1], int):
        name, rest = f"{name}-{rest[1]}", rest[2:]
    rest = [key for key in rest if key not in _JOINS]
    return name, str(rest[0]) if rest else ""
