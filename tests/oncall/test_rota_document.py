"""The written form of a schedule: read, refused with the path of each mistake, written back."""

# ruff: noqa: DTZ001  (local times have no zone)

import contextlib
from datetime import date, datetime, time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from oncall.rota import Every, FixedShift, LayerSpec, Restriction, ScheduleKind, ScheduleSpec, WhenAbsent
from oncall.rota_document import SCHEDULE_SCHEMA, DocumentInvalid, document_dump, document_load
from oncall.rota_document.load import LAYER_FIELDS, SCHEDULE_FIELDS
from oncall.rota_document.words import duration_of
from tests.oncall.rota_oracle import ALICE, BOB, CAROL, Case, cases

PEOPLE = {"alice": ALICE, "bob": BOB, "carol": CAROL}
VALIDATOR = Draft202012Validator(SCHEDULE_SCHEMA)


def written(text: str) -> Any:
    return yaml.safe_load(text)


def layer(**fields: object) -> dict[str, Any]:
    document = {"name": "Week", "start": "2026-01-05T09:00", "participants": ["alice"], **fields}
    return {"time_zone": "Europe/Rome", "layers": [document]}


def read(document: object) -> ScheduleSpec:
    return document_load(document, resolve_user=PEOPLE.get)


def problems(document: object) -> dict[str, str]:
    with pytest.raises(DocumentInvalid) as caught:
        read(document)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_when_a_schedule_is_written_by_hand_then_every_word_of_it_is_understood() -> None:
    spec = read(
        written("""
            time_zone: Europe/Rome
            layers:
              - name: Week
                start: 2026-01-05
                rotation: weekly
                every: 2
                handoff: mon 09:00
                participants: [alice, [bob, carol], []]
              - name: Nights
                role: secondary
                time_zone: Asia/Kolkata
                start: 2026-01-05T18:00:30
                end: 2027-01-31 18:00:00
                rotation: 24h
                participants: [carol]
                restrictions:
                  - {days: mon-wed, start: "22:00", end: "06:00"}
                  - {start: fri 17:00, end: mon 09:00}
                  - {days: [sunday], start: "00:00", end: "24:00"}
                turns_advance_when_closed: false
                when_absent: nobody
        """)
    )
    week = LayerSpec(
        name="Week",
        time_zone="Europe/Rome",
        start=datetime(2026, 1, 5, 9),
        every=2,
        handoff_time=time(9),
        handoff_weekday=0,
        participants=((ALICE,), (BOB, CAROL), ()),
    )
    nights = LayerSpec(
        name="Nights",
        role="secondary",
        time_zone="Asia/Kolkata",
        start=datetime(2026, 1, 5, 18, 0, 30),
        end=datetime(2027, 1, 31, 18),
        rotation=Every.DAILY,
        participants=((CAROL,),),
        restrictions=(
            *(Restriction(weekday=day, start=time(22), end=time(6)) for day in range(3)),
            Restriction(weekday=4, start=time(17), end=time(9), end_weekday=0),
            Restriction(weekday=6, start=time(0), end=time(0)),
        ),
        turns_advance_when_closed=False,
        when_absent=WhenAbsent.NOBODY,
    )
    assert spec == ScheduleSpec(time_zone="Europe/Rome", layers=(week, nights))


def test_when_shifts_are_listed_then_the_first_one_starts_the_layer() -> None:
    document = layer(
        rotation="fixed",
        start=None,
        shifts=[
            {"start": "2026-01-05T09:00", "end": "2026-01-06T09:00", "participants": "alice"},
            {"start": datetime(2026, 1, 7, 9), "end": date(2026, 1, 9), "participants": ["bob", "carol"]},
        ],
    )
    (found,) = read(document).layers
    assert found.start == datetime(2026, 1, 5, 9)
    assert found.fixed_shifts == (
        FixedShift(start=datetime(2026, 1, 5, 9), end=datetime(2026, 1, 6, 9), group=(ALICE,)),
        FixedShift(start=datetime(2026, 1, 7, 9), end=datetime(2026, 1, 9), group=(BOB, CAROL)),
    )


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"time_zone": "UTC", "members": ["alice", "bob"]}, ScheduleKind.EVERYONE),
        ({"time_zone": "UTC", "follow": "payments"}, ScheduleKind.FOLLOW),
        ({"time_zone": "UTC"}, ScheduleKind.LAYERS),
    ],
)
def test_when_no_kind_is_given_then_the_other_fields_tell_it(document: dict[str, Any], kind: ScheduleKind) -> None:
    assert read(document).kind is kind


