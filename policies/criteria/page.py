"""The editor of the criteria as its template reads it: rows with their fields, the builders of their conditions, and what is
wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.conditions import FactDef, Kind, Vocabulary
from policies.conditions_form import ConditionWidget
from policies.criteria.draft import OWN, CriteriaDraft, CriterionDraft, QuestionDraft, draft_vocabulary
from policies.criteria.facts import ASKABLE
from policies.criteria.values import MAX_HELP, MAX_TEXT, AnswerKind, Scale
from policies.definition import severity_name
from policies.editing.fields import Choices, Shown, mend
from policies.reading import Problem
from policies.routing.values import AskOtherwise

SEVERITIES: Choices = tuple((str(number), severity_name(number)) for number in range(1, 6))
DEGREES: Choices = (
    ("1", gettext_lazy("1 (highest)")),
    ("2", gettext_lazy("2 (high)")),
    ("3", gettext_lazy("3 (medium)")),
    ("4", gettext_lazy("4 (low)")),
    ("5", gettext_lazy("5 (lowest)")),
)
SCALE_TITLES: dict[Scale, str | Promise] = {
    Scale.SEVERITY: gettext_lazy("Which severity follows"),
    Scale.IMPACT: gettext_lazy("Which impact follows"),
    Scale.URGENCY: gettext_lazy("Which urgency follows"),
}


class QuestionFields(Shown):
    """One question."""

    text = forms.CharField(label=gettext_lazy("Question"), max_length=MAX_TEXT)
    help = forms.CharField(
        label=gettext_lazy("How to measure it"),
        required=False,
        max_length=MAX_HELP,
        help_text=gettext_lazy("A threshold, so that everybody answers alike."),
    )
    fact = forms.ChoiceField(label=gettext_lazy("Is known to rules as"))
    name = forms.CharField(
        label=gettext_lazy("Name of the field"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("For one of your own, such as “backup_failed”. Rules find it as a custom field."),
    )
    answer = forms.ChoiceField(
        label=gettext_lazy("Is answered with"),
        choices=(
            (AnswerKind.YES_NO.value, gettext_lazy("yes or no")),
            (AnswerKind.NUMBER.value, gettext_lazy("a number")),
            (AnswerKind.CHOICE.value, gettext_lazy("one of several answers")),
        ),
        required=False,
    )
    options = forms.CharField(
        label=gettext_lazy("Answers to choose from"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One to a line; “value = text” where rules know it by another word than people read."),
    )
    yes = forms.CharField(
        label=gettext_lazy("Yes, in a sentence"),
        required=False,
        max_length=MAX_TEXT,
        help_text=gettext_lazy("Such as “there is no way around”."),
    )
    no = forms.CharField(label=gettext_lazy("No, in a sentence"), required=False, max_length=MAX_TEXT)
    required = forms.BooleanField(
        label=gettext_lazy("Needed: without an answer a milder proposal does not count"), required=False
    )


class CriterionFields(Shown):
    """One criterion, without its condition."""

    value = forms.ChoiceField(label=gettext_lazy("Proposes"))
    reason = forms.CharField(
        label=gettext_lazy("What people read then"),
        required=False,
        max_length=MAX_HELP,
        help_text=gettext_lazy("Empty: the condition in words."),
    )


class EndFields(Shown):
    """What holds where no criterion does, where it stays unclear, and the reason of the change."""

    otherwise_severity = forms.ChoiceField(label=gettext_lazy("Is filed as"), choices=SEVERITIES)
    otherwise_escalate = forms.BooleanField(label=gettext_lazy("Page people all the same"), required=False)
    otherwise_reason = forms.CharField(label=gettext_lazy("What people read then"), required=False, max_length=MAX_HELP)
    unclear_within = forms.CharField(
        label=gettext_lazy("Somebody on call decides within"),
        max_length=20,
        help_text=gettext_lazy("Such as 10m; at least a minute, at most 24 hours."),
    )
    unclear_otherwise = forms.ChoiceField(
        label=gettext_lazy("When nobody decides in time"),
        choices=(
            (AskOtherwise.PROCEED.value, gettext_lazy("Escalate it")),
            (AskOtherwise.LEAVE.value, gettext_lazy("Page nobody")),
        ),
    )
    unclear_severity = forms.ChoiceField(label=gettext_lazy("Until then it is"), choices=SEVERITIES)
    reason = forms.CharField(
        label=gettext_lazy("Why do you change it?"), required=False, max_length=200, widget=forms.TextInput
    )


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """``typed`` says which of the finer fields its fact asks for: "name", "answer", "options", "words"."""

    name: str
    number: int
    title: str
    key: str
    fields: QuestionFields
    typed: tuple[str, ...]
    is_first: bool
    is_last: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class CriterionRow:
    name: str
    number: int
    title: str
    says: str
    rank: int
    fields: CriterionFields
    when: SafeString
    is_open: bool


@dataclass(frozen=True, slots=True)
class ScaleBlock:
    """The criteria of one scale."""

    key: str
    title: str
    rows: tuple[CriterionRow, ...]


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A problem, where it is in words, and the control to go to."""

    where: str
    message: str
    target: str


