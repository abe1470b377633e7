"""Conditions made ready: asked quickly whether they hold, or at length why.

`holds` and `explain` are two readings of one thing: each check is compiled to one test, and both ask that test.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from policies.conditions.document import condition_problems
from policies.conditions.facts import Facts, number_in
from policies.conditions.kinds import Kind, Operator
from policies.conditions.patterns import pattern
from policies.conditions.synonyms import DEFAULT_SYNONYMS
from policies.conditions.times import WeekClock
from policies.conditions.values import Check, Condition, Join, Range, Window
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.conditions.words import Keywords, Prose, Synonyms, caseless, folded

Test = Callable[[Facts], bool]
Sight = Callable[[Facts], object]
ValueTest = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Trace:
    """One part of a condition and what became of it.

    `value` is what a check saw, as JSON has it: the fact as it was given, a history's count, the words that were found,
    the local time; None where the fact is unknown. Groups have `parts`, each of which was asked, needed or not.
    """

    condition: Condition
    held: bool
    value: object = None
    parts: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A condition ready to be asked. `cost` compares tests: cheap ones go first, as order cannot change the answer."""

    condition: Condition
    holds: Test
    cost: int
    parts: tuple[Compiled, ...]
    seen: Sight

    def explain(self, facts: Facts) -> Trace:
        """Every part, whether it held, and on what value. `held` is always what `holds` answers."""
        if isinstance(self.condition, Check):
            return Trace(self.condition, self.holds(facts), self.seen(facts))
        parts = tuple(part.explain(facts) for part in self.parts)
        return Trace(self.condition, _joined(self.condition.join, [part.held for part in parts]), None, parts)


def condition_compile(
    condition: Condition, *, vocabulary: Vocabulary = VOCABULARY, synonyms: Synonyms = DEFAULT_SYNONYMS
) -> Compiled:
    """`condition` (which the reader of documents let pass) ready to be asked again and again.

    A check that its reader would refuse today, say on a custom field that was removed or became a number since, does not
    hold: what was stored years ago must not stop today's alert.
    """
    if isinstance(condition, Check):
        return _check(condition, vocabulary, synonyms)
    parts = tuple(condition_compile(part, vocabulary=vocabulary, synonyms=synonyms) for part in condition.parts)
    tests = [part.holds for part in sorted(parts, key=lambda part: part.cost)]
    return Compiled(
        condition, _group_test(condition.join, tests), sum(part.cost for part in parts), parts, _sees_nothing
    )


def _joined(join: Join, held: Sequence[bool]) -> bool:
    match join:
        case Join.ALL:
            return all(held)
        case Join.ANY:
            return any(held)
        case Join.NONE:
            return not any(held)


def _group_test(join: Join, tests: Sequence[Test]) -> Test:
    """Written out, as a generator for each group would take longer than the tests themselves."""
    if join is Join.ALL:
        return tests[0] if len(tests) == 1 else _all(tuple(tests))
    hit, missed = (True, False) if join is Join.ANY else (False, True)

    def holds(facts: Facts) -> bool:
        for test in tests:
            if test(facts):
                return hit
        return missed

    return holds