@pytest.mark.parametrize(
    ("rotation", "unit", "every"),
    [
        ("7d", Every.WEEKLY, 1),
        ("2w", Every.WEEKLY, 2),
        ("10d", Every.DAILY, 10),
        ("12h", Every.HOURLY, 12),
        ("1d12h", Every.HOURLY, 36),
        (86_400, Every.DAILY, 1),
    ],
)
def test_when_a_rotation_is_a_duration_then_it_counts_in_the_largest_unit_that_fits(
    rotation: str | int, unit: Every, every: int
) -> None:
    (found,) = read(layer(rotation=rotation)).layers
    assert (found.rotation, found.every) == (unit, every)


@pytest.mark.parametrize(
    ("handoff", "rotation", "expected"),
    [
        ("09:30", "daily", (time(9, 30), None, None)),
        ("friday 17:00:30", "weekly", (time(17, 0, 30), 4, None)),
        ("31 09:00", "monthly", (time(9), None, 31)),
        ({"weekday": "tue"}, "weekly", (None, 1, None)),
        ({"day": 15, "time": "08:00"}, "monthly", (time(8), None, 15)),
    ],
)
def test_when_a_handoff_is_written_in_any_form_then_it_is_understood(
    handoff: object, rotation: str, expected: tuple[object, ...]
) -> None:
    (found,) = read(layer(handoff=handoff, rotation=rotation)).layers
    assert (found.handoff_time, found.handoff_weekday, found.handoff_day) == expected


MISTAKES = [
    ({"handoff": "nine"}, "layers[0].handoff", "time"),
    ({"handoff": "mon 09:00", "rotation": "daily"}, "layers[0].handoff", "does not go with this rotation"),
    ({"handoff": "32 09:00", "rotation": "monthly"}, "layers[0].handoff", "weekday and a time"),
    ({"handoff": 1050}, "layers[0].handoff", '"17:30"'),
    ({"handoff": 63030}, "layers[0].handoff", '"17:30:30"'),
    ({"handoff": "24:00"}, "layers[0].handoff", "time"),
    ({"start": None}, "layers[0].start", "must not be empty"),
    ({"start": "tomorrow"}, "layers[0].start", "2026-01-05T09:00"),
    ({"start": "2026-01-05T09:00+01:00"}, "layers[0].start", "offset"),
    ({"start": "0026-01-05T09:00"}, "layers[0].start", "out of range"),
    ({"end": "2025-01-05T09:00"}, "layers[0].end", "after the start"),
    ({"rotation": "yearly"}, "layers[0].rotation", "hourly, daily, weekly, monthly, fixed"),
    ({"rotation": "90m"}, "layers[0].rotation", "whole hours"),
    ({"rotation": 0}, "layers[0].rotation", "whole hours"),
    ({"rotation": "7d", "every": 2}, "layers[0].every", "duration"),
    ({"every": 0}, "layers[0].every", "from 1 to 1000"),
    ({"time_zone": "Europe/Atlantis"}, "layers[0].time_zone", "IANA"),
    ({"time_zone": "../../etc/passwd"}, "layers[0].time_zone", "IANA"),
    ({"name": " "}, "layers[0].name", "must not be empty"),
    ({"name": "We\x00ek"}, "layers[0].name", "cannot be shown"),
    ({"participants": ["mallory"]}, "layers[0].participants[0]", "mallory"),
    ({"participants": [["alice", "mallory"]]}, "layers[0].participants[0][1]", "mallory"),
    ({"participants": [["alice", "alice"]]}, "layers[0].participants[0]", "twice"),
    ({"participants": "alice"}, "layers[0].participants", "list"),
    ({"participants": [True]}, "layers[0].participants[0]", "name of a person"),
    ({"restrictions": [{"start": "09:00"}]}, "layers[0].restrictions[0].end", "time"),
    ({"restrictions": [{"start": "09:00", "end": "9"}]}, "layers[0].restrictions[0].end", "time"),
    ({"restrictions": [{"start": "09:00", "end": "mon 9:00"}]}, "layers[0].restrictions[0].start", "weekday too"),
    (
        {"restrictions": [{"days": "mon", "start": "mon 09:00", "end": "10:00"}]},
        "layers[0].restrictions[0].days",
        "does not go with",
    ),
    (
        {"restrictions": [{"days": ["mon", "moon"], "start": "09:00", "end": "10:00"}]},
        "layers[0].restrictions[0].days[1]",
        "mon, tue",
    ),
    ({"restrictions": [{"days": [], "start": "09:00", "end": "10:00"}]}, "layers[0].restrictions[0].days", "at least"),
    ({"turns_advance_when_closed": "no"}, "layers[0].turns_advance_when_closed", "true or false"),
    ({"when_absent": "panic"}, "layers[0].when_absent", "next, nobody"),
    ({"handof": "09:00"}, "layers[0].handof", "handoff"),
    ({"colour": "red"}, "layers[0].colour", "known are name"),
    (
        {"shifts": [{"start": "2026-01-05", "end": "2026-01-06", "participants": "alice"}]},
        "layers[0].shifts",
        "“fixed” only",
    ),
    (
        {"rotation": "fixed", "shifts": [{"start": "2026-01-05", "end": "2026-01-05", "participants": "alice"}]},
        "layers[0].shifts[0].end",
        "after the start",
    ),
]