@dataclass(frozen=True, slots=True)
class CriteriaEditor:
    questions: tuple[QuestionRow, ...]
    scales: tuple[ScaleBlock, ...]
    ends: EndFields
    wrong: tuple[WrongLine, ...]
    focus: str


def criteria_editor(
    draft: CriteriaDraft, *, reason: str, problems: Sequence[Problem] = (), focus: str = "", action: str = ""
) -> CriteriaEditor:
    """The whole editor. ``action`` is the address that its conditions are posted to while they are built."""
    vocabulary = draft_vocabulary(draft)
    data: dict[str, Any] = {**draft.texts, "reason": reason}
    if draft.escalate:
        data["otherwise_escalate"] = "on"
    ends = EndFields(data=data)
    for problem in problems:
        if problem.keys and problem.keys[0] in ("otherwise", "unclear"):
            mend(ends, "_".join(str(key) for key in problem.keys[:2]), _sentence(problem))
    rows = _Rows(draft, vocabulary, problems, focus, action)
    return CriteriaEditor(
        questions=tuple(rows.question(number) for number in range(len(draft.questions))),
        scales=tuple(
            ScaleBlock(
                scale.value,
                str(SCALE_TITLES[scale]),
                tuple(rows.criterion(scale, number) for number in range(len(draft.scales[scale]))),
            )
            for scale in Scale
        ),
        ends=ends,
        wrong=tuple(_wrong_line(problem, draft) for problem in problems),
        focus=focus,
    )


def criterion_builder(draft: CriteriaDraft, scale: Scale, row: int, *, focus: str = "", action: str = "") -> SafeString:
    """The condition of one criterion alone, for whoever draws only that again; "" where there is no such row."""
    if row >= len(draft.scales[scale]):
        return SafeString()
    rows = _Rows(draft, draft_vocabulary(draft), (), focus, action)
    return rows.builder(draft.scales[scale][row], f"{scale.value}-{row}-when", ())


class _Rows:
    """What all rows have in common."""

    def __init__(
        self, draft: CriteriaDraft, vocabulary: Vocabulary, problems: Sequence[Problem], focus: str, action: str
    ) -> None:
        self._draft = draft
        self._vocabulary = vocabulary
        self._problems = problems
        self._focus = focus
        self._action = action

    def question(self, number: int) -> QuestionRow:
        question, name = self._draft.questions[number], f"question-{number}"
        data = {f"{name}-{key}": text for key, text in question.texts.items()}
        if question.required:
            data[f"{name}-required"] = "on"
        fields = QuestionFields(data=data, prefix=name)
        fields.offer("fact", fact_choices())
        problems = self._at("questions", number)
        for problem in problems:
            mend(fields, _question_field(problem, question), _sentence(problem))
        self._autofocus(fields, name)
        return QuestionRow(
            name=name,
            number=number + 1,
            title=question.text("text") or _("Question %(number)d") % {"number": number + 1},
            key=question.text("key"),
            fields=fields,
            typed=_typed(question),
            is_first=number == 0,
            is_last=number == len(self._draft.questions) - 1,
            is_open=bool(problems) or self._is_at(name) or not question.text("text"),
        )

    def criterion(self, scale: Scale, number: int) -> CriterionRow:
        criterion, name = self._draft.scales[scale][number], f"{scale.value}-{number}"
        fields = CriterionFields(
            data={f"{name}-value": criterion.value, f"{name}-reason": criterion.reason}, prefix=name
        )
        fields.offer("value", SEVERITIES if scale is Scale.SEVERITY else DEGREES)
        problems = self._at(scale.value, number)
        for problem in problems:
            if problem.keys[2:3] != ("when",):
                mend(
                    fields,
                    "value" if problem.keys[2:3] == (scale.value,) else str(problem.keys[-1]),
                    _sentence(problem),
                )
        self._autofocus(fields, name)
        return CriterionRow(
            name=name,
            number=number + 1,
            title=_criterion_title(scale, criterion),
            says=criterion.reason,
            rank=int(criterion.value) if criterion.value in {"1", "2", "3", "4", "5"} else 5,
            fields=fields,
            when=self.builder(criterion, f"{name}-when", problems),
            is_open=bool(problems) or self._is_at(name),
        )

    def builder(self, criterion: CriterionDraft, name: str, problems: Sequence[Problem]) -> SafeString:
        widget = ConditionWidget(vocabulary=self._vocabulary, action=self._action)
        widget.problems = tuple(
            Problem(problem.keys[3:], problem.message) for problem in problems if problem.keys[2:3] == ("when",)
        )
        widget.focus = self._focus
        return widget.render(name, criterion.when)

    def _is_at(self, name: str) -> bool:
        return self._focus == name or self._focus.startswith(f"{name}-")

    def _at(self, field: str, number: int) -> list[Problem]:
        return [problem for problem in self._problems if problem.keys[:2] == (field, number)]

    def _autofocus(self, form: Shown, prefix: str) -> None:
        field = form.fields.get(self._focus.removeprefix(f"{prefix}-"))
        if self._focus.startswith(f"{prefix}-") and field is not None:
            field.widget.attrs["autofocus"] = True


