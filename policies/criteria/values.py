"""What severity criteria are made of, and what comes of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policies.conditions import Condition, Trace
from policies.conditions.vocabulary import Words
from policies.routing.values import AskOtherwise

MAX_QUESTIONS = 30
MAX_OPTIONS = 20
MAX_CRITERIA = 60
MAX_TEXT = 160
MAX_HELP = 300
SCALE = 5
"""Severity, impact and urgency all run from 1, the worst, to 5."""

Given = bool | int | float | str | None
"""One answer; None is "I do not know"."""


class AnswerKind(StrEnum):
    """How a question is answered: objectively, so that two people answer it alike."""

    YES_NO = "yes_no"
    NUMBER = "number"
    CHOICE = "choice"


class Scale(StrEnum):
    """What criteria decide."""

    SEVERITY = "severity"
    IMPACT = "impact"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers to choose from. `value` is what conditions compare, `text` what people read."""

    value: str
    text: Words


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer is the fact `fact` of the conditions' vocabulary. `key` is stable and names the answer.

    `help` says how to measure it. Without an answer to a `required` question a proposal does not count where that answer
    could make it worse. `yes` and `no` say both answers as clauses ("there is a way around"), for facts of the house's own.
    """

    key: str
    fact: str
    text: Words
    answer: AnswerKind = AnswerKind.YES_NO
    help: Words = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    yes: Words = ""
    no: Words = ""

    @property
    def is_own(self) -> bool:
        """Whether the fact is one of the house's own, of which only this question says what it means."""
        return self.fact.startswith("custom.")


@dataclass(frozen=True, slots=True)
class Criterion:
    """`value` (1 to 5) is proposed when the condition holds; `reason` is what people read then."""

    value: int
    when: Condition
    reason: Words = ""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What holds when every question is answered and no criterion does. Without `escalate` nobody is paged (R082), which has to
    be said: a document that says nothing of it has people paged."""

    severity: int = 5
    escalate: bool = True
    reason: Words = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """What becomes of an incident whose answers leave its severity open (R331): a person is asked, and waited for
    `within_seconds`; then `otherwise`. `severity` is its severity until somebody decided."""

    within_seconds: int = 600
    otherwise: AskOtherwise = AskOtherwise.PROCEED
    severity: int = 2


@dataclass(frozen=True, slots=True)
class CriteriaDef:
    """Questions in the order in which they are asked; criteria from the worst to the mildest: the first that holds counts."""

    questions: tuple[Question, ...] = ()
    severity: tuple[Criterion, ...] = ()
    impact: tuple[Criterion, ...] = ()
    urgency: tuple[Criterion, ...] = ()
    otherwise: Otherwise = Otherwise()
    unclear: Unclear = Unclear()

    def scale(self, scale: Scale) -> tuple[Criterion, ...]:
        found: tuple[Criterion, ...] = getattr(self, scale.value)
        return found

    def question(self, key: str) -> Question | None:
        return next((one for one in self.questions if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Because:
    """The criterion that decided one of the scales, and what became of each part of its condition."""

    scale: Scale
    criterion: Criterion
    trace: Trace


@dataclass(frozen=True, slots=True)
class Proposal:
    """What follows from the answers; equal answers give equal proposals, whoever answered.

    `severity` None: nothing can be said. `unclear`: a person must decide. `escalate` False: every answer is there and no
    criterion holds, so nobody needs to be paged. `missing` are the keys of required questions without an answer, `open`
    those of the questions that are not answered and whose answer could still propose something worse. `facts` are the
    answers by the names of the conditions' vocabulary, as an incident keeps them.
    """

    severity: int | None
    impact: int | None = None
    urgency: int | None = None
    because: tuple[Because, ...] = ()
    unclear: bool = False
    escalate: bool = True
    missing: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    answers: Mapping[str, Given] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def why(self, scale: Scale) -> Because | None:
        return next((one for one in self.because if one.scale is scale), None)
