"""The form of a policy and its document say the same, whatever the policy."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from policies.definition import PolicyDef, TargetDef, TargetKind, policy_dump, policy_parse
from policies.editing.acts import act
from policies.editing.documents import document_of, draft_of, field_of, targets_named
from policies.editing.draft import Draft, draft_sent, sent_of, target_document, target_text
from policies.examples import EXAMPLES, People
from policies.reading import DefinitionInvalid
from tests.policies.strategies import policies, steady

PEOPLE = People(schedule="payments", specialists="database", senior=TargetDef(TargetKind.USER, "ines"))


def hybrid() -> Draft:
    return draft_of(EXAMPLES[-1].build(PEOPLE), name="Hybrid")


def through_the_browser(draft: Draft) -> Draft:
    data = QueryDict(mutable=True)
    for name, values in sent_of(draft).items():
        data.setlist(name, values)
    return draft_sent(data)


@pytest.mark.requirement("R076")
@steady
@given(policies())
def test_a_policy_comes_back_from_the_form_as_it_went_in(policy: PolicyDef) -> None:
    assert policy_dump(policy_parse(document_of(through_the_browser(draft_of(policy))))) == policy_dump(policy)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.key)
def test_every_ready_example_comes_back_from_the_form(example: object) -> None:
    policy = example.build(PEOPLE)  # type: ignore[attr-defined]  # parametrize loses the type
    assert policy_parse(document_of(through_the_browser(draft_of(policy)))) == policy


@given(st.text(max_size=30) | st.integers(1, 10**15))
def test_a_target_of_any_name_is_one_text_and_comes_back(ref: str | int) -> None:
    target = TargetDef(TargetKind.USER, ref or "x")
    assert target_document(target_text(target)) == {"kind": "user", "ref": ref or "x", "pick": "all"}


@pytest.mark.parametrize("text", ["", "|", "nonsense", "user", "user|#", "policy|#x|y|z|w|v", "manager|a||99|all"])
def test_a_target_that_nobody_offered_is_named_and_breaks_nothing(text: str) -> None:
    draft = hybrid()
    draft.levels[0].lists["target"] = ["", text]
    with pytest.raises(DefinitionInvalid) as error:
        policy_parse(document_of(draft))
    assert {field_of(one.keys, draft) for one in error.value.problems} <= {"level-0-target-0", "level-0-target-1"}
    assert targets_named(draft)


def wrong_fields(draft: Draft) -> set[str]:
    with pytest.raises(DefinitionInvalid) as error:
        policy_parse(document_of(draft))
    return {field_of(one.keys, draft) for one in error.value.problems}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("name", ""),
        ("ack", "soon"),
        ("ack_sev1", "quickly"),
        ("ack_from", "noon"),
        ("resolve_otherwise", ""),
        ("resolve_hours", "lunch"),
        ("delay", "-1"),
        ("repeat_every", ""),
        ("repeat_times", "0"),
        ("if_unreachable", "cry"),
        ("duty", "x" * 1001),
    ],
)
def test_a_problem_of_a_level_leads_to_its_field(name: str, text: str) -> None:
    draft = hybrid()
    draft.levels[0].texts[name] = text
    assert f"level-0-{name}" in wrong_fields(draft)


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("cycles", "many", "cycles"),
        ("start_sev1", "9", "start_sev1"),
        ("final_every", "", "final_every"),
        ("final_times", "0", "final_times"),
    ],
)
def test_a_problem_of_the_whole_leads_to_its_field(name: str, text: str, field: str) -> None:
    draft = hybrid()
    draft.texts[name] = text
    assert wrong_fields(draft) == {field}


def test_when_a_level_has_no_time_then_the_time_to_acknowledge_is_at_fault() -> None:
    draft = hybrid()
    act(draft, "level-2-repeat-remove")
    draft.levels[2].texts["ack"] = ""
    assert wrong_fields(draft) == {"level-2-ack"}


# --- buttons


def test_when_a_level_moves_then_the_severities_that_begin_at_it_follow() -> None:
    draft = hybrid()
    draft.texts |= {"start_sev1": "2", "start_sev2": "3"}
    assert act(draft, "level-1-up") == "level-0-down"
    assert [level.text("name") for level in draft.levels][:2] == ["Backup and specialists", "Primary on call"]
    assert (draft.text("start_sev1"), draft.text("start_sev2")) == ("1", "3")
    act(draft, "level-0-remove")
    assert (draft.text("start_sev1"), draft.text("start_sev2")) == ("", "2")


@pytest.mark.parametrize(
    ("name", "focus"),
    [
        ("level-add", "id_level-3-name"),
        ("level-0-target-add", "level-0-target-1"),
        ("level-1-target-0-remove", "level-1-target-0-remove"),
        ("level-1-finer-remove", "level-1-finer-add"),
        ("level-1-repeat-add", "id_level-1-repeat_every"),
        ("level-1-raci-add", "level-1-accountable-0"),
        ("level-0-up", "level-0-up"),
        ("catch_all-add", "catch_all-0"),
        ("catch_all-0-remove", ""),
        ("guideline-add", "guideline-0-title"),
        ("level-99-remove", ""),
        ("level-0-nonsense", ""),
        ("level-0-accountable-add", ""),
        ("", ""),
    ],
)
def test_a_button_says_where_the_focus_goes(name: str, focus: str) -> None:
    assert act(hybrid(), name) == focus


def test_when_raci_is_opened_then_those_who_are_told_are_responsible() -> None:
    draft = hybrid()
    act(draft, "level-1-raci-add")
    assert draft.levels[1].targets("responsible") == draft.levels[1].targets("target")
    assert wrong_fields(draft) == {"level-1-accountable-0"}
    act(draft, "level-1-raci-remove")
    assert policy_parse(document_of(draft)) == EXAMPLES[-1].build(PEOPLE)
