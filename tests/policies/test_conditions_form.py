"""The form in which conditions are written: rows added, moved and removed, with every mistake at its row."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import ALWAYS, OPERATORS, VOCABULARY, Condition, Group, all_of, condition_parse
from policies.conditions_form import (
    CheckDraft,
    ConditionField,
    ConditionForm,
    GroupDraft,
    act,
    document_of,
    draft_of,
    draft_sent,
    is_act,
)
from tests.policies.condition_worlds import conditions
from tests.policies.strategies import steady


class WhenForm(ConditionForm):
    when = ConditionField()


def sent(draft: GroupDraft, prefix: str = "when") -> QueryDict:
    """What a browser sends of the form that shows `draft`."""
    data = QueryDict(mutable=True)
    _send(data, draft, prefix)
    return data


def _send(data: QueryDict, draft: GroupDraft | CheckDraft, name: str) -> None:
    if isinstance(draft, GroupDraft):
        data[f"{name}-join"] = draft.join
        for number, part in enumerate(draft.parts):
            _send(data, part, f"{name}-{number}")
        return
    for plain in ("fact", "key", "operator", "value", "lines", "least", "most", "within", "zone", "calendar"):
        data[f"{name}-{plain}"] = getattr(draft, plain)
    data.setlist(f"{name}-values", draft.values)
    for number, window in enumerate(draft.windows):
        data.setlist(f"{name}-window-{number}-days", window.days)
        data[f"{name}-window-{number}-start"] = window.start
        data[f"{name}-window-{number}-end"] = window.end


def draft(*facts: str) -> GroupDraft:
    return GroupDraft("all", [CheckDraft(fact) for fact in facts])


def facts_in(group: GroupDraft) -> list[Any]:
    return [facts_in(part) if isinstance(part, GroupDraft) else part.fact for part in group.parts]


@steady
@given(conditions())
def test_when_any_condition_is_shown_in_the_form_and_sent_then_it_comes_back_as_it_was(condition: Condition) -> None:
    form = WhenForm(sent(draft_of(condition)))

    assert form.is_valid(), form.errors
    whole = condition if isinstance(condition, Group) else all_of(condition)
    assert form.cleaned_data["when"] == whole
    assert 'id="when-builder"' in str(form["when"])


@pytest.mark.parametrize("fact", [fact.name for fact in VOCABULARY])
def test_when_a_fact_is_chosen_then_its_row_can_be_drawn_with_every_operator(fact: str) -> None:
    kind = next(one.kind for one in VOCABULARY if one.name == fact)

    for operator in OPERATORS[kind]:
        page = str(posted(GroupDraft("all", [CheckDraft(fact, operator=operator.value)]), "when-show")["when"])
        assert f'<option value="{fact}" selected>' in page
        assert f'<option value="{operator.value}" selected>' in page


def posted(group: GroupDraft, button: str) -> WhenForm:
    data = sent(group)
    data["do"] = button
    return WhenForm(data)


def test_when_the_rows_make_no_condition_then_each_mistake_stands_at_its_row() -> None:
    rows = GroupDraft("all", [CheckDraft("slo_burn", operator="gt", value="fast"), CheckDraft("refires", value="2")])

    form = posted(rows, "save")

    assert form.errors["when"] == ["2 things in the condition need mending."]
    page = str(form["when"])
    assert "The value must be a number." in page
    assert "The span of time must say in which span they are counted" in page
    assert 'aria-describedby="when-0-errors"' in page
    assert 'value="fast"' in page


def test_when_a_button_of_the_builder_is_pressed_then_nothing_is_checked_and_nothing_is_saved() -> None:
    form = posted(GroupDraft("all", [CheckDraft("slo_burn", operator="gt", value="fast")]), "when-add-check")

    assert form.redraws
    assert not form.errors
    assert 'id="when-1-fact"' in str(form["when"])


def test_when_another_button_is_pressed_then_the_form_is_checked() -> None:
    assert not posted(draft("vip"), "save").redraws
    assert not posted(draft("vip"), "other-0-remove").redraws


def test_when_the_form_is_shown_first_then_it_holds_what_it_was_given() -> None:
    page = str(WhenForm(initial={"when": condition_parse({"fact": "region", "value": "EU"})})["when"])

    assert 'value="EU"' in page
    assert "The region is “EU”." in page


def test_when_a_condition_is_required_then_an_empty_one_is_refused_and_else_it_holds_always() -> None:
    class Optional(ConditionForm):
        when = ConditionField(required=False)

    assert not WhenForm(sent(GroupDraft())).is_valid()
    free = Optional(sent(GroupDraft()))
    assert free.is_valid()
    assert free.cleaned_data["when"] == ALWAYS


@pytest.mark.parametrize(
    ("button", "rows", "focus"),
    [
        ("when-add-check", ["vip", "tier", ["age", "outage"], "severity"], "when-3-fact"),
        ("when-2-add-check", ["vip", "tier", ["age", "outage", "severity"]], "when-2-2-fact"),
        ("when-add-group", ["vip", "tier", ["age", "outage"], ["severity"]], "when-3-join"),
        ("when-0-remove", ["tier", ["age", "outage"]], "when-0-remove"),
        ("when-2-remove", ["vip", "tier"], "when-1-remove"),
        ("when-2-0-down", ["vip", "tier", ["outage", "age"]], "when-2-1-up"),
        ("when-2-up", ["vip", ["age", "outage"], "tier"], "when-1-up"),
        ("when-0-up", ["vip", "tier", ["age", "outage"]], ""),
        ("when-9-remove", ["vip", "tier", ["age", "outage"]], ""),
        ("when-0-0-remove", ["vip", "tier", ["age", "outage"]], ""),
        ("when-show", ["vip", "tier", ["age", "outage"]], ""),
        ("what-0-remove", ["vip", "tier", ["age", "outage"]], ""),
    ],
)
def test_when_a_button_is_pressed_then_rows_change_and_the_focus_follows(
    button: str, rows: list[Any], focus: str
) -> None:
    group = GroupDraft("all", [CheckDraft("vip"), CheckDraft("tier"), draft("age", "outage")])

    assert act(group, button, "when") == focus
    assert facts_in(group) == rows


def test_when_hours_are_added_and_removed_then_the_row_keeps_the_others() -> None:
    group = draft("time")

    assert act(group, "when-0-add-window", "when") == "when-0-window-0-start"
    act(group, "when-0-add-window", "when")
    assert act(group, "when-0-window-0-remove", "when") == "when-0-add-window"
    assert document_of(group)["all"][0]["value"] == [
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "09:00", "to": "17:00"}
    ]


@steady
@given(st.text(alphabet="when-0123adcheckremovpuiw", max_size=30), conditions())
def test_when_a_button_has_any_name_at_all_then_nothing_breaks(name: str, condition: Condition) -> None:
    group = draft_of(condition)

    act(group, name, "when")
    is_act(name, "when")
    draft_sent(sent(group), "when")


def test_when_a_number_is_written_with_a_comma_then_it_is_understood() -> None:
    form = WhenForm(sent(GroupDraft("all", [CheckDraft("slo_burn", operator="gt", value="14,4")])))

    assert form.is_valid()
    assert form.cleaned_data["when"] == condition_parse(
        {"all": [{"fact": "slo_burn", "operator": "gt", "value": 14.4}]}
    )


def test_when_a_list_was_never_touched_then_it_means_what_it_shows() -> None:
    form = WhenForm(sent(draft("severity", "segment", "weekday")))

    assert form.is_valid(), form.errors
    assert form.cleaned_data["when"] == condition_parse(
        {
            "all": [
                {"fact": "severity", "value": "SEV-1"},
                {"fact": "segment", "value": "internal"},
                {"fact": "weekday", "value": "mon"},
            ]
        }
    )


def test_when_values_come_from_rows_then_they_are_offered() -> None:
    class Offering(ConditionForm):
        when = ConditionField(
            offers={"service": [("payments", "Payments API")]}, name_value=lambda _fact, _value: "Payments API"
        )

    page = str(Offering(initial={"when": condition_parse({"fact": "service", "value": "payments"})})["when"])

    assert '<option value="payments">Payments API</option>' in page
    assert "The service is Payments API." in page


def test_when_the_form_holds_what_it_held_before_then_it_has_not_changed() -> None:
    condition = condition_parse({"all": [{"fact": "vip"}]})

    assert not WhenForm(sent(draft_of(condition)), initial={"when": condition}).has_changed()
    assert WhenForm(sent(draft("vip", "outage")), initial={"when": condition}).has_changed()