def fact_choices() -> Choices:
    """The facts that a question may be about, and one of the house's own."""
    known = ((fact.name, _fact_words(fact)) for fact in ASKABLE.values())
    return [(OWN, _("a field of your own")), *known]


def _fact_words(fact: FactDef) -> str:
    if fact.kind is Kind.FLAG:
        return _("%(fact)s (yes or no)") % {"fact": fact.label}
    if fact.kind is Kind.NUMBER:
        return _("%(fact)s (a number)") % {"fact": fact.label}
    return _("%(fact)s (one of several)") % {"fact": fact.label}


def _typed(question: QuestionDraft) -> tuple[str, ...]:
    own, known = question.text("fact") == OWN, ASKABLE.get(question.fact)
    found = []
    if own:
        found += ["name", "answer"]
    if question.kind is AnswerKind.CHOICE and (own or (known is not None and not known.choices)):
        found.append("options")
    if own and question.kind is AnswerKind.YES_NO:
        found.append("words")
    return tuple(found)


def _question_field(problem: Problem, question: QuestionDraft) -> str:
    field = str(problem.keys[2]) if len(problem.keys) > 2 else "text"
    if field == "fact" and question.text("fact") == OWN:
        return "name"
    # The key follows from the fact, so that it is the fact that has to be another.
    return "fact" if field == "key" else field


def _criterion_title(scale: Scale, criterion: CriterionDraft) -> str:
    if scale is Scale.SEVERITY:
        return severity_name(int(criterion.value)) if criterion.value in dict(SEVERITIES) else criterion.value
    return str(dict(DEGREES).get(criterion.value, criterion.value))


def _sentence(problem: Problem) -> str:
    # Translators: a clause made into a sentence.
    return _("%(clause)s.") % {"clause": capfirst(problem.message)}


def _wrong_line(problem: Problem, draft: CriteriaDraft) -> WrongLine:
    keys, target, where = problem.keys, "criteria-form", ""
    if len(keys) > 1 and keys[0] == "questions" and isinstance(keys[1], int):
        question = draft.questions[keys[1]]
        where = _("Question %(number)d") % {"number": keys[1] + 1}
        target = f"id_question-{keys[1]}-{_question_field(problem, question)}"
    elif len(keys) > 1 and keys[0] in set(Scale) and isinstance(keys[1], int):
        where = f"{SCALE_TITLES[Scale(str(keys[0]))]}, {keys[1] + 1}"
        target = f"{keys[0]}-{keys[1]}"
    elif len(keys) > 1:
        target = f"id_{keys[0]}_{keys[1]}"
        known = EndFields.base_fields.get(f"{keys[0]}_{keys[1]}")
        where = str(known.label) if known is not None else ""
    return WrongLine(where, _sentence(problem), target)
