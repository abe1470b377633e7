"""The pure plan of work: what waits comes after, what slips takes its followers along, and circles are refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.scheduling import USUAL, Circle, State, Work, circle_of, plan

NINE = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
minutes = st.integers(0, 600).map(lambda number: number * MINUTE)


def work(key: int, **values: Any) -> Work:
    return Work(key=key, made=NINE, **values)


@st.composite
def plans(draw: st.DrawFn) -> list[Work]:
    """Some work without circles: each waits on, and is part of, earlier keys only."""
    found: list[Work] = []
    for key in range(1, draw(st.integers(1, 8)) + 1):
        start = draw(st.none() | minutes.map(lambda span: NINE + span))
        begun = draw(st.none() | minutes.map(lambda span: NINE - span))
        found.append(
            work(
                key,
                start=start,
                due=draw(st.none() | minutes.map((start or NINE).__add__)),
                length=draw(st.none() | minutes),
                waits=frozenset(draw(st.sets(st.integers(1, key - 1), max_size=3))) if key > 1 else frozenset(),
                begun=begun,
                ended=draw(st.none() | st.just(NINE)) if begun else None,
                milestone=draw(st.booleans()),
            )
        )
    return found


@given(plans(), minutes)
def test_what_has_not_begun_begins_after_all_it_waits_on_and_never_in_the_past(
    works: list[Work], late: timedelta
) -> None:
    at = NINE + late
    bars = plan(works, at=at)
    for one in works:
        bar = bars[one.key]
        assert bar.start <= bar.end
        if bar.state is State.TODO:
            assert bar.start >= at
            assert all(bar.start >= bars[key].end for key in one.waits if bars[key].state is not State.DONE)
        if bar.held_by is not None:
            assert bar.start == bars[bar.held_by].end


@given(plans(), st.randoms(use_true_random=False))
def test_the_order_in_which_work_is_given_changes_nothing(works: list[Work], random: Any) -> None:
    shuffled = list(works)
    random.shuffle(shuffled)
    assert plan(shuffled, at=NINE) == plan(works, at=NINE)


@given(plans(), st.integers(0, 7), minutes)
def test_when_one_takes_longer_then_nothing_becomes_earlier_and_what_does_not_follow_it_stays(
    works: list[Work], number: int, more: timedelta
) -> None:
    slow = works[number % len(works)]
    longer = [replace(one, length=one.lasts + more) if one is slow else one for one in works]
    before, after = plan(works, at=NINE), plan(longer, at=NINE)
    followers = {slow.key}
    for one in works:  # they are in the order of their keys
        if one.waits & followers:
            followers.add(one.key)
    for key in before:
        assert after[key].end >= before[key].end
        assert after[key].end - before[key].end <= more
        if key not in followers:
            assert after[key] == before[key]


@given(plans(), st.data())
def test_a_circle_is_always_refused_and_named(works: list[Work], data: st.DataObject) -> None:
    last = data.draw(st.sampled_from(works))
    ring = [replace(last, waits=last.waits | {99}), work(99, waits=frozenset({last.key}))]
    with pytest.raises(Circle) as refused:
        plan([*(one for one in works if one is not last), *ring], at=NINE)
    assert set(refused.value.keys) == {last.key, 99}
    assert circle_of({one.key: one.waits for one in works}) == ()


@pytest.mark.requirement("R197")
def test_when_a_milestone_slips_then_its_followers_move_as_far() -> None:
    restore = work(1, start=NINE, due=NINE + 30 * MINUTE)
    check = work(2, start=NINE + 30 * MINUTE, due=NINE + 60 * MINUTE, waits=frozenset({1}))
    online = work(3, due=NINE + 60 * MINUTE, waits=frozenset({2}), milestone=True)
    in_time = plan([restore, check, online], at=NINE)
    assert [bar.slip for bar in in_time.values()] == [timedelta(0)] * 3

    begun_late = replace(restore, begun=NINE + 40 * MINUTE)
    late = plan([begun_late, check, online], at=NINE + 50 * MINUTE)
    assert [late[key].slip for key in (1, 2, 3)] == [40 * MINUTE] * 3
    assert late[3].start == late[3].end == NINE + 100 * MINUTE
    assert (late[2].held_by, late[3].held_by) == (1, 2)


def test_a_whole_is_done_with_its_last_part_and_its_parts_wait_on_what_it_waits_on() -> None:
    works = [
        work(1, start=NINE, length=2 * USUAL),
        work(2, waits=frozenset({1})),
        work(3, part_of=2),
        work(4, part_of=2, waits=frozenset({3})),
        work(5, waits=frozenset({2})),
    ]
    bars = plan(works, at=NINE)
    assert [(bars[key].start - NINE) / USUAL for key in (1, 2, 3, 4, 5)] == [0, 2, 2, 3, 4]
    assert bars[2].end == bars[4].end
    with pytest.raises(Circle):
        plan([*works[:2], replace(works[2], waits=frozenset({2}))], at=NINE)


def test_what_is_done_or_dropped_stays_where_it_was_and_holds_nobody() -> None:
    done = work(1, start=NINE + 2 * USUAL, begun=NINE, ended=NINE + USUAL)
    bars = plan([done, work(2, start=NINE, waits=frozenset({1, 404}))], at=NINE + USUAL)
    assert (bars[1].start, bars[1].end) == (NINE, NINE + USUAL)
    assert (bars[2].start, bars[2].held_by) == (NINE + USUAL, None)
