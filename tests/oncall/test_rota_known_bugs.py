"""Each way in which on-call schedules are known to go wrong, worked out by hand."""

from datetime import datetime, time, timedelta
from unittest.mock import patch

import pytest

from oncall.rota import Every, FixedShift, OverrideKind, Restriction, Version, gaps, on_call_at, shifts
from oncall.rota import turns as turns_module
from tests.oncall.rota_cast import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    Within,
    hours,
    layer,
    local,
    override,
    rome,
    schedule,
    told,
    utc,
)

NIGHTS = tuple(Restriction(weekday=day, start=time(22), end=time(6)) for day in range(7))
OFFICE = tuple(Restriction(weekday=day, start=time(9), end=time(17)) for day in range(5))


def test_when_summer_time_begins_then_the_handoff_stays_at_nine_on_the_wall() -> None:
    """Shift stored in UTC."""
    spec = schedule(layer("2026-03-23 09:00", ALICE, BOB))
    found = shifts(spec, since=utc("2026-03-23 08:00"), until=utc("2026-04-06 07:00"))
    assert told(found) == ["alice 03-23 09:00 – 03-30 09:00", "bob 03-30 09:00 – 04-06 09:00"]
    assert found[0].start == utc("2026-03-23 08:00")
    assert found[1].start == utc("2026-03-30 07:00")


@pytest.mark.parametrize(
    ("day", "length"), [("2026-03-28", 23), ("2026-10-24", 25), ("2027-03-27", 23), ("2027-10-30", 25)]
)
def test_when_the_clock_changes_then_the_daily_turn_is_an_hour_shorter_or_longer(day: str, length: int) -> None:
    """Duration in seconds across a change of clocks."""
    spec = schedule(layer(f"{day} 09:00", ALICE, BOB, rotation=Every.DAILY))
    found = shifts(spec, since=rome(f"{day} 09:00"), until=rome(f"{day} 09:00") + timedelta(days=3))
    assert [hours(shift) for shift in found[:2]] == [length, 24]


@pytest.mark.parametrize(("day", "jump"), [("2026-03-29", "01:00"), ("2027-03-28", "01:00")])
def test_when_the_handoff_falls_in_the_missing_hour_then_it_is_the_instant_of_the_jump(day: str, jump: str) -> None:
    start = (local(f"{day} 02:30") - timedelta(days=1)).isoformat()
    found = shifts(
        schedule(layer(start, ALICE, BOB, rotation=Every.DAILY)),
        since=utc(f"{day} 00:00"),
        until=utc(f"{day} 04:00"),
    )
    assert [(shift.user_id, shift.end) for shift in found] == [
        (ALICE, utc(f"{day} {jump}")),
        (BOB, utc(f"{day} 04:00")),
    ]


@pytest.mark.parametrize("day", ["2026-10-25", "2027-10-31"])
def test_when_the_handoff_falls_in_the_repeated_hour_then_it_is_its_first_occurrence(day: str) -> None:
    start = (local(f"{day} 02:30") - timedelta(days=1)).isoformat()
    found = shifts(
        schedule(layer(start, ALICE, BOB, rotation=Every.DAILY)),
        since=utc(f"{day} 00:00"),
        until=utc(f"{day} 04:00"),
    )
    assert [(shift.user_id, shift.end) for shift in found] == [
        (ALICE, utc(f"{day} 00:30")),
        (BOB, utc(f"{day} 04:00")),
    ]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"])
def test_when_two_windows_meet_inside_the_changed_hour_then_no_gap_opens(day: str) -> None:
    """A window opens at its first occurrence and closes at its last."""
    before = tuple(Restriction(weekday=number, start=time(14, 30), end=time(2, 30)) for number in range(7))
    after = tuple(Restriction(weekday=number, start=time(2, 30), end=time(14, 30)) for number in range(7))
    spec = schedule(
        layer("2026-01-05 00:00", ALICE, name="late", restrictions=before),
        layer("2026-01-05 00:00", BOB, name="early", restrictions=after),
    )
    since = utc(f"{day} 00:00") - timedelta(days=1)
    assert gaps(spec, since=since, until=since + timedelta(days=3)) == ()


