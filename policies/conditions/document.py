"""The JSON form of conditions: read with every mistake named, written always the same.

    {"all": [
        {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
        {"any": [
            {"fact": "service", "operator": "one_of", "value": ["payments-api", "checkout"]},
            {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"}
        ]},
        {"none": [{"fact": "business_hours", "operator": "is", "value": true, "calendar": "support"}]}
    ]}

A check without an operator means the first of its kind, a flag without a value means yes: `{"fact": "vip"}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from oncall.rota import RotaError
from oncall.rota.clock import zone_named
from policies.conditions.facts import number_of, open_text
from policies.conditions.kinds import OPERATORS, YES_OR_NO, Kind, Operator, Shape
from policies.conditions.patterns import PatternInvalid, pattern
from policies.conditions.values import (
    ALWAYS,
    MAX_CHECKS,
    MAX_DEPTH,
    MAX_VALUES,
    MAX_WORD,
    Check,
    Condition,
    Day,
    Group,
    Join,
    Operand,
    Range,
    Window,
    checks,
)
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.conditions.words import has_words
from policies.durations import duration_text
from policies.reading import DefinitionInvalid, Node, Problem

MAX_WITHIN = 90 * 86_400
MAX_COUNT = 100_000
MAX_WINDOWS = 50
_NEVER = Check("", Operator.UNKNOWN)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?", re.ASCII)
_JOINS = tuple(join.value for join in Join)


def condition_parse(data: object, *, vocabulary: Vocabulary = VOCABULARY) -> Condition:
    """The condition that `data` (parsed JSON or YAML) describes.

    Raises DefinitionInvalid naming every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    condition = condition_read(Node(data, (), problems), vocabulary=vocabulary)
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return condition


def condition_read(node: Node, *, vocabulary: Vocabulary = VOCABULARY) -> Condition:
    """As `condition_parse`, for a document that holds conditions: problems are noted at the node."""
    if node.is_mapping and node.value == {"all": []}:
        return ALWAYS
    condition = _Reader(vocabulary).condition(node, depth=1)
    if sum(1 for _check in checks(condition)) > MAX_CHECKS:
        node.wrong(_("has more than %(most)d checks") % {"most": MAX_CHECKS})
    return condition


