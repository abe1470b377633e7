"""What holds for every schedule, everywhere in the tz database: the rota against its oracle, and against itself."""

# ruff: noqa: DTZ001  (local times have no zone)

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypedDict
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from oncall.rota import (
    Absence,
    LayerSpec,
    Override,
    OverrideKind,
    ScheduleSpec,
    Shift,
    Version,
    coverage,
    gaps,
    layer_shifts,
    next_handoff,
    on_call_at,
    shifts,
)
from oncall.rota.clock import first_instant, last_instant, wall_time
from tests.oncall.rota_oracle import ALICE, STEP, ZONES, Case, cases, grid, oracle, sampled

EXAMPLES = int(os.environ.get("ROTA_EXAMPLES", "25"))
"""Per property; a long search sets the variable to thousands."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

local_times = st.datetimes(datetime(1905, 1, 1), datetime(2990, 1, 1)).map(lambda moment: moment.replace(microsecond=0))

searched = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class Told(TypedDict):
    overrides: tuple[Override, ...]
    absences: tuple[Absence, ...]


def told(case: Case) -> Told:
    return Told(overrides=case.overrides, absences=case.absences)


def final(case: Case, since: datetime | None = None, until: datetime | None = None) -> tuple[Shift, ...]:
    return shifts(case.spec, since=since or case.since, until=until or case.until, **told(case))


def joined(slices: Iterable[Shift]) -> list[Shift]:
    """Shifts that differ only in where they were cut, put together again."""
    found: dict[Shift, list[Shift]] = {}
    for shift in slices:
        pieces = found.setdefault(shift._replace(start=EPOCH, end=EPOCH), [])
        if pieces and pieces[-1].end == shift.start:
            shift = shift._replace(start=pieces.pop().start)
        pieces.append(shift)
    return [piece for pieces in found.values() for piece in pieces]


@searched
@given(cases())
def test_when_any_schedule_is_asked_then_the_rota_and_its_oracle_agree_at_every_instant(case: Case) -> None:
    expected = oracle(case.spec, since=case.since, until=case.until, **told(case))
    assert sampled(final(case), since=case.since, until=case.until) == expected


@searched
@given(cases(), st.lists(st.integers(0, 5 * 96), max_size=4))
def test_when_a_range_is_sliced_then_nothing_changes(case: Case, cuts: list[int]) -> None:
    edges = sorted({case.since, case.until, *(edge for cut in cuts if (edge := case.since + cut * STEP) < case.until)})
    slices = [shift for low, high in pairwise(edges) for shift in final(case, low, high)]
    assert set(joined(slices)) == set(final(case))


@searched
@given(cases())
def test_when_shifts_and_gaps_are_laid_side_by_side_then_each_role_tiles_the_range(case: Case) -> None:
    found, empty = final(case), gaps(case.spec, since=case.since, until=case.until, **told(case))
    for role in case.spec.roles:
        held = {(shift.start, shift.end) for shift in found if shift.role == role}
        spans = sorted(held | {(gap.start, gap.end) for gap in empty if gap.role == role})
        reached = case.since
        for start, end in spans:
            assert start <= reached, "a hole that is neither shift nor gap"
            reached = max(reached, end)
        assert reached == case.until
        for gap in (gap for gap in empty if gap.role == role):
            assert not any(start < gap.end and gap.start < end for start, end in held)


@searched
@given(cases(most_overrides=0))
def test_when_a_layer_is_read_by_itself_then_it_has_at_most_one_turn_at_any_instant(case: Case) -> None:
    rows = layer_shifts(case.spec, since=case.since, until=case.until, absences=case.absences)
    assert set(rows) == {layer.name for layer in case.spec.layers}
    for found in rows.values():
        spans = sorted({(shift.start, shift.end, shift.turn) for shift in found})
        for (_, end, turn), (start, _, other) in pairwise(spans):
            assert turn == other or end <= start
    for role in case.spec.roles:
        for instant in grid(case.since, case.until)[::8]:
            turns = {(s.layer, s.turn) for s in final(case) if s.role == role and s.start <= instant < s.end}
            assert len(turns) <= 1


@searched
@given(cases(), st.data())
def test_when_an_override_is_added_and_taken_back_then_the_schedule_is_as_before(
    case: Case, data: st.DataObject
) -> None:
    before = final(case)
    start = case.since + data.draw(st.integers(-10, 300)) * STEP
    extra = Override(kind=OverrideKind.COVER, user_id=99, start=start, end=start + 20 * STEP, order=9, role="primary")
    during = shifts(
        case.spec, since=case.since, until=case.until, overrides=(*case.overrides, extra), absences=case.absences
    )
    outside = [instant for instant in grid(case.since, case.until) if not extra.start <= instant < extra.end]
    then, now = (sampled(found, since=case.since, until=case.until) for found in (before, during))
    assert all(then[instant] == now[instant] for instant in outside)
    assert {s.user_id for s in during if s.role == "primary" and s.start < extra.end and extra.start < s.end} <= {99}
    assert final(case) == before


@searched
@given(cases(), st.data())
def test_when_asked_about_one_instant_then_the_answer_is_the_final_schedule_there(
    case: Case, data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(grid(case.since, case.until)))
    now = on_call_at(case.spec, at=at, **told(case))
    there = [shift for shift in final(case) if shift.start <= at < shift.end]
    assert {shift._replace(start=at, end=at) for shift in now} == {shift._replace(start=at, end=at) for shift in there}
    assert all(shift.start <= at < shift.end for shift in now)
    handoff = next_handoff(case.spec, at=at, **told(case))
    if handoff is not None and handoff.at < case.until:
        holders = [{(s.user_id, s.role) for s in on_call_at(case.spec, at=t, **told(case))} for t in (at, handoff.at)]
        assert holders[0] != holders[1]
        between = {(s.user_id, s.role) for t in grid(at, handoff.at) for s in there if s.start <= t < s.end}
        assert between == holders[0]


@searched
@given(cases())
def test_when_shifts_are_asked_whole_then_cutting_them_gives_the_final_schedule(case: Case) -> None:
    whole = shifts(case.spec, since=case.since, until=case.until, whole=True, **told(case))
    cut = (s._replace(start=max(s.start, case.since), end=min(s.end, case.until)) for s in whole)
    assert set(cut) == set(final(case))
    for shift in whole:
        limit = timedelta(days=399)
        if case.since - shift.start < limit and shift.end - case.until < limit:
            assert shift in shifts(case.spec, since=shift.start - STEP, until=shift.end + STEP, **told(case))


@searched
@given(cases(), st.data())
def test_when_a_schedule_is_edited_then_the_time_before_the_edit_stays(case: Case, data: st.DataObject) -> None:
    other = data.draw(cases(most_overrides=0, most_absences=0))
    edited_at = data.draw(st.sampled_from(grid(case.since, case.until)))
    assume(edited_at > case.since)
    versions = [Version(datetime(2000, 1, 1, tzinfo=UTC), case.spec), Version(edited_at, other.spec)]
    assert shifts(versions, since=case.since, until=edited_at, **told(case)) == final(case, until=edited_at)
    after = shifts(other.spec, since=edited_at, until=case.until, **told(case))
    assert shifts(versions, since=edited_at, until=case.until, **told(case)) == after


@searched
@given(cases())
def test_when_coverage_is_asked_then_it_is_the_share_of_the_range_without_gaps(case: Case) -> None:
    expected = oracle(case.spec, since=case.since, until=case.until, **told(case))
    for role in coverage(case.spec, since=case.since, until=case.until, **told(case)):
        assert role.total == case.until - case.since
        assert role.covered == STEP * sum(role.role in held for held in expected.values())
        assert 0 <= role.ratio <= 1


@searched
@given(st.sampled_from(ZONES), local_times)
@example("Europe/Rome", datetime(2026, 3, 29, 2, 30))
@example("Europe/Rome", datetime(2026, 10, 25, 2, 30))
@example("Pacific/Apia", datetime(2011, 12, 30, 12, 0))
@example("Pacific/Kwajalein", datetime(1993, 8, 21, 12, 0))
@example("America/St_Johns", datetime(2010, 3, 14, 0, 30))
@example("Africa/Monrovia", datetime(1972, 1, 7, 0, 20))
def test_when_any_wall_clock_time_is_located_then_it_is_the_first_and_last_instant_that_show_it(
    zone_name: str, local: datetime
) -> None:
    zone = ZoneInfo(zone_name)
    first, last = first_instant(local, zone), last_instant(local, zone)
    second = timedelta(seconds=1)
    assert first <= last
    assert wall_time(first, zone) >= local > wall_time(first - second, zone)
    assert wall_time(last, zone) >= local > wall_time(last - second, zone)
    for minutes in range(15, 26 * 60, 15):
        assert wall_time(first - minutes * 4 * second * 15, zone) < local
        assert wall_time(last + minutes * 4 * second * 15, zone) >= local


def test_when_the_oracle_is_asked_about_a_plain_week_then_it_says_what_a_person_would() -> None:
    """The oracle too can be wrong: one answer worked out by hand."""
    spec = ScheduleSpec(
        time_zone="Europe/Rome",
        layers=(
            LayerSpec(name="week", time_zone="Europe/Rome", start=datetime(2026, 3, 23, 9), participants=((1,), (2,))),
        ),
    )
    since = datetime(2026, 3, 30, 6, 45, tzinfo=UTC)
    answer = oracle(spec, since=since, until=since + 2 * STEP)
    assert answer[since] == {"primary": {(ALICE, "layer", "week")}}
    assert answer[since + STEP] == {"primary": {(2, "layer", "week")}}
