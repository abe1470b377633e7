"""A policy's JSON form: read, checked, written, and described by its schema."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.definition import (
    MAX_CYCLES,
    MAX_LEVELS,
    MAX_TARGETS,
    POLICY_SCHEMA,
    Entry,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
    policy_dump,
    policy_parse,
    policy_problems,
)
from policies.durations import duration_seconds, duration_text
from policies.examples import default_policy, simple_policy, staged_policy
from policies.reading import MAX_SECONDS, DefinitionInvalid
from tests.policies.strategies import policies, steady

PRIMARY = {"kind": "schedule", "ref": "payments", "role": "primary"}
SCHEMA = jsonschema.Draft202012Validator(POLICY_SCHEMA)
SAM = TargetDef(TargetKind.USER, "sam")
MIA = TargetDef(TargetKind.USER, "mia")
BOB = {"kind": "user", "ref": "bob"}


def a_level(**changes: Any) -> dict[str, Any]:
    return {"name": "Primary", "targets": [PRIMARY], "ack_timeout": "5m", **changes}


def a_policy(**changes: Any) -> dict[str, Any]:
    return {"levels": [a_level()], **changes}


def problems_of(data: object) -> list[str]:
    with pytest.raises(DefinitionInvalid) as caught:
        policy_parse(data)
    return str(caught.value).split("\n")


def test_when_a_policy_is_written_briefly_then_the_defaults_are_filled_in() -> None:
    assert policy_parse(a_policy()) == PolicyDef(
        levels=(
            LevelDef(
                name="Primary",
                targets=(TargetDef(TargetKind.SCHEDULE, "payments", Role.PRIMARY),),
                ack_timeout=Timeout(300, MeasuredFrom.LEVEL),
                resolve_timeout=None,
                start=Entry(0, MeasuredFrom.PREVIOUS),
            ),
        ),
        cycles=1,
        catch_all=(),
        mitigated_satisfies_resolution=True,
    )


@pytest.mark.requirement("R131")
def test_when_a_level_is_written_in_full_then_both_timeouts_and_their_origins_are_read() -> None:
    level = a_level(
        start={"delay": "20m", "measured_from": "start"},
        ack_timeout={"after": 600},
        resolve_timeout={"after": "1h", "measured_from": "start"},
        duty=" Take over. ",
    )

    read = policy_parse(a_policy(levels=[level])).levels[0]

    assert read.start == Entry(1200, MeasuredFrom.START)
    assert read.ack_timeout == Timeout(600, MeasuredFrom.LEVEL)
    assert read.resolve_timeout == Timeout(3600, MeasuredFrom.START)
    assert read.duty == "Take over."


def test_when_a_timeout_is_nothing_then_the_path_of_the_field_is_named() -> None:
    levels = [a_level(), a_level(ack_timeout=0)]

    assert problems_of(a_policy(levels=levels)) == ["levels[1].ack_timeout: must be longer than 0 seconds"]


def test_when_several_things_are_wrong_then_all_are_named_at_once() -> None:
    level = {"name": " ", "targets": [], "ack_timeout": {"after": "soon", "from": "now"}, "resolve_timeout": "40d"}

    assert problems_of({"levels": [level], "cycles": 0, "mitigated_satisfies_resolution": "yes", "lvls": 1}) == [
        "lvls: is not a known field; known are levels, cycles, catch_all, mitigated_satisfies_resolution, "
        "ack_expires, cycle_severities, starts_at, inform_skipped, final, overseer",
        "levels[0].name: must not be empty",
        "levels[0].targets: needs at least one entry",
        "levels[0].ack_timeout.from: is not a known field; known are after, measured_from, by_severity, hours, "
        "otherwise",
        'levels[0].ack_timeout.after: must be a duration such as "5m", "90s" or "1h30m", or a whole number of seconds',
        "levels[0].resolve_timeout: is longer than 30 days",
        f"cycles: must be a whole number from 1 to {MAX_CYCLES}",
        "mitigated_satisfies_resolution: must be true or false",
    ]


@pytest.mark.requirement("R130")
def test_when_a_level_has_nobody_to_tell_then_it_is_refused() -> None:
    assert problems_of(a_policy(levels=[a_level(targets=[])])) == ["levels[0].targets: needs at least one entry"]


@pytest.mark.requirement("R130")
def test_when_a_level_has_neither_timeout_then_it_is_refused() -> None:
    assert problems_of(a_policy(levels=[a_level(ack_timeout=None)])) == [
        "levels[0]: needs an acknowledgement timeout or a resolution timeout, or nothing would ever follow it"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"targets": [BOB | {"role": "primary"}]}, "targets[0].role: belongs to schedules only"),
        ({"targets": [{"ref": "bob"}]}, "targets[0].kind: must not be empty"),
        ({"targets": [{"kind": "user"}]}, "targets[0].ref: must not be empty"),
        ({"targets": [{"kind": "user", "ref": True}]}, "targets[0].ref: must be a text"),
        ({"targets": [{"kind": "user", "ref": 0}]}, f"targets[0].ref: must be a whole number from 1 to {2**63 - 1}"),
        (
            {"targets": [{"kind": "robot", "ref": "x"}]},
            "targets[0].kind: must be one of schedule, user, team, team_lead, manager, service_owner, functional_team, "
            "policy, chat_channel, webhook",
        ),
        ({"targets": [PRIMARY, PRIMARY]}, "targets[1]: names the same target a second time"),
        ({"targets": ["bob"]}, "targets[0]: must be an object with named fields"),
        ({"targets": "bob"}, "targets: must be a list"),
        ({"targets": [PRIMARY | {"ref": f"s{n}"} for n in range(21)]}, f"targets: has more than {MAX_TARGETS} entries"),
        ({"start": {"delay": -1}}, "start.delay: must not be negative"),
        ({"start": {"measured_from": "level"}}, "start.measured_from: must be one of previous, start, before_sla"),
        (
            {"ack_timeout": {"after": 5, "measured_from": "previous"}},
            "ack_timeout.measured_from: must be one of level, start, before_sla",
        ),
        ({"ack_mode": "none"}, "ack_mode: must be one of any, all"),
        ({"name": "x" * 101}, "name: is longer than 100 characters"),
        ({"name": "bell\x00"}, "name: holds characters that cannot be stored"),
        ({"duty": "\ud800"}, "duty: holds characters that cannot be stored"),
    ],
)  # fmt: skip
def test_when_a_part_of_a_level_is_wrong_then_the_message_says_where_and_what(
    change: dict[str, Any], problem: str
) -> None:
    assert f"levels[0].{problem}" in problems_of(a_policy(levels=[a_level(**change)]))


@pytest.mark.parametrize("data", [None, [], "policy", 5])
def test_when_the_whole_is_no_object_then_that_is_said_without_a_path(data: object) -> None:
    assert problems_of(data) == ["must be an object with named fields", "levels: needs at least one entry"]


def test_when_there_are_too_many_levels_then_the_policy_is_refused() -> None:
    assert problems_of(a_policy(levels=[a_level()] * (MAX_LEVELS + 1))) == [
        f"levels: has more than {MAX_LEVELS} entries"
    ]


def test_when_a_definition_is_refused_then_the_error_names_the_first_field_and_every_key() -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        policy_parse(a_policy(levels=[a_level(ack_timeout="later")]))

    assert caught.value.field == "levels[0].ack_timeout"
    assert caught.value.problems[0].keys == ("levels", 0, "ack_timeout")


def test_when_a_policy_is_made_in_code_then_its_problems_can_be_asked_for() -> None:
    someone = TargetDef(TargetKind.USER, "bob")

    assert policy_problems(PolicyDef((LevelDef("One", (someone,), Timeout(60)),))) == ()
    assert [problem.path for problem in policy_problems(PolicyDef((LevelDef("One", (someone,)),)))] == ["levels[0]"]


@pytest.mark.parametrize(
    "policy",
    [
        simple_policy(schedule="ops", backup=SAM),
        default_policy(schedule="ops", senior=SAM, manager=TargetDef(TargetKind.MANAGER)),
        staged_policy(schedule="ops", senior=SAM, leadership=(MIA, TargetDef(TargetKind.TEAM_LEAD))),
    ],
)
def test_when_a_policy_is_shipped_then_it_has_no_problems(policy: PolicyDef) -> None:
    assert policy_problems(policy) == ()
    assert policy_parse(policy_dump(policy)) == policy


@steady
@given(policies())
def test_when_any_policy_is_written_and_read_then_it_is_the_same_and_fits_the_schema(policy: PolicyDef) -> None:
    data = json.loads(json.dumps(policy_dump(policy)))

    assert list(SCHEMA.iter_errors(data)) == []
    assert policy_parse(data) == policy
    assert policy_problems(policy) == ()


def test_when_the_schema_is_checked_then_it_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(POLICY_SCHEMA)


@pytest.mark.parametrize(
    "data",
    [
        a_policy(levels=[]),
        a_policy(levels=[a_level(ack_timeout="5")]),
        a_policy(levels=[a_level(ack_timeout="")]),
        a_policy(levels=[a_level(start={"measured_from": "level"})]),
        a_policy(extra=1),
    ],
)
def test_when_the_schema_refuses_a_form_then_so_does_the_reader(data: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(data)
    with pytest.raises(DefinitionInvalid):
        policy_parse(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["levels", "name", "targets", "kind", "ref", "start", "ack_timeout"]), inner)
    ),
    max_leaves=12,
)


@steady
@given(_JSON)
def test_when_anything_at_all_is_read_then_the_answer_is_a_policy_or_a_list_of_problems(data: object) -> None:
    try:
        policy = policy_parse(data)
    except DefinitionInvalid:
        return
    assert policy.levels


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1d2h3m4s", 93_784), (" 1H 30M ", 5400), ("0s", 0)],
)
def test_when_a_duration_is_written_then_it_is_read_in_seconds(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "30m1h", "1h1h", "-5m", "1.5h", "5 minutes", "٥m"])
def test_when_a_duration_is_unclear_then_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        duration_seconds(text)


@steady
@given(st.integers(min_value=0, max_value=MAX_SECONDS))
def test_when_seconds_are_written_as_text_then_the_text_means_the_same(seconds: int) -> None:
    assert duration_seconds(duration_text(seconds)) == seconds