def test_when_a_window_crosses_midnight_then_it_belongs_to_the_day_it_opens() -> None:
    saturday = (Restriction(weekday=5, start=time(22), end=time(6)),)
    spec = schedule(layer("2026-01-05 00:00", ALICE, restrictions=saturday))
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-06-08 00:00"))
    assert told(found) == ["alice 06-06 22:00 – 06-07 06:00"]
    assert on_call_at(spec, at=rome("2026-06-07 03:00"))
    assert not on_call_at(spec, at=rome("2026-06-06 03:00"))


def test_when_a_window_hangs_over_the_end_of_the_week_then_monday_morning_is_still_covered() -> None:
    sunday = (Restriction(weekday=6, start=time(22), end=time(6)),)
    spec = schedule(layer("2026-01-05 00:00", ALICE, restrictions=sunday))
    (found,) = shifts(spec, since=rome("2026-06-08 00:00"), until=rome("2026-06-09 00:00"))
    assert found.end == rome("2026-06-08 06:00")


@pytest.mark.parametrize(("day", "length"), [("2026-03-28", 7), ("2026-10-24", 9)])
def test_when_the_clock_changes_in_a_night_window_then_the_night_is_as_long_as_it_is(day: str, length: int) -> None:
    spec = schedule(layer("2026-01-05 00:00", ALICE, rotation=Every.DAILY, handoff_time=time(12), restrictions=NIGHTS))
    found = on_call_at(spec, at=rome(f"{day} 23:00"))
    assert [hours(shift) for shift in found] == [length]


def test_when_a_handoff_falls_inside_an_open_window_then_the_turn_changes_there_and_no_earlier() -> None:
    """Rotation × restriction."""
    spec = schedule(layer("2026-06-01 12:00", ALICE, BOB, rotation=Every.DAILY, restrictions=OFFICE))
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-06-03 00:00"))
    assert told(found) == [
        "alice 06-01 12:00 – 06-01 17:00",
        "alice 06-02 09:00 – 06-02 12:00",
        "bob 06-02 12:00 – 06-02 17:00",
    ]


def test_when_turns_advance_in_closed_hours_then_weekends_use_up_turns() -> None:
    spec = schedule(layer("2026-06-05 00:00", ALICE, BOB, CAROL, rotation=Every.DAILY, restrictions=OFFICE))
    found = shifts(spec, since=rome("2026-06-05 00:00"), until=rome("2026-06-10 00:00"))
    assert [shift.user_id for shift in found] == [ALICE, ALICE, BOB]


def test_when_turns_rest_in_closed_hours_then_everybody_gets_an_open_day() -> None:
    spec = schedule(
        layer(
            "2026-06-05 00:00",
            *(ALICE, BOB, CAROL, DAVE),
            rotation=Every.DAILY,
            restrictions=OFFICE,
            turns_advance_when_closed=False,
        )
    )
    found = shifts(spec, since=rome("2026-06-05 00:00"), until=rome("2026-06-15 00:00"))
    assert [shift.user_id for shift in found] == [ALICE, BOB, CAROL, DAVE, ALICE, BOB]


def test_when_seven_people_share_days_and_turns_rest_when_closed_then_nobody_always_gets_fridays() -> None:
    fridays = (*OFFICE, Restriction(weekday=5, start=time(9), end=time(17)))
    spec = schedule(
        layer(
            "2026-06-01 00:00",
            *range(1, 8),
            rotation=Every.DAILY,
            restrictions=fridays,
            turns_advance_when_closed=False,
        )
    )
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-07-27 00:00"))
    assert len({shift.user_id for shift in found if shift.start.weekday() == 4}) == 7


