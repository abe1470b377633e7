"""From answers to a severity. The same answers about the same service give the same severity, whoever gave them (R081)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policies.conditions import Check, Facts, Join, Operator, Trace, condition_compile, facts_of
from policies.criteria.facts import criteria_vocabulary, facts_given
from policies.criteria.values import AnswerKind, Because, CriteriaDef, Criterion, Given, Proposal, Scale

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def propose(
    criteria: CriteriaDef,
    answers: Mapping[str, Given],
    known: Mapping[str, Any] = _NOTHING,
    *,
    rest_no: bool = False,
) -> Proposal:
    """What the criteria propose. `answers` are by the questions' keys, as `answers_read` gives them; a missing key is a
    question that nobody answered, None one that nobody can answer.

    `known` are facts of the service from the catalogue. With `rest_no` whatever was not answered counts as no, as 0, or as none
    of the choices.
    """
    given = _with_rest(criteria, answers) if rest_no else dict(answers)
    asking = _Asking(criteria, given, known, settled=rest_no)
    severity = asking.first(criteria.severity)
    impact, urgency = asking.first(criteria.impact), asking.first(criteria.urgency)
    because = tuple(
        Because(scale, found.criterion, found.trace)
        for scale, found in ((Scale.SEVERITY, severity), (Scale.IMPACT, impact), (Scale.URGENCY, urgency))
        if found.criterion is not None and found.trace is not None
    )
    missing = tuple(one.key for one in criteria.questions if one.required and one.key not in given)
    nothing_held = severity.criterion is None
    unclear = severity.undecided and (nothing_held or bool(missing))
    # Without a criterion there is none that could not be met: the questions are asked for the rules alone.
    none_met = nothing_held and not severity.undecided and bool(criteria.severity)
    return Proposal(
        severity=criteria.otherwise.severity if none_met else _value(severity),
        impact=_value(impact),
        urgency=_value(urgency),
        because=because,
        unclear=unclear,
        escalate=not none_met or criteria.otherwise.escalate,
        missing=missing,
        open=severity.open,
        answers=given,
        facts=facts_given(criteria, given),
    )


def _with_rest(criteria: CriteriaDef, answers: Mapping[str, Given]) -> dict[str, Given]:
    """In the order of the questions, so that equal answers are equal documents."""
    given: dict[str, Given] = {}
    for question in criteria.questions:
        if question.key in answers:
            given[question.key] = answers[question.key]
        elif question.answer is AnswerKind.YES_NO:
            given[question.key] = False
        elif question.answer is AnswerKind.NUMBER:
            given[question.key] = 0
    return given


@dataclass(frozen=True, slots=True)
class _Found:
    """The first criterion that holds; `undecided`: an answer nobody gave could make a worse one hold, `open` names it."""

    criterion: Criterion | None = None
    trace: Trace | None = None
    undecided: bool = False
    open: tuple[str, ...] = ()


def _value(found: _Found) -> int | None:
    return found.criterion.value if found.criterion is not None else None


class _Asking:
    """One set of answers, held against criteria."""

    def __init__(
        self, criteria: CriteriaDef, given: Mapping[str, Given], known: Mapping[str, Any], *, settled: bool
    ) -> None:
        self._questions = criteria.questions
        self._vocabulary = criteria_vocabulary(criteria)
        stated = {one.fact: given[one.key] for one in criteria.questions if one.key in given}
        self._facts: Facts = facts_of({**known, **stated}, vocabulary=self._vocabulary)
        # With "no to the rest" a choice that nobody made is none of the choices, and decides its checks.
        self._settled = frozenset(one.fact for one in criteria.questions if settled and one.key not in given)

    def first(self, criteria: tuple[Criterion, ...]) -> _Found:
        """Only what would be worse than the first that holds is of interest beside it."""
        undecided: list[tuple[int, set[str]]] = []
        for criterion in criteria:
            trace = condition_compile(criterion.when, vocabulary=self._vocabulary).explain(self._facts)
            if trace.held:
                worse = [facts for value, facts in undecided if value < criterion.value]
                return _Found(criterion, trace, bool(worse), self._keys(worse))
            if self._verdict(trace) is None:
                undecided.append((criterion.value, self._unknown(trace)))
        return _Found(None, None, bool(undecided), self._keys([facts for _value, facts in undecided]))

    def _keys(self, facts: Sequence[set[str]]) -> tuple[str, ...]:
        named = set().union(*facts)
        return tuple(one.key for one in self._questions if one.fact in named)

    def _verdict(self, trace: Trace) -> bool | None:
        """Whether it holds whatever the open answers are; None where they matter."""
        condition = trace.condition
        if isinstance(condition, Check):
            return None if self._is_open(trace, condition) else trace.held
        verdicts = [self._verdict(part) for part in trace.parts]
        if condition.join is Join.ALL:
            return False if False in verdicts else (None if None in verdicts else True)
        any_holds = True if True in verdicts else (None if None in verdicts else False)
        if condition.join is Join.ANY or any_holds is None:
            return any_holds
        return not any_holds

    def _is_open(self, trace: Trace, check: Check) -> bool:
        if trace.value is not None or check.operator in (Operator.KNOWN, Operator.UNKNOWN):
            return False
        return check.fact not in self._settled

    def _unknown(self, trace: Trace) -> set[str]:
        """The facts whose answer would matter."""
        if isinstance(trace.condition, Check):
            return {trace.condition.fact} if self._is_open(trace, trace.condition) else set()
        parts = (part for part in trace.parts if self._verdict(part) is None)
        return set().union(*(self._unknown(part) for part in parts))
