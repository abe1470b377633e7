"""Criteria and proposals in words, in the active language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from policies.conditions import ConditionText, condition_sentence, condition_text, trace_text
from policies.criteria.facts import choices_of, criteria_vocabulary
from policies.criteria.values import (
    AnswerKind,
    Because,
    CriteriaDef,
    Criterion,
    Given,
    Otherwise,
    Proposal,
    Question,
    Scale,
    Unclear,
)
from policies.definition import severity_name
from policies.routing.values import AskOtherwise
from policies.sentences import duration_words


@dataclass(frozen=True, slots=True)
class QuestionText:
    """A question as people read it: how it is answered, and the answers there are to choose from."""

    key: str
    text: str
    help: str
    answered: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CriterionText:
    """A criterion: its reason, its condition as one sentence, and as a list."""

    reason: str
    sentence: str
    condition: ConditionText


@dataclass(frozen=True, slots=True)
class GroupText:
    """What leads to one value of a scale. `name` is "SEV-2" or the number."""

    scale: Scale
    value: int
    name: str
    criteria: tuple[CriterionText, ...]


@dataclass(frozen=True, slots=True)
class CriteriaText:
    questions: tuple[QuestionText, ...]
    severity: tuple[GroupText, ...]
    impact: tuple[GroupText, ...]
    urgency: tuple[GroupText, ...]
    otherwise: str
    unclear: str


def criteria_text(criteria: CriteriaDef) -> CriteriaText:
    """The whole of the criteria, to be read from top to bottom."""
    severity, impact, urgency = (_groups(criteria, scale) for scale in Scale)
    return CriteriaText(
        tuple(_question_text(question) for question in criteria.questions),
        severity,
        impact,
        urgency,
        otherwise_sentence(criteria.otherwise),
        unclear_sentence(criteria.unclear),
    )


def _question_text(question: Question) -> QuestionText:
    choices = tuple(words for _value, words in choices_of(question))
    match question.answer:
        case AnswerKind.YES_NO:
            answered = _("Yes, no, or not known.")
        case AnswerKind.NUMBER:
            answered = _("A number, or not known.")
        case AnswerKind.CHOICE:
            answered = _("One of these, or not known.")
    if question.required:
        answered = _("%(answered)s Needed before a milder proposal counts.") % {"answered": answered}
    return QuestionText(question.key, str(question.text), str(question.help), answered, choices)


def _groups(criteria: CriteriaDef, scale: Scale) -> tuple[GroupText, ...]:
    vocabulary = criteria_vocabulary(criteria)
    found: dict[int, list[CriterionText]] = {}
    for criterion in criteria.scale(scale):
        text = CriterionText(
            str(criterion.reason),
            condition_sentence(criterion.when, vocabulary=vocabulary),
            condition_text(criterion.when, vocabulary=vocabulary),
        )
        found.setdefault(criterion.value, []).append(text)
    return tuple(GroupText(scale, value, value_name(scale, value), tuple(texts)) for value, texts in found.items())


def value_name(scale: Scale, value: int) -> str:
    """ "SEV-2", or the number on the scales of impact and urgency."""
    return severity_name(value) if scale is Scale.SEVERITY else str(value)


def otherwise_sentence(otherwise: Otherwise) -> str:
    words = {"severity": severity_name(otherwise.severity)}
    if otherwise.escalate:
        return _("When every question is answered and nothing above is so, %(severity)s is proposed.") % words
    return (
        _("When every question is answered and nothing above is so, it is filed as %(severity)s and nobody is paged.")
        % words
    )


def unclear_sentence(unclear: Unclear) -> str:
    words = {"time": duration_words(unclear.within_seconds), "severity": severity_name(unclear.severity)}
    if unclear.otherwise is AskOtherwise.PROCEED:
        return (
            _(
                "When the answers leave it open and nobody chooses a severity, whoever is on call is asked to decide within"
                " %(time)s; after that it is escalated as %(severity)s."
            )
            % words
        )
    return (
        _(
            "When the answers leave it open and nobody chooses a severity, whoever is on call is asked to decide within"
            " %(time)s; after that it stays as %(severity)s without paging anybody."
        )
        % words
    )


def answer_words(question: Question, value: Given) -> str:
    """The answer as people say it: "yes", "500", "Customers cannot use what they pay for"."""
    if value is None:
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return next((words for one, words in choices_of(question) if one == str(value)), str(value))


def answered_lines(criteria: CriteriaDef, answers: Mapping[str, Given]) -> tuple[tuple[str, str], ...]:
    """Each question that was answered, with its answer in words."""
    return tuple(
        (str(question.text), answer_words(question, answers[question.key]))
        for question in criteria.questions
        if question.key in answers
    )


@dataclass(frozen=True, slots=True)
class ProposalText:
    """A proposal in sentences: `says` what is proposed, `because` the reason, `unclear` why a person must decide, `trace` what
    became of each part of the condition."""

    says: str
    because: str
    unclear: str
    trace: ConditionText | None


def proposal_text(criteria: CriteriaDef, proposal: Proposal) -> ProposalText:
    """What the proposal says. "Because" follows the criterion's reason, or its condition where it has none."""
    why = proposal.why(Scale.SEVERITY)
    trace = trace_text(why.trace, vocabulary=criteria_vocabulary(criteria)) if why is not None else None
    return ProposalText(_says(proposal), reason_of(criteria, why, proposal), _unclear_text(criteria, proposal), trace)


