"""A condition's JSON form: read, checked, written, described by its schema, and said in words."""

from __future__ import annotations

import json
from datetime import time
from typing import Any

import jsonschema
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import (
    OPERATORS,
    VOCABULARY,
    Check,
    Condition,
    Day,
    Kind,
    Operator,
    Range,
    Window,
    all_of,
    any_of,
    condition_dump,
    condition_parse,
    condition_problems,
    condition_schema,
    condition_sentence,
    condition_text,
    none_of,
    operator_label,
)
from policies.reading import DefinitionInvalid
from tests.policies.condition_worlds import conditions
from tests.policies.strategies import steady

SCHEMA = jsonschema.Draft202012Validator(condition_schema())
WINDOW = {"days": ["fri"], "from": "22:00", "to": "06:00"}


def problems_of(data: object) -> list[str]:
    with pytest.raises(DefinitionInvalid) as caught:
        condition_parse(data)
    return str(caught.value).split("\n")


@steady
@given(conditions())
def test_when_any_condition_is_written_and_read_then_it_is_the_same_and_fits_the_schema(condition: Condition) -> None:
    data = json.loads(json.dumps(condition_dump(condition)))

    assert condition_parse(data) == condition
    assert condition_problems(condition) == ()
    assert list(SCHEMA.iter_errors(data)) == []


@steady
@given(conditions())
def test_when_any_condition_is_said_then_it_is_one_sentence(condition: Condition) -> None:
    sentence = condition_sentence(condition)

    assert sentence.endswith(".")
    assert "%(" not in sentence
    assert condition_text(condition).text


def test_when_the_schema_is_checked_then_it_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(condition_schema())


