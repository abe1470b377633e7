"""The criteria's questions as a form: on filing, in triage, and where criteria are tried.

class FileForm(AnswersForm): …
form = FileForm(request.POST, criteria=criteria)
form.asked      # rows for policies/criteria_questions.html
form.answers    # after is_valid(): by the questions' keys
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.conditions.facts import number_in
from policies.criteria.answers import NO, UNKNOWN, YES, answers_read, answers_usable
from policies.criteria.facts import choices_of
from policies.criteria.values import AnswerKind, CriteriaDef, Given, Question
from policies.reading import DefinitionInvalid

PREFIX = "answer-"
REST = "rest"


class Sent(Protocol):
    """A QueryDict, or anything that reads like one."""

    def get(self, name: str, default: str, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One question as the template draws it. `options` are value, words and whether it is chosen."""

    id: str
    name: str
    text: str
    help: str
    required: bool
    kind: str
    value: str
    options: tuple[tuple[str, str, bool], ...]
    errors: tuple[str, ...]


def field_name(question: Question) -> str:
    return f"{PREFIX}{question.key}"


def texts_of(criteria: CriteriaDef, answers: Mapping[str, Given]) -> dict[str, str]:
    """What the form shows for `answers`: initial values by the names of its fields."""
    return {
        field_name(question): _text(answers[question.key]) for question in criteria.questions if question.key in answers
    }


def _text(value: Given) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return YES if value else NO
    return str(value)


def answers_sent(criteria: CriteriaDef, data: Sent) -> dict[str, Given]:
    """The answers in what a form sent, without those that make no sense: for a proposal while somebody still types."""
    return answers_usable(criteria, _documents(criteria, data))


def _documents(criteria: CriteriaDef, data: Sent) -> dict[str, Any]:
    """What was typed, as `answers_read` takes it; what was left empty was not answered."""
    found: dict[str, Any] = {}
    for question in criteria.questions:
        text = data.get(field_name(question), "").strip()
        if not text:
            continue
        number = number_in(text.replace(",", ".")) if question.answer is AnswerKind.NUMBER else None
        found[question.key] = text if number is None else number
    return found


class AnswersForm(forms.Form):
    """A form with the criteria's questions in it, none of which stops anybody."""

    rest = forms.BooleanField(label=gettext_lazy("No to every question I left open"), required=False)

    def __init__(self, *args: Any, criteria: CriteriaDef, **options: Any) -> None:
        super().__init__(*args, **options)
        self.criteria = criteria
        self.answers: dict[str, Given] = {}
        for question in criteria.questions:
            self.fields[field_name(question)] = forms.CharField(
                label=str(question.text), required=False, max_length=100
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            self.answers = answers_read(self.criteria, _documents(self.criteria, data))
        except DefinitionInvalid as refused:
            for problem in refused.problems:
                self.add_error(
                    f"{PREFIX}{problem.keys[1]}", _("The answer %(problem)s.") % {"problem": problem.message}
                )
        return data

    @property
    def asked_names(self) -> tuple[str, ...]:
        return tuple(field_name(question) for question in self.criteria.questions)

    @property
    def asked(self) -> tuple[Ask, ...]:
        return tuple(self._ask(question) for question in self.criteria.questions)

    @property
    def is_begun(self) -> bool:
        """Whether any question is answered, or was answered wrongly."""
        return any(ask.value or ask.errors for ask in self.asked)

    def _ask(self, question: Question) -> Ask:
        bound = self[field_name(question)]
        value = str(bound.value() or "")
        return Ask(
            id=str(bound.auto_id),
            name=bound.html_name,
            text=str(question.text),
            help=str(question.help),
            required=question.required,
            kind=question.answer.value,
            value=value,
            options=tuple((key, words, key == value) for key, words in _options(question)),
            errors=tuple(str(error) for error in bound.errors),
        )


def _options(question: Question) -> tuple[tuple[str, str], ...]:
    match question.answer:
        case AnswerKind.YES_NO:
            return (YES, _("Yes")), (NO, _("No")), (UNKNOWN, _("Not known"))
        case AnswerKind.CHOICE:
            choices = ((value, capfirst(words)) for value, words in choices_of(question))
            return ("", _("Not answered")), *choices, (UNKNOWN, _("Not known"))
        case AnswerKind.NUMBER:
            return ()
