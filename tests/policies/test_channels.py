"""Channel criteria: the first rule that holds says by which kinds of contact method people are paged. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from policies.channels import (
    ChannelCriteria,
    channels_dump,
    channels_lines,
    channels_parse,
    channels_schema,
    ways_left,
)
from policies.conditions import facts_of
from policies.reading import DefinitionInvalid

WAKE = {
    "key": "wake",
    "name": "Wake people",
    "when": {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
    "use": ["voice", "sms"],
    "reason": "E-mail wakes nobody.",
}
QUIET = {"key": "quiet", "name": "Quiet", "when": {"fact": "vip", "operator": "is", "value": False}, "use": ["email"]}
AT = datetime(2026, 11, 22, 2, 9, tzinfo=UTC)


def chosen(document: dict[str, Any], **facts: object) -> str | None:
    choice = ChannelCriteria(channels_parse(document)).choose(facts_of(facts, at=AT))
    return choice.rule.key if choice else None


def test_when_several_criteria_hold_then_the_first_decides_and_a_switched_off_one_never_does() -> None:
    book = {"rules": [WAKE, QUIET]}

    assert chosen(book, severity=1, vip=False) == "wake"
    assert chosen(book, severity=4, vip=False) == "quiet"
    assert chosen(book, severity=4, vip=True) is None
    assert chosen({"rules": [{**WAKE, "enabled": False}, QUIET]}, severity=1, vip=False) == "quiet"


@pytest.mark.parametrize(
    ("ways", "use", "left"),
    [
        (("email", "sms", "voice"), ("voice", "sms"), ("sms", "voice")),
        (("email",), ("voice", "sms"), ("email",)),
        (("email", "sms"), (), ("email", "sms")),
        ((), ("email",), ()),
    ],
)
def test_criteria_choose_among_a_person_s_methods_in_their_order_and_never_leave_them_none(
    ways: tuple[str, ...], use: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert ways_left(ways, use) == left


def test_a_document_is_read_back_as_it_was_written_and_its_schema_agrees() -> None:
    document = channels_dump(channels_parse({"rules": [WAKE, QUIET]}))

    assert channels_dump(channels_parse(document)) == document
    jsonschema.Draft202012Validator(channels_schema()).validate(document)
    lines = channels_lines(channels_parse(document))
    assert "by call and SMS only" in lines["1. Wake people"]
    assert "E-mail wakes nobody." in lines["1. Wake people"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"use": []}, "rules[0].use"),
        ({"use": ["pigeon"]}, "rules[0].use[0]"),
        ({"key": "A B"}, "rules[0].key"),
        ({"when": {"fact": "colour"}}, "rules[0].when.fact"),
    ],
)
def test_when_a_criterion_cannot_be_then_the_field_at_fault_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        channels_parse({"rules": [{**WAKE, **change}]})

    assert [one.path for one in refused.value.problems] == [problem]