def _all(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda facts: first(facts) and second(facts)

    def holds(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110 (a generator would take longer than the tests)
            if not test(facts):
                return False
        return True

    return holds


def _check(check: Check, vocabulary: Vocabulary, synonyms: Synonyms) -> Compiled:
    fact = vocabulary.find(check.fact)
    if fact is None or condition_problems(check, vocabulary=vocabulary):
        return Compiled(check, _never, 0, (), _sees_nothing)
    if fact.kind is Kind.WEEKDAY:
        return _weekday(check)
    if fact.kind is Kind.TIME:
        return _time(check)
    if fact.kind is Kind.CALENDAR:
        return _calendar(check)
    if check.operator in (Operator.KNOWN, Operator.UNKNOWN):
        return _known(check)
    members = accepted(check, fact)
    if members is not None:
        return Compiled(check, _member(check.fact, members), 1, (), _given(check.fact))
    if fact.kind is Kind.TEXT:
        return _prose(check, synonyms)
    if fact.kind is Kind.HISTORY:
        return _history(check)
    return Compiled(check, _value_test(check, fact), 2, (), _given(check.fact))


def accepted(check: Check, fact: FactDef) -> frozenset[object] | None:
    """The values with which the check holds and no others, as `Facts.values` has them, where they can be listed."""
    if fact.kind in (Kind.WORDS, Kind.WEEKDAY, Kind.CALENDAR):
        return None
    match check.operator, check.value:
        case Operator.IS, value if value is not None:
            return frozenset((_comparable(value, fact),))
        case Operator.ONE_OF, tuple() as several:
            return frozenset(_comparable(value, fact) for value in several)
        case Operator.AT_LEAST, int() as rank:
            return frozenset(range(1, rank + 1))
        case Operator.AT_MOST, int() as rank:
            return frozenset(range(rank, len(fact.choices) + 1))
        case _:
            return None


def _comparable(value: object, fact: FactDef) -> object:
    """A value of a condition in the form `Facts.values` has values of that fact."""
    return caseless(value) if isinstance(value, str) and fact.kind in (Kind.WORD, Kind.OPEN, Kind.WORDS) else value


def _never(_facts: Facts) -> bool:
    return False


def _sees_nothing(_facts: Facts) -> object:
    return None


def _given(name: str) -> Sight:
    return lambda facts: facts.given.get(name)


def _member(name: str, members: frozenset[object]) -> Test:
    """None, for unknown, is never among the members."""
    if len(members) == 1:
        (only,) = members
        return lambda facts: facts.values.get(name) == only
    return lambda facts: facts.values.get(name) in members


def _known(check: Check) -> Compiled:
    name, wanted = check.fact, check.operator is Operator.KNOWN
    return Compiled(check, lambda facts: (name in facts.values) is wanted, 1, (), _given(name))


def _value_test(check: Check, fact: FactDef) -> Test:
    name, test = check.fact, _test_of(check, fact)

    def holds(facts: Facts) -> bool:
        value = facts.values.get(name)
        return value is not None and test(value)

    return holds


def _test_of(check: Check, fact: FactDef) -> ValueTest:
    operand: Any = check.value
    match check.operator:
        case Operator.IS_NOT:
            other = _comparable(operand, fact)
            return lambda value: bool(value != other)
        case Operator.NONE_OF | Operator.ONE_OF | Operator.CONTAINS if fact.kind is Kind.WORDS:
            return _words_test(check, fact)
        case Operator.NONE_OF:
            others = frozenset(_comparable(value, fact) for value in operand)
            return lambda value: value not in others
        case Operator.CONTAINS | Operator.STARTS_WITH | Operator.MATCHES:
            return _written_test(check)
        case _ if fact.kind is Kind.OPEN:
            measured = _measured(check.operator, operand)
            return lambda value: (number := number_in(value)) is not None and measured(number)
        case _:
            return _measured(check.operator, operand)


def _words_test(check: Check, fact: FactDef) -> ValueTest:
    operand: Any = check.value
    wanted = frozenset(_comparable(word, fact) for word in (operand if isinstance(operand, tuple) else (operand,)))
    if check.operator is Operator.NONE_OF:
        return wanted.isdisjoint
    return lambda words: not wanted.isdisjoint(words)


def _written_test(check: Check) -> ValueTest:
    """Short texts, folded as prose is: who searches for a piece of a text does not count its accents."""
    text = str(check.value)
    if check.operator is Operator.MATCHES:
        return pattern(text).found
    piece = folded(text)
    if check.operator is Operator.CONTAINS:
        return lambda value: piece in folded(value)
    return lambda value: folded(value).startswith(piece)


def _measured(operator: Operator, operand: Any) -> ValueTest:
    match operator:
        case Operator.LT:
            return lambda value: bool(value < operand)
        case Operator.LE:
            return lambda value: bool(value <= operand)
        case Operator.GT:
            return lambda value: bool(value > operand)
        case Operator.GE:
            return lambda value: bool(value >= operand)
        case Operator.BETWEEN if isinstance(operand, Range):
            least, most = operand.least, operand.most
            return lambda value: bool(least <= value <= most)
        case _:
            return lambda _value: False


def _history(check: Check) -> Compiled:
    name, within = check.fact, check.within
    test = _measured(check.operator, check.value)

    def count(facts: Facts) -> int | None:
        ages = facts.values.get(name)
        return None if ages is None else bisect_right(ages, within)

    return Compiled(check, lambda facts: (times := count(facts)) is not None and test(times), 3, (), count)


def _prose(check: Check, synonyms: Synonyms) -> Compiled:
    name, operand = check.fact, check.value
    if check.operator is Operator.KEYWORD:
        keywords = Keywords(operand if isinstance(operand, tuple) else (), synonyms)  # type: ignore[arg-type]  # phrases, by the reader

        def which(facts: Facts) -> object:
            prose = facts.values.get(name)
            return None if prose is None else list(keywords.which(prose))

        return Compiled(check, _prose_test(name, keywords.found), 8, (), which)
    piece = folded(str(operand))
    if check.operator is Operator.MATCHES:
        searched = pattern(str(operand))
        return Compiled(check, _prose_test(name, lambda prose: searched.found(prose.text)), 20, (), _given(name))
    if check.operator is Operator.STARTS_WITH:
        begins = _prose_test(name, lambda prose: prose.folded.lstrip().startswith(piece))
        return Compiled(check, begins, 5, (), _given(name))
    return Compiled(check, _prose_test(name, lambda prose: piece in prose.folded), 6, (), _given(name))


def _prose_test(name: str, test: Callable[[Prose], bool]) -> Test:
    def holds(facts: Facts) -> bool:
        prose = facts.values.get(name)
        return prose is not None and test(prose)

    return holds


def _weekday(check: Check) -> Compiled:
    zone, operand = check.zone, check.value
    days = frozenset(operand if isinstance(operand, tuple) else (operand,))
    wanted = check.operator is not Operator.NONE_OF

    def shown(facts: Facts) -> str | None:
        wall = facts.wall(zone)
        return None if wall is None else wall.weekday.value

    return Compiled(check, lambda facts: (day := shown(facts)) is not None and (day in days) is wanted, 3, (), shown)


def _time(check: Check) -> Compiled:
    zone, operand = check.zone, check.value
    clock = WeekClock(
        [window for window in operand if isinstance(window, Window)] if isinstance(operand, tuple) else ()
    )
    wanted = check.operator is Operator.WITHIN

    def holds(facts: Facts) -> bool:
        wall = facts.wall(zone)
        if wall is None or facts.at is None:
            return False
        return clock.is_open(facts.at, zone or facts.zone, wall) is wanted

    def shown(facts: Facts) -> object:
        wall = facts.wall(zone)
        return None if wall is None else f"{wall.weekday.value} {wall.clock}"

    return Compiled(check, holds, 4, (), shown)


def _calendar(check: Check) -> Compiled:
    calendar, wanted = check.calendar, check.value
    holiday = check.fact == "holiday"

    def says(facts: Facts) -> bool | None:
        day = facts.business_day(calendar)
        if day is None:
            return None
        return day.holiday if holiday else day.business_hours

    return Compiled(check, lambda facts: (said := says(facts)) is not None and said is wanted, 5, (), says)
