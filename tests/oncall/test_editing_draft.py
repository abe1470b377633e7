"""The form of a schedule: everything a document can say passes through it unharmed, and problems find their field."""

# ruff: noqa: DTZ001  (local times have no zone)

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncall.editing.acts import act
from oncall.editing.documents import SHIFTS_SHOWN, document_of, draft_of, field_of
from oncall.editing.draft import Draft, draft_sent, sent_of
from oncall.rota import (
    Every,
    FixedShift,
    Handover,
    HandoverPage,
    HolidayRule,
    LayerSpec,
    Limits,
    ScheduleKind,
    ScheduleSpec,
)
from oncall.rota_document import DocumentInvalid, document_load
from tests.oncall.rota_cast import ALICE, BOB, CAROL, ROME
from tests.oncall.rota_oracle import Case, cases

searched = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

hours = st.integers(1, 200).map(lambda number: timedelta(hours=number))
limits = st.builds(
    Limits,
    pages_per_shift=st.none() | st.integers(1, 50),
    consecutive=st.none() | hours,
    rest=st.none() | hours,
)
handovers = st.just(Handover()) | st.builds(
    Handover, window=st.integers(1, 1440).map(lambda n: timedelta(minutes=n)), page=st.sampled_from(HandoverPage)
)


def through_the_browser(draft: Draft) -> Draft:
    """What comes back when the page is drawn for the draft and sent."""
    data = QueryDict(mutable=True)
    for name, values in sent_of(draft).items():
        data.setlist(name, values)
    return draft_sent(QueryDict(data.urlencode()))


def again(spec: ScheduleSpec, *, since: datetime | None = None) -> ScheduleSpec:
    return document_load(document_of(through_the_browser(draft_of(spec, since=since))))


@searched
@given(cases(), st.sampled_from(HolidayRule), limits, handovers)
def test_when_any_schedule_of_layers_passes_through_the_form_then_it_says_the_same(
    case: Case, holidays: HolidayRule, limit: Limits, handover: Handover
) -> None:
    spec = replace(case.spec, holidays=holidays, limits=limit, handover=handover)
    assert again(spec) == spec


@searched
@given(cases())
def test_when_shifts_of_the_past_have_no_row_then_they_are_kept_all_the_same(case: Case) -> None:
    assert again(case.spec, since=case.since.replace(tzinfo=None)) == case.spec


@pytest.mark.parametrize(
    "spec",
    [
        ScheduleSpec(time_zone=ROME, kind=ScheduleKind.EVERYONE, members=(CAROL, ALICE)),
        ScheduleSpec(time_zone=ROME, kind=ScheduleKind.EVERYONE, team=7),
        ScheduleSpec(time_zone=ROME, kind=ScheduleKind.EVERYONE, team=7, members=(BOB,)),
        ScheduleSpec(time_zone="UTC", kind=ScheduleKind.FOLLOW, follows="payments"),
        ScheduleSpec(time_zone="UTC"),
    ],
)
def test_when_a_schedule_of_another_kind_passes_through_the_form_then_it_says_the_same(spec: ScheduleSpec) -> None:
    assert again(spec) == spec


def test_when_there_are_more_fixed_shifts_than_rows_then_none_is_lost() -> None:
    start = datetime(2026, 1, 5, 9)
    shifts = tuple(
        FixedShift(
            start=start + timedelta(hours=12 * number), end=start + timedelta(hours=12 * (number + 1)), group=who
        )
        for number, who in enumerate([(ALICE,), (BOB, CAROL), ()] * 200)
    )
    layer = LayerSpec(name="listed", time_zone=ROME, start=start, rotation=Every.FIXED, fixed_shifts=shifts)
    spec = ScheduleSpec(time_zone=ROME, layers=(layer,))
    draft = draft_of(spec, since=datetime(2026, 3, 1))
    assert len(draft.layers[0].shifts) == SHIFTS_SHOWN
    assert sum(len(values) for values in sent_of(draft).values()) < 1000
    assert again(spec, since=datetime(2026, 3, 1)) == spec


# --- problems and their fields


def draft(**layer: object) -> Draft:
    made = Draft(name="Payments", time_zone=ROME)
    act(made, "layer-add", start="2026-01-05T09:00")
    for name, value in layer.items():
        setattr(made.layers[0], name, value)
    made.layers[0].turns = made.layers[0].turns if "turns" in layer else [[str(ALICE)], [str(BOB)]]
    return made


def problem_fields(made: Draft) -> set[str]:
    with pytest.raises(DocumentInvalid) as refused:
        document_load(document_of(made))
    return {field_of(problem.keys, made) for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        ({"name": ""}, "layer-0-name"),
        ({"start": ""}, "layer-0-start"),
        ({"start": "soon"}, "layer-0-start"),
        ({"end": "2025-01-05T09:00"}, "layer-0-end"),
        ({"every": "often"}, "layer-0-every"),
        ({"every": "0"}, "layer-0-every"),
        ({"rotation": "yearly"}, "layer-0-rotation"),
        ({"handoff_time": "25:00"}, "layer-0-handoff_time"),
        ({"handoff_weekday": "someday"}, "layer-0-handoff_weekday"),
        ({"rotation": "monthly", "handoff_day": "32"}, "layer-0-handoff_day"),
        ({"time_zone": "Europe/Nowhere"}, "layer-0-time_zone"),
        ({"role": "x" * 40}, "layer-0-role"),
        ({"when_absent": "panic"}, "layer-0-when_absent"),
        ({"turns": [["1"], ["nobody"]]}, "layer-0-turn-1"),
        ({"turns": [["1", "1"]]}, "layer-0-turn-0"),
    ],
)
def test_when_a_field_of_a_layer_makes_no_sense_then_that_field_is_named(layer: dict[str, object], field: str) -> None:
    assert problem_fields(draft(**layer)) == {field}