def reason_of(criteria: CriteriaDef, why: Because | None, proposal: Proposal) -> str:
    if why is not None:
        return _criterion_reason(criteria, why.criterion)
    if not proposal.unclear and proposal.severity is not None:
        return str(criteria.otherwise.reason) or _("Every question is answered, and no criterion is met.")
    return ""


def _criterion_reason(criteria: CriteriaDef, criterion: Criterion) -> str:
    return str(criterion.reason) or condition_sentence(criterion.when, vocabulary=criteria_vocabulary(criteria))


def _says(proposal: Proposal) -> str:
    if proposal.severity is None:
        return _("The answers do not say yet how severe it is.")
    words = {"severity": severity_name(proposal.severity)}
    if not proposal.escalate:
        return _("%(severity)s is proposed, and nobody is paged.") % words
    return _("%(severity)s is proposed.") % words


def _unclear_text(criteria: CriteriaDef, proposal: Proposal) -> str:
    if not proposal.unclear:
        return ""
    named = [
        str(question.text) for question in criteria.questions if question.key in (proposal.missing or proposal.open)
    ]
    if not named:
        return _("The answers leave it open.")
    return _("It is open as long as these are not answered: %(questions)s") % {"questions": joined_questions(named)}


def joined_questions(texts: list[str]) -> str:
    """Questions one after another; each ends with its own mark."""
    shown = texts[:3]
    if len(texts) > len(shown):
        return _("%(questions)s and %(count)d more.") % {
            "questions": " ".join(shown),
            "count": len(texts) - len(shown),
        }
    return " ".join(shown)


def worse_sentence(criteria: CriteriaDef, proposal: Proposal) -> str:
    """Which open questions could make a clear proposal worse; "" where none could."""
    named = [str(question.text) for question in criteria.questions if question.key in proposal.open]
    if proposal.unclear or not named:
        return ""
    return _("It could be worse, depending on: %(questions)s") % {"questions": joined_questions(named)}


def context_flags(proposal: Proposal, known: Mapping[str, object]) -> tuple[str, ...]:
    """What makes it matter more to the business, of the service and of whom it hits (R092–R094)."""
    said: dict[str, object] = {**known, **proposal.facts}
    flags = (
        (_("VIP customer"), said.get("vip") is True or said.get("customer_tier") == 1),
        (_("Revenue flow"), said.get("revenue_flow") is True),
        (_("High risk"), said.get("high_risk") is True),
        (_("Regulated"), said.get("regulated") is True),
    )
    return tuple(words for words, held in flags if held)