def test_when_a_rotation_has_not_begun_then_nobody_is_on_call_and_its_first_turn_is_the_first_persons() -> None:
    """Start anchor ignored."""
    spec = schedule(layer("2026-06-03 15:00", ALICE, BOB, handoff_weekday=0, handoff_time=time(9)))
    found = shifts(spec, since=rome("2026-05-01 00:00"), until=rome("2026-06-15 09:00"))
    assert told(found) == ["alice 06-03 15:00 – 06-08 09:00", "bob 06-08 09:00 – 06-15 09:00"]


def test_when_turns_last_two_weeks_and_the_start_is_no_handoff_then_only_the_first_is_short() -> None:
    spec = schedule(layer("2026-06-03 15:00", ALICE, BOB, every=2, handoff_weekday=0, handoff_time=time(9)))
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-06-29 09:00"))
    assert told(found) == ["alice 06-03 15:00 – 06-15 09:00", "bob 06-15 09:00 – 06-29 09:00"]


def test_when_months_turn_on_the_31st_then_shorter_months_turn_on_their_last_day() -> None:
    spec = schedule(layer("2027-12-31 09:00", ALICE, BOB, rotation=Every.MONTHLY))
    found = shifts(spec, since=rome("2027-12-31 09:00"), until=rome("2028-05-31 09:00"))
    assert told(found) == [
        "alice 12-31 09:00 – 01-31 09:00",
        "bob 01-31 09:00 – 02-29 09:00",
        "alice 02-29 09:00 – 03-31 09:00",
        "bob 03-31 09:00 – 04-30 09:00",
        "alice 04-30 09:00 – 05-31 09:00",
    ]


def test_when_a_monthly_rotation_starts_in_a_short_month_then_the_day_it_names_is_kept() -> None:
    spec = schedule(layer("2026-02-10 09:00", ALICE, BOB, rotation=Every.MONTHLY, handoff_day=31))
    found = shifts(spec, since=rome("2026-02-01 00:00"), until=rome("2026-03-31 09:00"))
    assert told(found) == ["alice 02-10 09:00 – 02-28 09:00", "bob 02-28 09:00 – 03-31 09:00"]


def test_when_overrides_overlap_then_the_later_one_has_the_last_word() -> None:
    spec = schedule(layer("2026-06-01 09:00", ALICE))
    first = override(OverrideKind.COVER, BOB, rome("2026-06-02 10:00"), rome("2026-06-02 14:00"), order=1)
    second = override(OverrideKind.COVER, CAROL, rome("2026-06-02 12:00"), rome("2026-06-02 16:00"), order=2)
    for given in ((first, second), (second, first)):
        found = shifts(spec, since=rome("2026-06-02 09:00"), until=rome("2026-06-02 17:00"), overrides=given)
        assert told(found) == [
            "alice 06-02 09:00 – 06-02 10:00",
            "bob 06-02 10:00 – 06-02 12:00",
            "carol 06-02 12:00 – 06-02 16:00",
            "alice 06-02 16:00 – 06-02 17:00",
        ]


def test_when_a_replacement_is_replaced_then_the_last_one_serves() -> None:
    spec = schedule(layer("2026-06-01 09:00", ALICE))
    window = (rome("2026-06-02 10:00"), rome("2026-06-02 14:00"))
    chain = (
        override(OverrideKind.REPLACE, BOB, *window, replaces=ALICE, order=1),
        override(OverrideKind.REPLACE, CAROL, *window, replaces=BOB, order=2),
    )
    (found,) = on_call_at(spec, at=window[0], overrides=chain)
    assert (found.user_id, found.instead_of, found.start, found.end) == (CAROL, BOB, *window)


