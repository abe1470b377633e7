"""Severity criteria as they stand in the form: texts as typed, in the order of the page. Pure.

    form data → CriteriaDraft (``draft_sent``) → document (``document_of``) → ``criteria_parse``
    CriteriaDef → CriteriaDraft (``draft_of``) → form data

A problem of the document stands at the row of the same number, so that no translation of paths is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.text import slugify

from policies.conditions import Vocabulary
from policies.conditions_form import GroupDraft
from policies.conditions_form.draft import Sent
from policies.conditions_form.draft import document_of as condition_document
from policies.conditions_form.draft import draft_of as condition_draft
from policies.conditions_form.draft import draft_sent as condition_sent
from policies.criteria.facts import ASKABLE, answer_kind, criteria_vocabulary, vocabulary_of
from policies.criteria.values import (
    MAX_CRITERIA,
    MAX_OPTIONS,
    MAX_QUESTIONS,
    AnswerKind,
    CriteriaDef,
    Option,
    Question,
    Scale,
)
from policies.definition import severity_name
from policies.durations import duration_text

OWN = "custom.*"
"""Stands in the list of facts for one of the house's own, whose name is typed beside."""
QUESTION_TEXTS = ("key", "fact", "name", "text", "answer", "help", "options", "yes", "no")
ENDS = ("otherwise_severity", "otherwise_reason", "unclear_within", "unclear_otherwise", "unclear_severity")


@dataclass(slots=True)
class QuestionDraft:
    texts: dict[str, str] = field(default_factory=dict)
    required: bool = False

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    @property
    def fact(self) -> str:
        """The fact's name in documents."""
        return f"custom.{self.text('name')}" if self.text("fact") == OWN else self.text("fact")

    @property
    def kind(self) -> AnswerKind:
        """How it is answered: as its fact has it, or as was chosen for one of the house's own."""
        fixed = answer_kind(self.fact)
        typed = next((kind for kind in AnswerKind if kind.value == self.text("answer")), AnswerKind.YES_NO)
        return fixed or typed

    @property
    def options(self) -> list[dict[str, str]]:
        """One to a line, "value = text" or the text alone."""
        found = []
        for line in self.text("options").splitlines():
            value, sign, text = line.partition("=")
            if line.strip():
                found.append({"value": value.strip(), **({"text": text.strip()} if sign else {})})
        return found[: MAX_OPTIONS + 1]


@dataclass(slots=True)
class CriterionDraft:
    value: str = ""
    reason: str = ""
    when: GroupDraft = field(default_factory=GroupDraft)


@dataclass(slots=True)
class CriteriaDraft:
    questions: list[QuestionDraft] = field(default_factory=list)
    scales: dict[Scale, list[CriterionDraft]] = field(default_factory=lambda: {scale: [] for scale in Scale})
    texts: dict[str, str] = field(default_factory=dict)
    escalate: bool = False


# --- from the form


def draft_sent(data: Sent) -> CriteriaDraft:
    draft = CriteriaDraft(
        texts={name: data.get(name, "").strip() for name in ENDS}, escalate="otherwise_escalate" in data
    )
    for row in range(MAX_QUESTIONS + 1):
        prefix = f"question-{row}"
        if f"{prefix}-text" not in data:
            break
        texts = {name: data.get(f"{prefix}-{name}", "").strip() for name in QUESTION_TEXTS}
        draft.questions.append(QuestionDraft(texts, f"{prefix}-required" in data))
    for scale in Scale:
        for row in range(MAX_CRITERIA + 1):
            prefix = f"{scale.value}-{row}"
            if f"{prefix}-value" not in data:
                break
            value, reason = (data.get(f"{prefix}-{name}", "").strip() for name in ("value", "reason"))
            draft.scales[scale].append(CriterionDraft(value, reason, condition_sent(data, f"{prefix}-when")))
    return draft


# --- from what is in force


