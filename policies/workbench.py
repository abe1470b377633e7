"""The workbench of conditions: write one, read it in words, try it on made-up facts, take its document along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from policies.calendars import calendars_by_name
from policies.conditions import (
    CLOCK_KINDS,
    OFFICE_HOURS,
    VOCABULARY,
    BusinessCalendar,
    Condition,
    ConditionText,
    FactDef,
    Facts,
    Kind,
    condition_compile,
    condition_dump,
    condition_parse,
    facts_ignored,
    facts_of,
    needs,
    trace_text,
)
from policies.conditions_form import ConditionField, ConditionForm

EXAMPLE = {
    "all": [
        {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
        {"any": [{"fact": "vip"}, {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"}]},
    ]
}
MAX_TEXT = 5_000
_CALENDAR_FACTS = frozenset(fact.name for fact in VOCABULARY if fact.kind is Kind.CALENDAR)
_CLOCK = gettext_lazy("On your clock.")
_MADE_UP_HOURS = gettext_lazy(
    "On your clock. Business hours here are Monday to Friday, 09:00–18:00, without holidays: there is no default calendar."
)
_HOUSE_HOURS = gettext_lazy("On your clock. Business hours and holidays are those of the default calendar.")
_MANY = 1_000


class WorkbenchForm(ConditionForm):
    when = ConditionField(label=gettext_lazy("Condition"))


class FactsForm(forms.Form):
    """A field for each fact that a condition asks for; empty ones are unknown."""

    def __init__(self, condition: Condition, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._asked: dict[str, FactDef] = {}
        names = sorted(needs(condition).facts)
        by_calendar = bool(_CALENDAR_FACTS & needs(condition).facts)
        self._house = calendars_by_name() if by_calendar else {}
        facts = [fact for fact in VOCABULARY if not fact.is_open and fact.name in names]
        facts += [fact for name in names if "." in name and (fact := VOCABULARY.find(name)) is not None]
        for fact in facts:
            if fact.kind not in CLOCK_KINDS:
                self._asked[fact.name] = fact
                self.fields[fact.name] = _field_of(fact)
        if len(self._asked) < len(facts):
            self.fields["at"] = forms.DateTimeField(
                label=gettext_lazy("At"),
                required=False,
                input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
                widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
                help_text=(_HOUSE_HOURS if "" in self._house else _MADE_UP_HOURS) if by_calendar else _CLOCK,
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in facts_ignored(self._given(data)):
            self.add_error(name, gettext("This is no value of that fact."))
        return data

    def facts(self, *, at: datetime) -> Facts:
        """What was filled in; `at` (an instant) where no other was chosen."""
        zone = timezone.get_current_timezone_name()
        calendars = {"": BusinessCalendar(zone, OFFICE_HOURS), **self._house}
        return facts_of(
            self._given(self.cleaned_data), at=self.cleaned_data.get("at") or at, zone=zone, calendars=calendars
        )

    def _given(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _meant(fact, data[name])
            for name, fact in self._asked.items()
            if data.get(name) is not None and data[name] != ""
        }


def _meant(fact: FactDef, value: Any) -> Any:
    match fact.kind:
        case Kind.RANK:
            return int(value)
        case Kind.FLAG:
            return value == "yes"
        case Kind.WORDS:
            return [word.strip() for word in value.split(",") if word.strip()]
        case Kind.HISTORY:
            # All of them just now: within whatever span is asked for.
            return [0] * value
        case _:
            return value


def _field_of(fact: FactDef) -> forms.Field:
    label = str(fact.label) if "." not in fact.name else f"{fact.label}: {fact.name.partition('.')[2]}"
    unknown = ("", gettext("Not known"))
    match fact.kind:
        case Kind.RANK | Kind.CHOICE:
            choices = [unknown, *((str(key), str(words)) for key, words in fact.choices)]
            return forms.ChoiceField(label=label, required=False, choices=choices)
        case Kind.FLAG:
            answers = [unknown, ("yes", gettext("yes")), ("no", gettext("no"))]
            return forms.ChoiceField(label=label, required=False, choices=answers)
        case Kind.NUMBER:
            return forms.FloatField(label=label, required=False)
        case Kind.HISTORY:
            return forms.IntegerField(
                label=label, required=False, min_value=0, max_value=_MANY, help_text=gettext("How many there were.")
            )
        case Kind.TEXT:
            area = forms.Textarea(attrs={"rows": 2})
            return forms.CharField(label=label, required=False, max_length=MAX_TEXT, widget=area)
        case Kind.DURATION:
            return forms.CharField(label=label, required=False, help_text=gettext("Such as 30m or 1h30m."))
        case Kind.WORDS:
            return forms.CharField(label=label, required=False, help_text=gettext("With commas between."))
        case _:
            return forms.CharField(label=label, required=False)


@dataclass(frozen=True, slots=True)
class Bench:
    """What the page shows beside the form: the fields to try it with, what became of it, and its document."""

    facts: FactsForm | None = None
    result: ConditionText | None = None
    document: str = ""


def first_condition() -> Condition:
    return condition_parse(EXAMPLE)


def bench_of(condition: Condition, data: QueryDict | None, *, at: datetime) -> Bench:
    """`data` is what was sent; None shows the fields and tries nothing."""
    here = timezone.localtime(at)
    if data is not None and "facts-at" not in data:
        # A condition that asks for the time only since this request: the field shows the instant it was tried at.
        data = data.copy()
        data["facts-at"] = here.strftime("%Y-%m-%dT%H:%M")
    form = FactsForm(condition, data, prefix="facts", initial={"at": here})
    document = json.dumps(condition_dump(condition), indent=2, ensure_ascii=False)
    if data is None or not form.is_valid():
        return Bench(form, None, document)
    return Bench(form, trace_text(condition_compile(condition).explain(form.facts(at=at))), document)
