"""The stretches of time the calendar shows, and the heads of its lines: pure, and true to every clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_site.ui.lanes import Span, blocks, tracks
from oncall.calendar.axis import clock_changes, marks, same_clock
from oncall.calendar.ranges import View, range_of

ROME = ZoneInfo("Europe/Rome")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
TODAY = date(2026, 11, 22)


def hours(day: date, zone: ZoneInfo) -> list[str]:
    """What stands over a day."""
    shown = range_of(View.DAY, day, zone)
    return [mark.strong for mark in marks(shown.windows[0], shown, today=TODAY)]


def lasting(day: date, zone: ZoneInfo) -> timedelta:
    shown = range_of(View.DAY, day, zone)
    return shown.until - shown.since


def test_a_fortnight_begins_on_the_monday_before_its_day() -> None:
    shown = range_of(View.FORTNIGHT, date(2026, 12, 3), ROME)
    assert (shown.first, shown.last) == (date(2026, 11, 30), date(2026, 12, 13))
    assert (shown.earlier, shown.later) == (date(2026, 11, 16), date(2026, 12, 14))


def test_a_month_is_its_own_days_drawn_as_whole_weeks() -> None:
    shown = range_of(View.MONTH, date(2026, 11, 22), ROME)
    assert (shown.first, shown.last) == (date(2026, 11, 1), date(2026, 11, 30))
    assert [window.days[0].isoformat() for window in shown.windows] == [
        "2026-10-26",
        "2026-11-02",
        "2026-11-09",
        "2026-11-16",
        "2026-11-23",
        "2026-11-30",
    ]
    assert {len(window.days) for window in shown.windows} == {7}
    outside = [mark.strong for mark in marks(shown.windows[0], shown, today=TODAY) if "out" in mark.css]
    assert outside == ["26", "27", "28", "29", "30", "31"]


@pytest.mark.parametrize(
    ("day", "earlier", "later"),
    [
        (date(2026, 12, 15), date(2026, 11, 1), date(2027, 1, 1)),
        (date(2027, 1, 31), date(2026, 12, 1), date(2027, 2, 1)),
        (date(2024, 2, 29), date(2024, 1, 1), date(2024, 3, 1)),
    ],
)
def test_when_months_are_turned_then_none_is_left_out(day: date, earlier: date, later: date) -> None:
    shown = range_of(View.MONTH, day, ROME)
    assert (shown.earlier, shown.later) == (earlier, later)


def test_when_the_clock_goes_forward_then_the_day_has_23_hours_and_no_two_oclock() -> None:
    shown = hours(date(2026, 3, 29), ROME)
    assert len(shown) == 23
    assert shown[:4] == ["00:00", "01:00", "03:00", "04:00"]


def test_when_the_clock_goes_back_then_the_day_has_25_hours_and_two_oclock_twice_told_apart() -> None:
    day = range_of(View.DAY, date(2026, 10, 25), ROME)
    drawn = marks(day.windows[0], day, today=TODAY)
    assert len(drawn) == 25
    assert [(mark.strong, mark.small) for mark in drawn[1:5]] == [
        ("01:00", ""),
        ("02:00", "CEST"),
        ("02:00", "CET"),
        ("03:00", ""),
    ]
    assert {mark.width for mark in drawn} == {"4%"}


def test_when_the_clock_is_moved_by_half_an_hour_then_the_hours_are_as_long_as_they_are() -> None:
    """Lord Howe goes back from 02:00 to 01:30."""
    assert lasting(date(2026, 4, 5), LORD_HOWE) == timedelta(hours=24, minutes=30)
    shown = range_of(View.DAY, date(2026, 4, 5), LORD_HOWE)
    widths = [float(mark.width.rstrip("%")) for mark in marks(shown.windows[0], shown, today=TODAY)]
    assert sum(widths) == pytest.approx(100, abs=0.05)
    assert max(widths) == pytest.approx(1.5 / 24.5 * 100, abs=0.01)


def test_a_zone_with_an_odd_offset_still_has_hours_from_midnight_to_midnight() -> None:
    assert hours(date(2026, 11, 22), KATHMANDU) == [f"{hour:02}:00" for hour in range(24)]


def test_a_day_the_zone_skipped_gives_way_to_the_next() -> None:
    assert range_of(View.DAY, date(2011, 12, 30), ZoneInfo("Pacific/Apia")).first == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("zone", "day", "before", "after", "lasts"),
    [
        ("Europe/Rome", date(2026, 3, 29), "02:00", "03:00", "23 h"),
        ("Europe/Rome", date(2026, 10, 25), "03:00", "02:00", "25 h"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "02:00", "01:30", "24 h 30 min"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:00", "02:30", "23 h 30 min"),
        ("Antarctica/Troll", date(2026, 3, 29), "01:00", "03:00", "22 h"),
    ],
)
def test_a_change_of_the_clock_is_told(zone: str, day: date, before: str, after: str, lasts: str) -> None:
    shown = range_of(View.DAY, day, ZoneInfo(zone))
    (change,) = clock_changes(shown.zone, since=shown.since, until=shown.until)
    assert (change.day, change.before, change.after, change.hours) == (day, before, after, lasts)


def test_two_zones_are_one_clock_only_while_they_show_the_same() -> None:
    """Lisbon and Casablanca differ but for the time around Ramadan."""
    lisbon, casablanca = ZoneInfo("Europe/Lisbon"), ZoneInfo("Africa/Casablanca")
    week = timedelta(days=7)
    ramadan, summer = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
    assert same_clock(lisbon, casablanca, since=ramadan, until=ramadan + week)
    assert not same_clock(lisbon, casablanca, since=summer, until=summer + week)


def test_people_who_serve_at_the_same_time_stand_on_lines_of_their_own() -> None:
    start = datetime(2026, 11, 16, tzinfo=UTC)
    day = timedelta(days=1)
    spans = [
        Span(start, start + day, "Marta", "1"),
        Span(start, start + day, "Jonas", "2"),
        Span(start + day, start + 2 * day, "Jonas", "2"),
        Span(start + day, start + 2 * day, "Marta", "1"),
    ]
    assert [[span.name for span in line] for line in tracks(spans)] == [["Marta", "Marta"], ["Jonas", "Jonas"]]


def test_a_narrow_gap_keeps_its_icon_and_gives_up_its_words() -> None:
    start = datetime(2026, 11, 16, tzinfo=UTC)
    gap = Span(start, start + timedelta(hours=1), "1 h", kind="gap", title="Nobody, 1 h", icon="triangle-alert")
    (block,) = blocks([gap], since=start, until=start + timedelta(days=14))
    assert (block.label, block.icon, block.title) == ("", "triangle-alert", "Nobody, 1 h")
