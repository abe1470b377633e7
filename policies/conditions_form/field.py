"""Conditions in any form of the product: a field, its widget, and a form whose buttons redraw it.

    class RuleForm(ConditionForm):
        name = forms.CharField(label=_("Name"))
        when = ConditionField(label=_("When"))

    form = RuleForm(request.POST or None, initial={"when": rule.when})
    if form.redraws:            # a button of the builder was pressed: nothing is checked and nothing saved
        return render(request, "…", {"form": form})
    if form.is_valid():
        rule_change(when=form.cleaned_data["when"], …)

The template draws `{{ form.when }}` within a `<form method="post">`. Without scripts every button is a submit; with
htmx it posts the same form to the same page and takes the builder out of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.conditions import (
    ALWAYS,
    VOCABULARY,
    Check,
    Condition,
    Group,
    Vocabulary,
    condition_parse,
    condition_sentence,
)
from policies.conditions.sentences import Namer, as_written
from policies.conditions_form.acts import act, is_act
from policies.conditions_form.draft import GroupDraft, Sent, document_of, draft_of, draft_sent, rows_of
from policies.conditions_form.page import Offers, Rows, page_of
from policies.reading import DefinitionInvalid, Problem


class ConditionWidget(forms.Widget):
    """The builder. `offers` are values to choose from by fact, `name_value` says what they are called in sentences."""

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        *,
        vocabulary: Vocabulary = VOCABULARY,
        offers: Offers | None = None,
        name_value: Namer = as_written,
        action: str = "",
    ) -> None:
        super().__init__(attrs)
        self.vocabulary = vocabulary
        self.offers: Offers = offers or {}
        self.name_value = name_value
        self.action = action
        self.problems: tuple[Problem, ...] = ()
        self.focus = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> GroupDraft | Condition | None:
        """What was sent, with the pressed button's act done. Data from code may hold the condition itself."""
        direct = data.get(name)
        if isinstance(direct, Check | Group | GroupDraft):
            return direct
        sent: Sent = data
        if f"{name}-join" not in sent:
            return None
        draft = draft_sent(sent, name)
        self.focus = act(draft, sent.get("do", ""), name)
        return draft

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}-join" not in data

    def use_required_attribute(self, initial: Any) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        """None of its controls alone: the whole is a group, named by the field's label."""
        return ""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        draft = self._draft(value)
        rows = Rows(self.vocabulary, self.offers, self._errors(name), self.focus)
        context = {
            "name": name,
            "group": page_of(draft, name, rows),
            "focus": self.focus,
            "action": self.action,
            "sentence": self._sentence(draft),
            "described": (attrs or {}).get("aria-describedby", ""),
        }
        return render_to_string("policies/conditions/builder.html", context)

    def _draft(self, value: Any) -> GroupDraft:
        if isinstance(value, GroupDraft):
            return value
        return draft_of(value if isinstance(value, Check | Group) else ALWAYS, vocabulary=self.vocabulary)

    def _errors(self, prefix: str) -> Mapping[str, Sequence[str]]:
        """Sentences by row."""
        found: dict[str, list[str]] = {}
        for problem in self.problems:
            row, field = rows_of(problem.keys, prefix)
            found.setdefault(row, []).append(_problem_sentence(problem, field))
        return found

    def _sentence(self, draft: GroupDraft) -> str:
        """The condition in words; "" while it is not complete."""
        try:
            condition = condition_parse(document_of(draft, vocabulary=self.vocabulary), vocabulary=self.vocabulary)
        except DefinitionInvalid:
            return ""
        return condition_sentence(condition, vocabulary=self.vocabulary, name=self.name_value)


class ConditionField(forms.Field):
    """A condition. Cleaned it is a `Condition`; a required one must check something."""

    widget: ConditionWidget

    def __init__(
        self,
        *,
        vocabulary: Vocabulary = VOCABULARY,
        offers: Offers | None = None,
        name_value: Namer = as_written,
        action: str = "",
        **options: Any,
    ) -> None:
        self.vocabulary = vocabulary
        options.setdefault(
            "widget", ConditionWidget(vocabulary=vocabulary, offers=offers, name_value=name_value, action=action)
        )
        super().__init__(**options)

    def clean(self, value: Any) -> Condition:
        """Raises ValidationError; the sentences for each row stand beside it."""
        condition = value if isinstance(value, Check | Group) else self._read(value)
        if self.required and isinstance(condition, Group) and not condition.parts:
            raise ValidationError(_("Add at least one condition."), code="required")
        return condition

    def _read(self, value: GroupDraft | None) -> Condition:
        if value is None:
            return ALWAYS
        try:
            return condition_parse(document_of(value, vocabulary=self.vocabulary), vocabulary=self.vocabulary)
        except DefinitionInvalid as error:
            self.widget.problems = error.problems
            count = len(error.problems)
            raise ValidationError(
                ngettext(
                    "One thing in the condition needs mending.",
                    "%(count)d things in the condition need mending.",
                    count,
                )
                % {"count": count},
                code="invalid",
            ) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = draft_of(initial if isinstance(initial, Check | Group) else ALWAYS, vocabulary=self.vocabulary)
        after = draft_of(data, vocabulary=self.vocabulary) if isinstance(data, Check | Group) else data
        return document_of(before, vocabulary=self.vocabulary) != document_of(
            after or GroupDraft(), vocabulary=self.vocabulary
        )


class ConditionForm(forms.Form):
    """A form that may hold conditions. While one of their buttons is answered it is shown as typed, without errors."""

    @property
    def redraws(self) -> bool:
        """Whether the button that was pressed belongs to a condition: draw the page again and save nothing."""
        pressed = str(self.data.get("do", "")) if self.is_bound else ""
        return any(
            isinstance(field, ConditionField) and is_act(pressed, self.add_prefix(name))
            for name, field in self.fields.items()
        )

    def full_clean(self) -> None:
        if not self.redraws:
            super().full_clean()
            return
        self._errors = ErrorDict()
        self.cleaned_data = {}


def _problem_sentence(problem: Problem, field: str) -> str:
    """Messages of the reader continue the name of a field: "value must be a number"."""
    names = {
        "fact": _("The fact"),
        "operator": _("The operator"),
        "value": _("The value"),
        "within": _("The span of time"),
        "zone": _("The time zone"),
        "calendar": _("The calendar"),
        "": _("The group"),
    }
    return _("%(field)s %(problem)s.") % {"field": names.get(field, field), "problem": problem.message}