def draft_of(criteria: CriteriaDef) -> CriteriaDraft:
    vocabulary = criteria_vocabulary(criteria)
    unclear, otherwise = criteria.unclear, criteria.otherwise
    return CriteriaDraft(
        questions=[_question_draft(question) for question in criteria.questions],
        scales={
            scale: [
                CriterionDraft(str(one.value), str(one.reason), condition_draft(one.when, vocabulary=vocabulary))
                for one in criteria.scale(scale)
            ]
            for scale in Scale
        },
        texts={
            "otherwise_severity": str(otherwise.severity),
            "otherwise_reason": str(otherwise.reason),
            "unclear_within": duration_text(unclear.within_seconds),
            "unclear_otherwise": unclear.otherwise.value,
            "unclear_severity": str(unclear.severity),
        },
        escalate=otherwise.escalate,
    )


def _question_draft(question: Question) -> QuestionDraft:
    texts = {
        "key": question.key,
        "fact": OWN if question.is_own else question.fact,
        "name": question.fact.removeprefix("custom.") if question.is_own else "",
        "text": str(question.text),
        "answer": question.answer.value,
        "help": str(question.help),
        "options": "\n".join(f"{option.value} = {option.text}" for option in question.options),
        "yes": str(question.yes),
        "no": str(question.no),
    }
    return QuestionDraft(texts, question.required)


# --- to a document


def document_of(draft: CriteriaDraft) -> dict[str, Any]:
    """The document that the form means, right or wrong."""
    vocabulary = draft_vocabulary(draft)
    return {
        "questions": [_question_document(question) for question in draft.questions],
        **{
            scale.value: [
                {
                    scale.value: _value(one.value, scale),
                    "when": condition_document(one.when, vocabulary=vocabulary),
                    "reason": one.reason,
                }
                for one in draft.scales[scale]
            ]
            for scale in Scale
        },
        "otherwise": {
            "severity": _value(draft.texts.get("otherwise_severity", ""), Scale.SEVERITY),
            "escalate": draft.escalate,
            "reason": draft.texts.get("otherwise_reason", ""),
        },
        "unclear": {
            "within": draft.texts.get("unclear_within") or None,
            "otherwise": draft.texts.get("unclear_otherwise") or None,
            "severity": _value(draft.texts.get("unclear_severity", ""), Scale.SEVERITY),
        },
    }


def _value(text: str, scale: Scale) -> str | int | None:
    if text.isascii() and text.isdecimal() and len(text) < 3:
        return severity_name(int(text)) if scale is Scale.SEVERITY and 1 <= int(text) <= 5 else int(text)
    return text or None


def _question_document(question: QuestionDraft) -> dict[str, Any]:
    fact, kind = question.fact, question.kind
    document: dict[str, Any] = {
        "key": question.text("key") or slugify(fact.removeprefix("custom.").replace("_", "-"))[:40],
        "fact": fact,
        "text": question.text("text"),
        "help": question.text("help"),
        "required": question.required,
    }
    if _has_options(question):
        document["options"] = question.options
    if question.text("fact") == OWN:
        document["answer"] = kind.value
        if kind is AnswerKind.YES_NO:
            document |= {name: question.text(name) for name in ("yes", "no") if question.text(name)}
    return document


def _has_options(question: QuestionDraft) -> bool:
    """What was typed elsewhere stays in the form and out of the document."""
    known = ASKABLE.get(question.fact)
    return question.kind is AnswerKind.CHOICE and (known is None or not known.choices)


def draft_vocabulary(draft: CriteriaDraft) -> Vocabulary:
    """What its conditions may check, as far as its questions can be read."""
    questions = []
    for one in draft.questions:
        if one.fact in ASKABLE or (one.text("fact") == OWN and one.text("name")):
            options = tuple(
                Option(option["value"], option.get("text") or option["value"])
                for option in (one.options if _has_options(one) else ())
            )
            questions.append(
                Question(
                    one.text("key"),
                    one.fact,
                    one.text("text") or one.fact,
                    one.kind,
                    options=options,
                    yes=one.text("yes"),
                    no=one.text("no"),
                )
            )
    return vocabulary_of(questions)