@pytest.mark.parametrize(("fields", "path", "words"), MISTAKES)
def test_when_a_field_is_wrong_then_its_path_and_what_is_wrong_are_named(
    fields: dict[str, object], path: str, words: str
) -> None:
    found = problems(layer(**fields))
    assert list(found) == [path]
    assert words in found[path]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, ""),
        ([], ""),
        ({}, "time_zone"),
        ({"time_zone": 5}, "time_zone"),
        ({"time_zone": "UTC", "layers": {}}, "layers"),
        ({"time_zone": "UTC", "layers": [None]}, "layers[0]"),
        ({"time_zone": "UTC", "kind": "follow"}, "follow"),
        ({"time_zone": "UTC", "kind": "chaos"}, "kind"),
        ({**layer(), "members": ["alice"], "kind": "layers"}, "members"),
        ({**layer(), "members": ["alice"]}, "layers"),
        ({"time_zone": "UTC", "layers": layer()["layers"] * 2}, "layers"),
    ],
)
def test_when_the_whole_is_wrong_then_it_is_refused_and_never_raises_anything_else(document: object, path: str) -> None:
    assert path in problems(document)


def test_when_several_fields_are_wrong_then_all_are_named_at_once() -> None:
    document = layer(handoff="nine", every=0, participants=["mallory"])
    assert set(problems(document)) == {"layers[0].handoff", "layers[0].every", "layers[0].participants[0]"}
    with pytest.raises(DocumentInvalid, match=r"layers\[0\]\.every: .*\n.*layers\[0\]\.handoff"):
        read(document)


def test_when_names_cannot_be_resolved_then_only_ids_are_people() -> None:
    assert document_load(layer(participants=[ALICE])).layers[0].participants == ((ALICE,),)
    with pytest.raises(DocumentInvalid, match="id of a person"):
        document_load(layer(participants=["alice"]))


@settings(max_examples=60, deadline=None)
@given(cases(most_overrides=0, most_absences=0))
def test_when_any_schedule_is_written_then_reading_gives_it_back_and_the_schema_accepts_it(case: Case) -> None:
    document = document_dump(case.spec)
    assert document_load(document) == case.spec
    VALIDATOR.validate(document)
    by_name = document_dump(case.spec, name_user=lambda user_id: f"user{user_id}")
    assert document_load(yaml.safe_load(yaml.safe_dump(by_name)), resolve_user=lambda name: int(name[4:])) == case.spec


@pytest.mark.parametrize("kind", [{"members": [ALICE, BOB]}, {"follow": "payments"}])
def test_when_a_schedule_has_no_layers_then_it_is_written_and_read_back_too(kind: dict[str, Any]) -> None:
    spec = document_load({"time_zone": "UTC", **kind})
    assert document_load(document_dump(spec)) == spec


def test_when_the_schema_is_checked_then_it_is_a_schema_and_refuses_what_it_can_see() -> None:
    Draft202012Validator.check_schema(SCHEDULE_SCHEMA)
    VALIDATOR.validate(layer(handoff="mon 09:00", end=None, restrictions=[{"start": "fri 17:00", "end": "sun 24:00"}]))
    for wrong in ({"handoff": "nine"}, {"handof": "09:00"}, {"every": 0}, {"rotation": "yearly"}, {"start": "soon"}):
        assert not VALIDATOR.is_valid(layer(**wrong)), wrong


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7d", 604_800), ("1h30m", 5_400), ("45s", 45), (90, 90), ("2w", 1_209_600), (0, 0)],
)
def test_when_a_duration_is_written_then_it_is_as_long_as_it_says(value: object, seconds: int) -> None:
    found = duration_of(value)
    assert found is not None
    assert found.total_seconds() == seconds


@pytest.mark.parametrize("value", ["", "5", "h", "-3h", -1, True, None, 2.5, "1.5h", "3 months"])
def test_when_something_is_no_duration_then_it_is_none(value: object) -> None:
    assert duration_of(value) is None


words = st.sampled_from(["mon 09:00", "fixed", "7d", "24:00", "2026-01-05", "alice", "Europe", "", "\ud800", "٣ 09:00"])
scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5) | st.dates() | st.datetimes(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=6,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SCHEDULE_FIELDS, scraps),
        "time_zone": words,
        "layers": st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(LAYER_FIELDS, scraps)), max_size=2),
    },
)


@settings(max_examples=200, deadline=None)
@given(documents)
def test_when_a_document_is_nonsense_then_it_is_refused_and_nothing_else_happens(document: dict[str, Any]) -> None:
    with contextlib.suppress(DocumentInvalid):
        read(document)