def test_when_a_check_is_written_briefly_then_what_is_left_out_is_understood() -> None:
    assert condition_parse({"fact": "vip"}) == Check("vip", Operator.IS, True)
    assert condition_parse({"fact": "region", "value": " EU "}) == Check("region", Operator.IS, "EU")
    assert condition_parse({"fact": "text", "value": "outage"}) == Check("text", Operator.KEYWORD, ("outage",))
    assert condition_parse({"fact": "labels.cpu", "value": 5.0}) == Check("labels.cpu", Operator.IS, "5")
    assert condition_parse({"fact": "time", "value": {"from": "18:00", "to": "24:00"}}) == Check(
        "time", Operator.WITHIN, (Window(tuple(Day), time(18), time(0)),)
    )
    assert condition_parse({"fact": "severity", "value": "sev-2"}) == Check("severity", Operator.IS, 2)
    assert condition_parse({"fact": "age", "operator": "gt", "value": "1h30m"}) == Check("age", Operator.GT, 5400)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (5, "must be an object with named fields"),
        ({}, "fact: must not be empty"),
        ({"all": []}, None),
        ({"any": []}, "any: needs at least one entry"),
        ({"all": None}, "all: needs at least one entry"),
        ({"none": [{"all": []}]}, "none[0].all: needs at least one entry"),
        ({"all": [{"fact": "vip"}], "any": []}, "must have one member only: all, any or none"),
        ({"fact": "sevrity", "value": 1}, "fact: names no fact that is known"),
        ({"fact": "labels.", "value": "x"}, "fact: names no fact that is known"),
        ({"fact": "severity", "value": 6}, "value: must be one of SEV-1, SEV-2, SEV-3, SEV-4, SEV-5"),
        ({"fact": "severity", "value": "2"}, "value: must be one of SEV-1, SEV-2, SEV-3, SEV-4, SEV-5"),
        ({"fact": "impact", "value": 6}, "value: must be a whole number from 1 to 5"),
        (
            {"fact": "severity", "operator": "lt", "value": 2},
            "operator: must be one of is, is_not, one_of, none_of, at_least, at_most, known, unknown",
        ),
        ({"fact": "severity", "operator": "one_of", "value": [1, 1]}, "value[1]: is named a second time"),
        ({"fact": "severity", "operator": "one_of", "value": 1}, "value: must be a list"),
        ({"fact": "severity"}, "value: must not be empty"),
        ({"fact": "segment", "value": "regular"}, "value: must be one of internal, external"),
        ({"fact": "vip", "value": "yes"}, "value: must be true or false"),
        ({"fact": "vip", "operator": "known", "value": True}, "value: must be left out with this operator"),
        ({"fact": "slo_burn", "operator": "gt", "value": "fast"}, "value: must be a number"),
        ({"fact": "slo_burn", "operator": "gt", "value": float("nan")}, "value: must be a number"),
        (
            {"fact": "slo_burn", "operator": "between", "value": {"from": 3, "to": 1}},
            "value.to: must not be smaller than the start",
        ),
        ({"fact": "slo_burn", "operator": "between", "value": {"from": 3}}, "value.to: must not be empty"),
        (
            {"fact": "age", "operator": "gt", "value": "soon"},
            'value: must be a duration such as "5m", "90s" or "1h30m", or a whole number of seconds',
        ),
        (
            {"fact": "refires", "operator": "ge", "value": 3},
            'within: must say in which span they are counted, such as "24h"',
        ),
        ({"fact": "refires", "operator": "ge", "value": 3, "within": "91d"}, "within: is longer than 90 days"),
        ({"fact": "vip", "within": "1h"}, "within: does not belong to this fact"),
        ({"fact": "vip", "calendar": "support"}, "calendar: does not belong to this fact"),
        (
            {"fact": "weekday", "value": "sat", "zone": "Mars/Base"},
            "zone: is no time zone; one looks like “Europe/Rome”",
        ),
        ({"fact": "weekday", "value": "Saturday"}, "value: must be one of mon, tue, wed, thu, fri, sat, sun"),
        ({"fact": "time", "value": WINDOW | {"to": "25:00"}}, 'value.to: must be a time such as "09:00" or "17:30"'),
        (
            {"fact": "time", "value": [WINDOW | {"days": ["someday"]}]},
            "value[0].days[0]: must be one of mon, tue, wed, thu, fri, sat, sun",
        ),
        ({"fact": "text", "value": ["outage", "!!"]}, "value[1]: has no letter or digit in it"),
        ({"fact": "text", "operator": "matches", "value": "(pay"}, "value: has a “(” that is never closed"),
        ({"fact": "text", "operator": "matches", "value": r"(a)\1"}, "value: has “\\1”, which means nothing here"),
        (
            {"fact": "vip", "valeu": 1},
            "valeu: is not a known field; known are fact, operator, value, within, zone, calendar",
        ),
        ({"all": [{"fact": "vip"}] * 101}, "all: has more than 100 entries"),
        ({"all": [{"all": [{"fact": "vip"}] * 60}] * 2}, "has more than 100 checks"),
    ],
)
def test_when_a_condition_is_wrong_then_the_message_says_where_and_what(data: object, problem: str | None) -> None:
    if problem is None:
        condition_parse(data)
    else:
        assert problem in problems_of(data)


def test_when_several_things_are_wrong_then_all_are_named_at_once() -> None:
    data = {"all": [{"fact": "tier", "value": 4}, {"any": [{"fact": "vip", "value": 1}]}]}

    assert problems_of(data) == [
        "all[0].value: must be a whole number from 1 to 3",
        "all[1].any[0].value: must be true or false",
    ]


def test_when_groups_are_nested_too_deeply_then_that_is_refused() -> None:
    data: dict[str, Any] = {"fact": "vip"}
    for _level in range(5):
        data = {"any": [data]}

    condition_parse(data)
    assert problems_of({"any": [data]})[0].endswith("is nested more than 5 deep")


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("22:00"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "none", "fact", "operator", "value", "within", "zone", "from", "to"]), inner
        )
    ),
    max_leaves=10,
)
_ALMOST = st.fixed_dictionaries(
    {
        "fact": st.sampled_from([*(fact.name for fact in VOCABULARY), "labels.x"]),
        "operator": st.sampled_from([operator.value for operator in Operator]),
        "value": _ANYTHING,
    },
    optional={"within": _ANYTHING, "zone": _ANYTHING},
)


@steady
@given(_ANYTHING | _ALMOST)
def test_when_anything_at_all_is_read_then_the_answer_is_a_condition_or_a_list_of_problems(data: object) -> None:
    try:
        condition = condition_parse(data)
    except DefinitionInvalid:
        return
    assert list(SCHEMA.iter_errors(data)) == []
    assert condition_parse(condition_dump(condition)) == condition