@pytest.mark.parametrize(
    ("window", "field"),
    [
        ({"start": "nine", "end": "17:00", "days": ["mon"]}, "layer-0-window-1-start"),
        ({"start": "09:00", "end": "", "days": ["mon"]}, "layer-0-window-1-end"),
        ({"start": "09:00", "end": "17:00", "days": []}, "layer-0-window-1-days"),
        ({"start": "09:00", "end": "", "days": ["fri"], "end_day": "mon"}, "layer-0-window-1-end"),
    ],
)
def test_when_open_hours_make_no_sense_then_the_row_is_named_though_one_before_it_stands_for_two(
    window: dict[str, object], field: str
) -> None:
    made = draft()
    for _row in range(2):
        act(made, "layer-0-window-add", start="")
    made.layers[0].windows[0].end_day = "sun"
    for name, value in window.items():
        setattr(made.layers[0].windows[1], name, value)
    assert problem_fields(made) == {field}


def test_when_shifts_overlap_then_the_list_is_named_and_when_one_ends_too_soon_then_its_row() -> None:
    made = draft(rotation="fixed", start="")
    for start, end in (("2026-01-06T09:00", "2026-01-07T09:00"), ("2026-01-05T09:00", "2026-01-06T12:00")):
        act(made, "layer-0-shift-add", start="")
        made.layers[0].shifts[-1].start, made.layers[0].shifts[-1].end = start, end
    assert problem_fields(made) == {"layer-0-shifts"}
    made.layers[0].shifts[0].end = "2026-01-05T09:00"
    assert problem_fields(made) == {"layer-0-shift-0-end"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Europe/Nowhere"),
        ("kind", "magic"),
        ("holidays", "always"),
        ("limit_pages", "0"),
        ("limit_rest", "a nap"),
        ("limit_consecutive", "-1"),
        ("handover_minutes", "2000"),
        ("handover_minutes", "some"),
    ],
)
def test_when_a_field_of_the_schedule_makes_no_sense_then_that_field_is_named(field: str, value: str) -> None:
    made = draft()
    setattr(made, field, value)
    assert field in problem_fields(made)


def test_when_it_follows_nothing_then_the_choice_of_a_schedule_is_named() -> None:
    assert problem_fields(Draft(time_zone=ROME, kind="follow")) == {"follow"}


# --- buttons


def test_when_a_turn_is_moved_up_then_the_people_change_places_and_the_focus_goes_along() -> None:
    made = draft(turns=[["1"], ["2"], ["3"]])
    assert act(made, "layer-0-turn-2-up", start="") == "layer-0-turn-1-up"
    assert made.layers[0].turns == [["1"], ["3"], ["2"]]
    # At the top there is no way further up: the focus waits on the button that leads back.
    assert act(made, "layer-0-turn-1-up", start="") == "layer-0-turn-0-down"
    assert made.layers[0].turns == [["3"], ["1"], ["2"]]


def test_when_a_row_is_removed_then_the_focus_goes_to_its_neighbour_and_at_last_to_adding_one() -> None:
    made = draft(turns=[["1"], ["2"]])
    assert act(made, "layer-0-turn-1-remove", start="") == "layer-0-turn-0-remove"
    assert act(made, "layer-0-turn-0-remove", start="") == "layer-0-turn-add"
    assert made.layers[0].turns == []


def test_when_somebody_serves_a_turn_too_then_it_gets_a_second_choice() -> None:
    made = draft()
    assert act(made, "layer-0-turn-1-join", start="") == "layer-0-turn-1-1"
    assert made.layers[0].turns[1] == [str(BOB), ""]
    assert document_of(made)["layers"][0]["participants"] == [ALICE, BOB]


def test_when_a_shift_is_added_then_it_follows_the_last_one_and_lasts_as_long() -> None:
    made = draft(rotation="fixed")
    act(made, "layer-0-shift-add", start="2026-11-16T09:00")
    made.layers[0].shifts[0].end = "2026-11-16T21:00"
    assert act(made, "layer-0-shift-add", start="") == "layer-0-shift-1-start"
    assert (made.layers[0].shifts[1].start, made.layers[0].shifts[1].end) == ("2026-11-16T21:00", "2026-11-17T09:00")
    assert act(made, "layer-0-shift-1-join", start="") == "layer-0-shift-1-people-0"


def test_layers_are_added_moved_and_removed() -> None:
    made = draft(name="Week")
    assert act(made, "layer-add", start="2026-01-05T09:00") == "id_layer-1-name"
    assert act(made, "layer-1-up", start="") == "layer-0-down"
    assert [layer.name for layer in made.layers] == ["Layer 2", "Week"]
    act(made, "layer-0-remove", start="")
    assert [layer.name for layer in made.layers] == ["Week"]


@pytest.mark.parametrize(
    "name",
    ["", "save", "layer-9-up", "layer-0-turn-9-remove", "layer-7-turn-add", "layer-0-up", "layer-0-nonsense-add", "…"],
)
def test_when_a_button_fits_nothing_then_nothing_changes(name: str) -> None:
    made, same = draft(), draft()
    act(made, name, start="")
    assert made == same