def test_when_a_live_schedule_moves_to_another_zone_then_the_past_stays_and_the_future_follows_the_new_clock() -> None:
    moved_at = utc("2026-06-10 12:00")
    versions = [
        Version(utc("2026-01-01 00:00"), schedule(layer("2026-06-01 09:00", ALICE, BOB, rotation=Every.DAILY))),
        Version(
            moved_at,
            schedule(layer("2026-06-01 09:00", ALICE, BOB, rotation=Every.DAILY, zone="Asia/Tokyo"), zone="Asia/Tokyo"),
        ),
    ]
    found = shifts(versions, since=utc("2026-06-09 07:00"), until=utc("2026-06-12 00:00"))
    assert [(shift.user_id, shift.start) for shift in found] == [
        (ALICE, utc("2026-06-09 07:00")),
        (BOB, utc("2026-06-10 07:00")),
        (ALICE, utc("2026-06-11 00:00")),
    ]
    assert [shift.start for shift in shifts(versions, since=moved_at, until=utc("2026-06-13 00:00"))][1:] == [
        utc("2026-06-11 00:00"),
        utc("2026-06-12 00:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "start", "at", "expected"),
    [
        # Half an hour back at 02:00 on 5 April 2026: 01:45 is shown twice, +11:00 first.
        ("Australia/Lord_Howe", "2026-04-04 01:45", "2026-04-04 20:00", "2026-04-04 14:45"),
        # Half an hour on at 02:00 on 4 October 2026: 02:15 is never shown.
        ("Australia/Lord_Howe", "2026-10-03 02:15", "2026-10-03 20:00", "2026-10-03 15:30"),
        # A quarter to six ahead of UTC, all year.
        ("Asia/Kathmandu", "2026-03-28 09:00", "2026-03-29 04:00", "2026-03-29 03:15"),
        # Back an hour at 03:00 for Ramadan, 15 February 2026; on again at 02:00 on 22 March.
        ("Africa/Casablanca", "2026-02-14 02:30", "2026-02-15 12:00", "2026-02-15 01:30"),
        ("Africa/Casablanca", "2026-03-21 02:30", "2026-03-22 12:00", "2026-03-22 02:00"),
        # Two hours on at 01:00 UTC on 29 March 2026: 01:00 to 03:00 are never shown.
        ("Antarctica/Troll", "2026-03-28 02:30", "2026-03-29 12:00", "2026-03-29 01:00"),
        # Two hours back at 01:00 UTC on 25 October 2026: 01:00 to 03:00 are shown twice.
        ("Antarctica/Troll", "2026-10-24 02:30", "2026-10-25 12:00", "2026-10-25 00:30"),
    ],
)
def test_when_a_zone_has_odd_rules_then_the_handoff_is_where_its_clock_puts_it(
    zone: str, start: str, at: str, expected: str
) -> None:
    spec = schedule(layer(start, ALICE, BOB, zone=zone, rotation=Every.DAILY), zone=zone)
    (found,) = on_call_at(spec, at=utc(at))
    assert (found.user_id, found.start) == (BOB, utc(expected))


def test_when_a_window_starts_and_ends_at_the_same_time_then_it_lasts_24_hours() -> None:
    spec = schedule(
        layer("2026-01-05 00:00", ALICE, restrictions=(Restriction(weekday=2, start=time(8), end=time(8)),))
    )
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-06-08 00:00"))
    assert told(found) == ["alice 06-03 08:00 – 06-04 08:00"]


def test_when_windows_fill_the_whole_week_then_the_shifts_are_as_without_restrictions() -> None:
    whole = (Restriction(weekday=3, start=time(7), end=time(7), end_weekday=3),)
    window = Within(since=rome("2026-03-01 00:00"), until=rome("2026-11-01 00:00"))
    assert shifts(schedule(layer("2026-01-05 00:00", ALICE, BOB, restrictions=whole)), **window) == shifts(
        schedule(layer("2026-01-05 00:00", ALICE, BOB)), **window
    )


def test_when_a_weekend_is_one_window_then_it_lasts_from_friday_to_monday() -> None:
    weekend = (Restriction(weekday=4, start=time(17), end=time(9), end_weekday=0),)
    spec = schedule(layer("2026-01-05 09:00", ALICE, BOB, restrictions=weekend))
    found = shifts(spec, since=rome("2026-03-23 09:00"), until=rome("2026-03-31 00:00"))
    assert told(found) == ["bob 03-27 17:00 – 03-30 09:00"]
    assert hours(found[0]) == 63


def test_when_a_handoff_has_seconds_then_it_is_kept_to_the_second() -> None:
    spec = schedule(layer("2026-06-01 09:00:07", ALICE, BOB, rotation=Every.DAILY))
    (found,) = on_call_at(spec, at=rome("2026-06-02 09:00:06"))
    assert (found.user_id, found.end) == (ALICE, rome("2026-06-02 09:00:07"))
    assert on_call_at(spec, at=rome("2026-06-02 09:00:07"))[0].user_id == BOB


def test_when_an_hourly_turn_is_skipped_by_the_clock_then_its_owner_rests_and_the_order_stays() -> None:
    spec = schedule(layer("2026-03-29 00:00", ALICE, BOB, CAROL, DAVE, rotation=Every.HOURLY))
    found = shifts(spec, since=rome("2026-03-29 00:00"), until=rome("2026-03-29 05:00"))
    assert [(shift.user_id, hours(shift)) for shift in found] == [(ALICE, 1), (BOB, 1), (DAVE, 1), (ALICE, 1)]


def test_when_an_hourly_turn_is_repeated_by_the_clock_then_it_lasts_two_hours() -> None:
    spec = schedule(layer("2026-10-25 00:00", ALICE, BOB, CAROL, DAVE, rotation=Every.HOURLY))
    found = shifts(spec, since=rome("2026-10-25 00:00"), until=rome("2026-10-25 04:00"))
    assert [(shift.user_id, hours(shift)) for shift in found] == [(ALICE, 1), (BOB, 1), (CAROL, 2), (DAVE, 1)]


def test_when_shifts_are_listed_then_each_is_served_as_listed_and_the_rest_is_a_gap() -> None:
    listed = (
        FixedShift(start=local("2026-03-28 20:00"), end=local("2026-03-29 08:00"), group=(ALICE,)),
        FixedShift(start=local("2026-03-29 20:00"), end=local("2026-03-30 08:00"), group=(BOB, CAROL)),
    )
    spec = schedule(layer("2026-03-28 20:00", rotation=Every.FIXED, fixed_shifts=listed))
    window = Within(since=rome("2026-03-28 20:00"), until=rome("2026-03-30 08:00"))
    assert told(shifts(spec, **window)) == [
        "alice 03-28 20:00 – 03-29 08:00",
        "bob 03-29 20:00 – 03-30 08:00",
        "carol 03-29 20:00 – 03-30 08:00",
    ]
    assert hours(shifts(spec, **window)[0]) == 11
    assert [(gap.start, gap.end) for gap in gaps(spec, **window)] == [
        (rome("2026-03-29 08:00"), rome("2026-03-29 20:00"))
    ]


@pytest.mark.parametrize("began", [1901, 1950, 2026])
def test_when_a_rotation_is_old_then_asking_it_costs_no_more_handoffs_than_a_young_one(began: int) -> None:
    asked: list[datetime] = []

    def counting(moment: datetime, zone: object) -> datetime:
        asked.append(moment)
        return rome(moment.isoformat())

    spec = schedule(layer(f"{began}-01-01 09:00", ALICE, BOB, CAROL, rotation=Every.DAILY))
    turns_module.layer_ready.cache_clear()
    with patch.object(turns_module, "first_instant", counting):
        assert len(shifts(spec, since=utc("2026-05-01 00:00"), until=utc("2026-05-31 00:00"))) == 31
    turns_module.layer_ready.cache_clear()
    assert len(asked) < 31 + 8


def test_when_somebody_is_to_replace_themselves_then_they_stay_on_call() -> None:
    """Found by the oracle: they were taken off, and nobody was on call."""
    spec = schedule(layer("2026-03-02 09:00", ALICE))
    herself = override(OverrideKind.REPLACE, ALICE, utc("2026-03-03 00:00"), utc("2026-03-04 00:00"), replaces=ALICE)
    window = Within(since=utc("2026-03-02 12:00"), until=utc("2026-03-05 00:00"))
    assert shifts(spec, **window, overrides=[herself]) == shifts(spec, **window)