def name(fact: str, value: str) -> str:
    return {"payments": "Payments API", "checkout": "Checkout"}.get(value, value) if fact == "service" else value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"all": []}, "In every case."),
        ({"fact": "severity", "operator": "at_least", "value": 2}, "The severity is SEV-1 or SEV-2."),
        (
            {"fact": "service", "operator": "one_of", "value": ["payments", "checkout"]},
            "The service is Payments API or Checkout.",
        ),
        (
            {"fact": "environment", "operator": "is_not", "value": "production"},
            "The environment is known and is not “production”.",
        ),
        ({"fact": "labels.team", "value": "core"}, "The label “team” is “core”."),
        ({"fact": "tier", "operator": "at_most", "value": 2}, "The tier of the service is tier 2 or tier 3."),
        ({"fact": "vip"}, "A VIP customer is affected."),
        ({"fact": "vip", "value": False}, "No VIP customer is affected."),
        ({"fact": "regulated", "operator": "unknown"}, "It is not known whether the service is regulated."),
        ({"fact": "slo_burn", "operator": "gt", "value": 14.4}, "The SLO burn rate is above 14.4×."),
        (
            {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"},
            "The number of similar incidents is 3 or more within 1 day.",
        ),
        ({"fact": "time_in_state", "operator": "ge", "value": "30m"}, "The time in this state is 30 minutes or more."),
        (
            {"fact": "text", "value": ["outage", "down"]},
            "The title or description has the word “outage” or “down” or one that means the same.",
        ),
        (
            {
                "fact": "time",
                "value": {"days": ["mon", "tue", "wed"], "from": "22:00", "to": "06:00"},
                "zone": "Europe/Rome",
            },
            "The time is within 22:00–06:00 on Monday to Wednesday on the clock of Europe/Rome.",
        ),
        ({"fact": "weekday", "operator": "none_of", "value": ["sat", "sun"]}, "The day is not Saturday or Sunday."),
        (
            {"fact": "business_hours", "value": False, "calendar": "support"},
            "It is outside business hours by the calendar “support”.",
        ),
        ({"none": [{"fact": "vip"}]}, "It is not so that a VIP customer is affected."),
        (
            {"none": [{"fact": "vip"}, {"fact": "outage"}]},
            "None of these is so: a VIP customer is affected; a service is down.",
        ),
    ],
)
def test_when_a_condition_is_said_then_it_reads_like_prose(data: object, words: str) -> None:
    assert condition_sentence(condition_parse(data), name=name) == words


def test_when_groups_stand_within_groups_then_brackets_leave_no_doubt() -> None:
    payments, checkout = (Check("service", Operator.IS, slug) for slug in ("payments", "checkout"))
    vip = Check("vip", Operator.IS, True)

    assert condition_sentence(all_of(vip, any_of(payments, checkout)), name=name) == (
        "A VIP customer is affected, and (the service is Payments API, or the service is Checkout)."
    )
    assert condition_sentence(any_of(all_of(vip, payments), none_of(checkout)), name=name) == (
        "(A VIP customer is affected, and the service is Payments API), or it is not so that the service is Checkout."
    )


def test_when_a_condition_is_listed_then_groups_are_headings_over_their_parts() -> None:
    text = condition_text(condition_parse({"any": [{"fact": "vip"}, {"none": [{"fact": "outage"}]}]}))

    assert text.text == "At least one of these:"
    assert [part.text for part in text.parts] == ["A VIP customer is affected.", "None of these:"]
    assert text.parts[1].parts[0].text == "A service is down."


@pytest.mark.parametrize("kind", list(Kind))
def test_when_a_form_offers_operators_then_every_one_has_words(kind: Kind) -> None:
    labels = [operator_label(operator, kind) for operator in OPERATORS[kind]]

    assert all(labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("language", ["en", "it", "nl"])
def test_when_any_fact_is_said_in_any_language_then_no_place_is_left_open(language: str) -> None:
    values = {"range": Range(1, 2)}
    with translation.override(language):
        for fact in VOCABULARY:
            known = fact.name.replace("*", "x")
            for operator in OPERATORS[fact.kind]:
                sentence = condition_sentence(
                    Check(known, operator, values["range"] if operator == "between" else None)
                )
                assert "%(" not in sentence
