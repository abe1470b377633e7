"""Which facts criteria speak about: what their questions ask, and what the catalogue knows of the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.conditions import VOCABULARY, FactDef, Kind, Vocabulary
from policies.criteria.values import AnswerKind, CriteriaDef, Given, Question

SERVICE_FACTS = ("tier", "revenue_flow", "high_risk", "regulated", "environment", "region")
"""Known from the catalogue as soon as the service is chosen, so that nobody is asked for them."""

_ASKED_KINDS = {
    Kind.FLAG: AnswerKind.YES_NO,
    Kind.NUMBER: AnswerKind.NUMBER,
    Kind.RANK: AnswerKind.CHOICE,
    Kind.CHOICE: AnswerKind.CHOICE,
    Kind.WORD: AnswerKind.CHOICE,
}
# What criteria decide, what the catalogue or the source says, and what only a course of time brings.
_NEVER_ASKED = {*SERVICE_FACTS, "severity", "impact", "urgency", "priority", "origin", "state"}
_HEADING = gettext_lazy("The house’s own questions")

ASKABLE: Mapping[str, FactDef] = {
    fact.name: fact for fact in VOCABULARY if fact.kind in _ASKED_KINDS and fact.name not in _NEVER_ASKED
}
"""The facts that a question may be about, besides `custom.…`."""


def answer_kind(fact: str) -> AnswerKind | None:
    """How a question about that fact is answered; None where the question itself says so (`custom.…`) or it cannot be asked."""
    known = ASKABLE.get(fact)
    return _ASKED_KINDS[known.kind] if known is not None else None


def has_own_options(question: Question) -> bool:
    """Whether the question brings its answers with it: the vocabulary has none for words and custom facts."""
    known = ASKABLE.get(question.fact)
    return question.answer is AnswerKind.CHOICE and (known is None or known.kind is Kind.WORD)


def vocabulary_of(questions: Iterable[Question]) -> Vocabulary:
    """What the conditions of criteria may check, in the language that is active: facts that are asked, and the service's."""
    asked = [_fact_of(question) for question in questions]
    return Vocabulary((*asked, *(VOCABULARY.names[name] for name in SERVICE_FACTS)))


def criteria_vocabulary(criteria: CriteriaDef) -> Vocabulary:
    return vocabulary_of(criteria.questions)


def _fact_of(question: Question) -> FactDef:
    known = ASKABLE.get(question.fact)
    if known is not None and not has_own_options(question):
        return known
    choices = tuple((option.value, option.text) for option in question.options)
    if known is not None:
        return replace(known, kind=Kind.CHOICE, choices=choices)
    words = {"question": question.text}
    match question.answer:
        case AnswerKind.YES_NO:
            return FactDef(
                question.fact,
                Kind.FLAG,
                _HEADING,
                question.text,
                yes=question.yes or _("“%(question)s” is answered with yes") % words,
                no=question.no or _("“%(question)s” is answered with no") % words,
            )
        case AnswerKind.NUMBER:
            subject = _("the answer to “%(question)s”") % words
            return FactDef(question.fact, Kind.NUMBER, _HEADING, question.text, subject)
        case AnswerKind.CHOICE:
            subject = _("the answer to “%(question)s”") % words
            return FactDef(question.fact, Kind.CHOICE, _HEADING, question.text, subject, choices=choices)


def choices_of(question: Question) -> tuple[tuple[str, str], ...]:
    """The answers to choose from, as value and words; empty for questions answered otherwise."""
    if question.answer is not AnswerKind.CHOICE:
        return ()
    return tuple((str(value), str(words)) for value, words in _fact_of(question).choices)


def facts_given(criteria: CriteriaDef, answers: Mapping[str, Given]) -> dict[str, Any]:
    """The answers as facts, by the names of the vocabulary. What nobody knows is left out."""
    return {
        question.fact: answers[question.key] for question in criteria.questions if answers.get(question.key) is not None
    }


def answers_known(criteria: CriteriaDef, facts: Mapping[str, Any]) -> dict[str, Given]:
    """The answers that facts give already, say those from an alert's labels: the other way round than `facts_given`."""
    found: dict[str, Given] = {}
    for question in criteria.questions:
        value = facts.get(question.fact)
        if isinstance(value, bool | int | float | str):
            found[question.key] = value
    return found
