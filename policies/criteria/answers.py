"""Answers as somebody sent them, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from policies.conditions import Kind
from policies.conditions.facts import number_of
from policies.criteria.facts import ASKABLE, choices_of
from policies.criteria.values import AnswerKind, CriteriaDef, Given, Question
from policies.reading import DefinitionInvalid, Node, Problem

YES, NO, UNKNOWN = "yes", "no", "unknown"
_SAID: Mapping[str, bool | None] = {YES: True, NO: False, UNKNOWN: None}


def answers_read(criteria: CriteriaDef, data: object) -> dict[str, Given]:
    """The answers in `data` by the keys of the questions: true, false, "yes", "no", a number, a choice; null or "unknown" is
    "I do not know". A question that is not in it was not answered.

    Raises DefinitionInvalid naming every answer at fault ("answers.outage").
    """
    problems: list[Problem] = []
    node = Node(data, ("answers",), problems)
    fields = node.fields(*(question.key for question in criteria.questions))
    sent = data if isinstance(data, Mapping) else {}
    answers = {
        question.key: _read(question, fields[question.key]) for question in criteria.questions if question.key in sent
    }
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return answers


def answers_usable(criteria: CriteriaDef, data: object) -> dict[str, Given]:
    """As `answers_read`, leaving out what makes no sense (any more): answers from an earlier version of the criteria."""
    if not isinstance(data, Mapping):
        return {}
    found: dict[str, Given] = {}
    for question in criteria.questions:
        problems: list[Problem] = []
        if question.key in data:
            value = _read(question, Node(data[question.key], (question.key,), problems))
            if not problems:
                found[question.key] = value
    return found


def _read(question: Question, node: Node) -> Given:
    if node.value is None or node.value == UNKNOWN:
        return None
    match question.answer:
        case AnswerKind.YES_NO:
            return _yes_no(node)
        case AnswerKind.NUMBER:
            return _number(node)
        case AnswerKind.CHOICE:
            return _choice(question, node)


def _yes_no(node: Node) -> Given:
    if isinstance(node.value, bool):
        return node.value
    if isinstance(node.value, str) and node.value in _SAID:
        return _SAID[node.value]
    node.wrong(_("must be true, false or null"))
    return None


def _number(node: Node) -> Given:
    number = number_of(node.value)
    if number is None or number < 0:
        node.wrong(_("must be a number, 0 or more"))
        return None
    return int(number) if number.is_integer() else number


def _choice(question: Question, node: Node) -> Given:
    values = [value for value, _words in choices_of(question)]
    text = str(node.value) if isinstance(node.value, int | str) and not isinstance(node.value, bool) else ""
    if text not in values:
        node.wrong(_("must be one of %(names)s") % {"names": ", ".join(values)})
        return None
    return int(text) if _is_rank(question) else text


def _is_rank(question: Question) -> bool:
    """Ranks of the vocabulary are numbers, however a form sends them."""
    known = ASKABLE.get(question.fact)
    return known is not None and known.kind is Kind.RANK