def condition_dump(condition: Condition, *, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The JSON form, in full and always the same for the same condition; `condition_parse` reads it back."""
    if isinstance(condition, Group):
        return {condition.join.value: [condition_dump(part, vocabulary=vocabulary) for part in condition.parts]}
    data: dict[str, Any] = {"fact": condition.fact, "operator": condition.operator.value}
    if condition.value is not None:
        fact = vocabulary.find(condition.fact)
        data["value"] = _dumped(condition.value, fact.written if fact is not None else "")
    if condition.within:
        data["within"] = duration_text(condition.within)
    for name in ("zone", "calendar"):
        if text := getattr(condition, name):
            data[name] = text
    return data


def condition_problems(condition: Condition, *, vocabulary: Vocabulary = VOCABULARY) -> tuple[Problem, ...]:
    """What is wrong with a condition made in code; empty when it may be used."""
    try:
        condition_parse(condition_dump(condition, vocabulary=vocabulary), vocabulary=vocabulary)
    except DefinitionInvalid as error:
        return error.problems
    return ()


def _dumped(value: Operand, written: str) -> Any:
    """`written` stands before ranks: "SEV-2"."""
    if isinstance(value, Range):
        return {"from": value.least, "to": value.most}
    if isinstance(value, tuple):
        return [_window_dump(item) if isinstance(item, Window) else _dumped(item, written) for item in value]
    return f"{written}{value}" if written and isinstance(value, int) else value


def _window_dump(window: Window) -> dict[str, Any]:
    return {
        "days": [day.value for day in window.days],
        "from": _time_dump(window.start),
        "to": _time_dump(window.end),
    }


def _time_dump(clock: time) -> str:
    return clock.isoformat("seconds" if clock.second else "minutes")


class _Reader:
    """Reads conditions in one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def condition(self, node: Node, *, depth: int) -> Condition:
        value = node.value
        if isinstance(value, Mapping) and any(join in value for join in _JOINS):
            return self._group(node, value, depth=depth)
        return self._check(node)

    def _group(self, node: Node, value: Mapping[Any, object], *, depth: int) -> Condition:
        joins = [join for join in Join if join.value in value]
        if len(value) > 1:
            node.wrong(_("must have one member only: all, any or none"))
        if depth > MAX_DEPTH:
            node.wrong(_("is nested more than %(most)d deep") % {"most": MAX_DEPTH})
            return _NEVER
        members = node.child(joins[0].value, value[joins[0].value])
        if members.value is None:
            members.wrong(_("needs at least one entry"))
        parts = members.items(lambda part: self.condition(part, depth=depth + 1), least=1, most=MAX_CHECKS)
        return Group(joins[0], parts)

    def _check(self, node: Node) -> Check:
        fields = node.fields("fact", "operator", "value", "within", "zone", "calendar")
        if not node.is_mapping:
            return _NEVER
        name = fields["fact"].text(required=True, most=MAX_WORD)
        fact = self._vocabulary.find(name) if name == fields["fact"].value else None
        if fact is None:
            if name:
                fields["fact"].wrong(_("names no fact that is known"))
            return _NEVER
        shapes = OPERATORS[fact.kind]
        operator = fields["operator"].choice(tuple(shapes), default=next(iter(shapes)))
        return Check(
            name,
            operator,
            _operand(fields["value"], fact, shapes[operator]),
            within=_within(fields["within"], fact, shapes[operator]),
            zone=_zone(fields["zone"], fact),
            calendar=_only(fields["calendar"], fact.kind is Kind.CALENDAR).text(most=MAX_WORD),
        )


def _operand(node: Node, fact: FactDef, shape: Shape) -> Operand:
    if shape is Shape.NOTHING:
        if node.value is not None:
            node.wrong(_("must be left out with this operator"))
        return None
    if node.value is None and fact.kind in YES_OR_NO:
        return True
    if node.value is None:
        node.wrong(_("must not be empty"))
        return None
    return _OPERANDS[shape](node, fact)


def _many(node: Node, fact: FactDef) -> Operand:
    values = node.items(lambda item: _one(item, fact), least=1, most=MAX_VALUES)
    _name_doubles(node, values)
    return values  # type: ignore[return-value]  # _one gives texts for some facts and ranks for others, never both


def _name_doubles(node: Node, values: tuple[Operand, ...]) -> None:
    for index, value in enumerate(values):
        if value is not None and value in values[:index]:
            node.child(index, None).wrong(_("is named a second time"))


def _one(node: Node, fact: FactDef) -> Operand:
    if node.value is None:
        node.wrong(_("must not be empty"))
        return None
    return _ONE[fact.kind](node, fact)


def _rank(node: Node, fact: FactDef) -> Operand:
    rank = fact.rank_of(node.value)
    if rank is None and fact.written:
        names = ", ".join(f"{fact.written}{number}" for number, _words in fact.choices)
        node.wrong(_("must be one of %(names)s") % {"names": names})
    elif rank is None:
        node.wrong(_("must be a whole number from 1 to %(most)d") % {"most": len(fact.choices)})
    return rank or 1


def _key(node: Node, fact: FactDef) -> Operand:
    keys = [key for key, _words in fact.choices]
    if node.value in keys and isinstance(node.value, str):
        return node.value
    node.wrong(_("must be one of %(names)s") % {"names": ", ".join(str(key) for key in keys)})
    return None


def _text(node: Node, _fact: FactDef) -> Operand:
    return node.text(required=True, most=MAX_WORD)


def _open(node: Node, fact: FactDef) -> Operand:
    """A text, a number or yes and no, in the one form they are compared in; a person's own capitals are kept."""
    if isinstance(node.value, bool | int | float):
        text = open_text(node.value)
        if text is None:
            node.wrong(_("must be a number"))
        return text
    return _text(node, fact)


def _flag(node: Node, _fact: FactDef) -> Operand:
    return node.flag(default=True)


def _measure(node: Node, fact: FactDef) -> Operand:
    """The right side of a comparison by size."""
    if fact.kind is Kind.DURATION:
        return node.seconds(least=0)
    if fact.kind is Kind.HISTORY:
        whole = number_of(node.value)
        if isinstance(node.value, int) and whole is not None and 0 <= whole <= MAX_COUNT:
            return node.value
        node.wrong(_("must be a whole number from 0 to %(most)d") % {"most": MAX_COUNT})
        return None
    number = number_of(node.value)
    if number is None:
        node.wrong(_("must be a number"))
    return node.value if number is not None and isinstance(node.value, int) else number


def _range(node: Node, fact: FactDef) -> Operand:
    fields = node.fields("from", "to")
    for end in fields.values():
        if node.is_mapping and end.value is None:
            end.wrong(_("must not be empty"))
    if any(end.value is None for end in fields.values()):
        return None
    least, most = _measure(fields["from"], fact), _measure(fields["to"], fact)
    if not isinstance(least, int | float) or not isinstance(most, int | float):
        return None
    if most < least:
        fields["to"].wrong(_("must not be smaller than the start"))
    return Range(least, most)


def _scalar(node: Node, fact: FactDef) -> Operand:
    return _ONE[fact.kind](node, fact)


def _phrases(node: Node, _fact: FactDef) -> Operand:
    """One word or several."""
    if isinstance(node.value, str):
        return (_phrase(node),)
    phrases = node.items(_phrase, least=1, most=MAX_VALUES)
    _name_doubles(node, phrases)
    return phrases


def _phrase(node: Node) -> str:
    phrase = node.text(required=True, most=MAX_WORD)
    if phrase and not has_words(phrase):
        node.wrong(_("has no letter or digit in it"))
    return phrase


def _pattern(node: Node, fact: FactDef) -> Operand:
    text = node.text(required=True, most=MAX_WORD)
    try:
        pattern(text)
    except PatternInvalid as invalid:
        node.wrong(str(invalid))
    return text


def _windows(node: Node, _fact: FactDef) -> Operand:
    found = (_window(node),) if node.is_mapping else node.items(_window, least=1, most=MAX_WINDOWS)
    return tuple(window for window in found if window is not None)


def _window(node: Node) -> Window | None:
    fields = node.fields("days", "from", "to")
    if not node.is_mapping:
        return None
    days = fields["days"].items(_day, least=0, most=7)
    start, end = _clock(fields["from"]), _clock(fields["to"], ends=True)
    if start is None or end is None:
        return None
    return Window(tuple(day for day in Day if not days or day in days), start, end)


def _day(node: Node) -> Day:
    if node.value is None:
        node.wrong(_("must not be empty"))
    return node.choice(tuple(Day), default=Day.MON)


def _clock(node: Node, *, ends: bool = False) -> time | None:
    """ "22:00"; what ends may end at "24:00", which is midnight."""
    text = node.value.strip() if isinstance(node.value, str) else ""
    if ends and text in ("24:00", "24:00:00"):
        return time(0)
    if not _TIME.fullmatch(text):
        node.wrong(_('must be a time such as "09:00" or "17:30"'))
        return None
    return time.fromisoformat(text)


def _within(node: Node, fact: FactDef, shape: Shape) -> int:
    counted = fact.kind is Kind.HISTORY and shape is not Shape.NOTHING
    if counted and node.value is None:
        node.wrong(_('must say in which span they are counted, such as "24h"'))
        return 0
    return _only(node, counted).seconds(least=1, most=MAX_WITHIN) if counted else _nothing(node)


def _nothing(node: Node) -> int:
    _only(node, False)
    return 0


def _only(node: Node, allowed: bool) -> Node:
    """The node itself where it belongs to the fact; noted, and taken for absent, where it does not."""
    if allowed or node.value is None:
        return node
    node.wrong(_("does not belong to this fact"))
    return Node(None, node.keys, node.problems)


def _zone(node: Node, fact: FactDef) -> str:
    text = _only(node, fact.kind in (Kind.WEEKDAY, Kind.TIME)).text(most=MAX_WORD)
    try:
        zone_named(text or "UTC")
    except RotaError:
        node.wrong(_("is no time zone; one looks like “Europe/Rome”"))
    return text


_ONE: Mapping[Kind, Callable[[Node, FactDef], Operand]] = {
    Kind.RANK: _rank,
    Kind.CHOICE: _key,
    Kind.WEEKDAY: _key,
    Kind.NAME: _text,
    Kind.WORD: _text,
    Kind.WORDS: _text,
    Kind.OPEN: _open,
    Kind.FLAG: _flag,
    Kind.CALENDAR: _flag,
}

_OPERANDS: Mapping[Shape, Callable[[Node, FactDef], Operand]] = {
    Shape.ONE: _scalar,
    Shape.MANY: _many,
    Shape.SIZE: _measure,
    Shape.RANGE: _range,
    Shape.FRAGMENT: _text,
    Shape.PHRASES: _phrases,
    Shape.PATTERN: _pattern,
    Shape.WINDOWS: _windows,
}
