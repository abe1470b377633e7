"""The editor of SLA targets: the form as it was sent, and the page it is drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.definition import severity_name
from policies.editing.fields import HOURS, HOURS_LABEL, Shown, mend
from policies.priority import SCALE, priority_name
from policies.reading import Problem
from policies.sla import MAX_TARGETS
from policies.terms_pages.rows import Row, Wrong, numbered, rows_act, rows_sent

PREFIX = "t"
_BLANK: Row = {"name": "", "severity": [], "priority": [], "tier": [], "acknowledge": "", "resolve": "", "hours": "all"}
_LISTS = ("severity", "priority", "tier")
_TIERS = (1, 2, 3)


class TargetFields(Shown):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    acknowledge = forms.CharField(
        label=gettext_lazy("Acknowledged within"),
        required=False,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off", "placeholder": "15m"}),
        help_text=gettext_lazy("Such as 15m or 1h30m. Empty: not promised."),
    )
    resolve = forms.CharField(
        label=gettext_lazy("Resolved within"),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off", "placeholder": "4h"}),
    )
    hours = forms.ChoiceField(label=HOURS_LABEL, choices=HOURS)
    severity = forms.MultipleChoiceField(
        label=gettext_lazy("Severity"),
        required=False,
        choices=[(severity_name(one), severity_name(one)) for one in SCALE],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
    )
    priority = forms.MultipleChoiceField(
        label=gettext_lazy("Priority"),
        required=False,
        choices=[(priority_name(one), priority_name(one)) for one in SCALE],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
    )
    tier = forms.MultipleChoiceField(
        label=gettext_lazy("Tier of the service"),
        required=False,
        choices=[(str(one), str(one)) for one in _TIERS],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        help_text=gettext_lazy("Of severity, priority and tier: none chosen means any."),
    )


@dataclass(frozen=True, slots=True)
class TargetRow:
    name: str
    number: int
    title: str
    fields: TargetFields
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class SlaPage:
    rows: Sequence[TargetRow]
    wrong: Sequence[Wrong]
    focus: str


def document_sent(data: QueryDict) -> dict[str, Any]:
    """The form as a document; `sla_parse` says what is wrong with it."""

    def read(name: str) -> Row:
        row: Row = {key: data.get(f"{name}-{key}", "").strip() for key in ("name", "acknowledge", "resolve")}
        row |= {key: data.getlist(f"{name}-{key}") for key in _LISTS}
        row["tier"] = [int(one) if one in ("1", "2", "3") else one for one in row["tier"]]
        return {**row, "hours": data.get(f"{name}-hours", "all")}

    return {"targets": rows_sent(data, PREFIX, read, most=MAX_TARGETS)}


def act(document: dict[str, Any], wanted: str) -> str:
    return rows_act({PREFIX: (document["targets"], _BLANK, "name")}, wanted)


def page_of(document: dict[str, Any], problems: Sequence[Problem] = (), *, focus: str = "") -> SlaPage:
    rows = [
        _row(index, row, is_first=is_first, is_last=is_last, focus=focus)
        for index, row, is_first, is_last in numbered(document["targets"])
    ]
    return SlaPage(rows, [_wrong(problem, rows) for problem in problems], focus)


def _row(index: int, row: Row, *, is_first: bool, is_last: bool, focus: str) -> TargetRow:
    name = f"{PREFIX}-{index}"
    values = {f"{name}-{key}": row.get(key, blank) for key, blank in _BLANK.items()}
    values[f"{name}-tier"] = [str(one) for one in row.get("tier", [])]
    fields = TargetFields(values, prefix=name, auto_id="%s")
    if focus == f"{name}-name":
        fields.fields["name"].widget.attrs["autofocus"] = True
    return TargetRow(name, index + 1, row.get("name") or _("New target"), fields, is_first, is_last)


def _wrong(problem: Problem, rows: Sequence[TargetRow]) -> Wrong:
    keys = problem.keys
    if len(keys) > 1 and isinstance(keys[1], int) and keys[1] < len(rows):
        row = rows[keys[1]]
        field = str(keys[2]) if len(keys) > 2 else "name"
        if field in row.fields.fields:
            mend(row.fields, field, problem.message)
            where = _("%(target)s, %(field)s") % {"target": row.title, "field": row.fields.fields[field].label}
            return Wrong(f"{row.name}-{field}", where, problem.message)
        return Wrong(row.name, row.title, problem.message)
    return Wrong("policy-form", "", problem.message)
