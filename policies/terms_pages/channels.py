"""The editor of channel criteria: a row for each rule, with its condition in the builder that every condition is written in.

A condition that nobody touched is kept as it was written: the builder shows a lone check in a group of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.book_pages.names import HouseNames
from policies.book_pages.rule_form import free_key
from policies.channels import KINDS, channels_words
from policies.channels.values import MAX_RULES
from policies.conditions import ALWAYS, condition_parse
from policies.conditions_form import (
    ConditionField,
    ConditionWidget,
    GroupDraft,
    document_of,
    draft_of,
    draft_sent,
    is_act,
)
from policies.conditions_form import act as condition_act
from policies.editing.fields import Shown, mend
from policies.reading import DefinitionInvalid, Problem
from policies.terms_pages.rows import Row, Wrong, numbered, rows_act, rows_sent, text_sent

PREFIX = "c"
_ACTION = "policies:channels"
_BLANK: Row = {"key": "", "name": "", "reason": "", "when": {"all": []}, "use": [], "enabled": True}
_NAMELESS = re.compile(r"rule(-\d+)?", re.ASCII)
"""A key that was made before there was a name: it is made again once there is one."""
_PLACE = re.compile(rf"{PREFIX}-(\d{{1,3}})-when-.+", re.ASCII)


class When(dict[str, Any]):
    """What the condition of a row means as a document, with the draft as it was typed and the document it began as."""

    def __init__(self, draft: GroupDraft, was: Any) -> None:
        meant = document_of(draft)
        began = _draft(was)
        super().__init__(was if began is not None and document_of(began) == meant else meant)
        self.draft, self.was = draft, was


def _draft(document: Any) -> GroupDraft | None:
    """The form of a document; None for one that cannot be read."""
    if document == {"all": []}:
        return draft_of(ALWAYS)
    try:
        return draft_of(condition_parse(document))
    except DefinitionInvalid:
        return None


class RuleFields(Shown):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=300)
    when = ConditionField(label=gettext_lazy("When"), required=False)
    use = forms.MultipleChoiceField(
        label=gettext_lazy("People are paged by"),
        choices=[(kind, kind) for kind in KINDS],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
    )
    enabled = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        use: Any = self.fields["use"]
        use.choices = [(kind, channels_words([kind])) for kind in KINDS]

    @property
    def builder(self) -> ConditionWidget:
        return cast(ConditionWidget, self.fields["when"].widget)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """``key`` and ``was``, its condition as it is stored, go along unseen."""

    name: str
    number: int
    title: str
    fields: RuleFields
    is_first: bool
    is_last: bool
    key: str
    was: str


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """``names`` are those of what conditions mention."""

    rows: Sequence[RuleRow]
    wrong: Sequence[Wrong]
    focus: str
    names: HouseNames


def document_sent(data: QueryDict) -> dict[str, Any]:
    """The form as a document; `channels_parse` says what is wrong with it."""

    def read(name: str) -> Row:
        return {
            **{key: text_sent(data, f"{name}-{key}") for key in ("key", "name", "reason")},
            "when": When(draft_sent(data, f"{name}-when"), _was_sent(data, name)),
            "use": data.getlist(f"{name}-use"),
            "enabled": f"{name}-enabled" in data,
        }

    rows = rows_sent(data, PREFIX, read, most=MAX_RULES)
    for row in rows:
        row["key"] = row["key"] or free_key(row["name"], [other["key"] for other in rows if other["key"]])
    return {"rules": rows}


def _was_sent(data: QueryDict, name: str) -> Any:
    try:
        return orjson.loads(data.get(f"{name}-was", ""))
    except orjson.JSONDecodeError:
        return None


def act(document: dict[str, Any], wanted: str) -> str:
    rules: list[Row] = document["rules"]
    place = _PLACE.fullmatch(wanted)
    row = rules[int(place[1])] if place and int(place[1]) < len(rules) else None
    prefix = wanted[: wanted.index("-when-") + len("-when")] if place else ""
    if row is not None and isinstance(row["when"], When) and is_act(wanted, prefix):
        draft, was = row["when"].draft, row["when"].was
        focus = condition_act(draft, wanted, prefix)
        row["when"] = When(draft, was)
        return focus
    return rows_act({PREFIX: (rules, _BLANK, "name")}, wanted)


def page_of(document: dict[str, Any], problems: Sequence[Problem] = (), *, focus: str = "") -> ChannelsPage:
    names = HouseNames()
    rows = [
        _row(index, row, names, is_first=is_first, is_last=is_last, focus=focus)
        for index, row, is_first, is_last in numbered(document["rules"])
    ]
    return ChannelsPage(rows, [_wrong(problem, rows) for problem in problems], focus, names)


def _row(index: int, row: Row, names: HouseNames, *, is_first: bool, is_last: bool, focus: str) -> RuleRow:
    name = f"{PREFIX}-{index}"
    values = {f"{name}-{key}": row.get(key, blank) for key, blank in _BLANK.items() if key not in ("when", "enabled")}
    if row.get("enabled", True):
        values[f"{name}-enabled"] = "on"
    when = row["when"]
    values[f"{name}-when"] = when.draft if isinstance(when, When) else _draft(when) or GroupDraft()
    fields = RuleFields(values, prefix=name, auto_id="%s")
    if focus == f"{name}-name":
        fields.fields["name"].widget.attrs["autofocus"] = True
    builder = fields.builder
    builder.offers, builder.name_value, builder.action, builder.focus = names.offers, names, reverse(_ACTION), focus
    return RuleRow(
        name,
        index + 1,
        row.get("name") or _("New criterion"),
        fields,
        is_first,
        is_last,
        "" if not row.get("name") and _NAMELESS.fullmatch(str(row["key"])) else str(row["key"]),
        orjson.dumps(when.was if isinstance(when, When) else when).decode(),
    )


def _wrong(problem: Problem, rows: Sequence[RuleRow]) -> Wrong:
    keys = problem.keys
    if len(keys) > 1 and isinstance(keys[1], int) and keys[1] < len(rows):
        row = rows[keys[1]]
        field = str(keys[2]) if len(keys) > 2 else "name"
        if field == "when":
            builder = row.fields.builder
            builder.problems = (*builder.problems, Problem(keys[3:], problem.message))
        if field in row.fields.fields:
            mend(row.fields, field, problem.message)
            where = _("%(target)s, %(field)s") % {"target": row.title, "field": row.fields.fields[field].label}
            return Wrong(f"{row.name}-{field}", where, problem.message)
        return Wrong(row.name, row.title, problem.message)
    return Wrong("policy-form", "", problem.message)
