"""The pure half of the workload: sets of time, the heaviest window, and figures that agree with the rota's own."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall import rota
from oncall.load.forms import month_days, months, weeks_around
from oncall.load.measure import Days, burden, clock_of, duties
from oncall.load.spans import NOTHING, Spans, heaviest
from tests.oncall.rota_cast import ALICE, BOB, CAROL, ROME, layer, schedule, utc

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)

moments = st.integers(0, 24 * 60).map(lambda hours: BEGIN + hours * HOUR)
ranges = (
    st.tuples(moments, moments).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: (pair[0], pair[1]))
)
sets = st.lists(ranges, max_size=12).map(Spans)


def held(spans: Spans, start: datetime, end: datetime) -> timedelta:
    """What a range holds, hour by hour."""
    hours = round((end - start) / HOUR)
    return sum(
        (HOUR for hour in range(hours) if any(a <= start + hour * HOUR < b for a, b in spans.pairs)),
        NOTHING,
    )


@given(sets, ranges)
def test_when_asked_what_a_range_holds_then_every_hour_of_it_is_counted_once(
    spans: Spans, asked: tuple[datetime, datetime]
) -> None:
    assert spans.within(*asked) == held(spans, *asked)
    assert spans.cut(*asked).total == held(spans, *asked)


@given(sets, st.integers(1, 24 * 30))
def test_when_the_heaviest_window_is_sought_then_no_other_window_holds_more(spans: Spans, hours: int) -> None:
    since, until, length = BEGIN, BEGIN + timedelta(days=60), hours * HOUR
    begun, most = heaviest(spans, length, since=since, until=until)
    assert spans.within(begun, begun + length) == most
    assert since <= begun <= until - length
    steps = range(24 * 60 - hours + 1)
    assert most == max(spans.within(since + step * HOUR, since + step * HOUR + length) for step in steps)


def test_when_the_range_is_shorter_than_the_window_then_all_of_it_counts() -> None:
    spans = Spans([(BEGIN, BEGIN + 30 * HOUR)])
    assert heaviest(spans, timedelta(weeks=4), since=BEGIN, until=BEGIN + timedelta(days=1)) == (BEGIN, 24 * HOUR)


@pytest.mark.parametrize(
    ("first", "last"), [(date(2026, 3, 23), date(2026, 4, 12)), (date(2026, 10, 19), date(2026, 11, 8))]
)
@pytest.mark.parametrize("zone", [ROME, "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York"])
def test_when_figures_are_measured_then_they_are_those_of_the_rota(first: date, last: date, zone: str) -> None:
    spec = schedule(
        layer("2026-01-05 09:00", ALICE, BOB, CAROL),
        layer("2026-01-05 21:30", BOB, CAROL, name="backup", role="secondary"),
    )
    days, where = Days(first, last), ZoneInfo(zone)
    since, until = days.since(where), days.until(where)
    shifts = rota.shifts(spec, since=since, until=until)
    clock = clock_of(where, days, ())
    clocks = dict.fromkeys((ALICE, BOB, CAROL), clock)
    for load in rota.workloads(shifts, zone_of=lambda _user: zone):
        mine = burden(load.user_id, duties(shifts, clocks)[load.user_id], clock)
        assert (mine.hours.total, mine.hours.nights, mine.hours.weekends) == (load.total, load.nights, load.weekends)
        assert (mine.stretches, mine.longest) == (load.stretches, load.longest)


def test_when_a_public_holiday_is_short_of_an_hour_then_it_has_23_hours() -> None:
    """29 March 2026, the day Europe's clocks go forward."""
    days = Days(date(2026, 3, 28), date(2026, 3, 30))
    clock = clock_of(ZoneInfo(ROME), days, [date(2026, 3, 29)])
    assert clock.hours(utc("2026-03-28 00:00"), utc("2026-03-31 00:00")).holidays == 23 * HOUR


def test_when_weeks_are_cut_then_they_begin_on_mondays_and_cover_the_range() -> None:
    weeks = Days(date(2026, 11, 21), date(2026, 12, 8)).weeks()
    assert [(week.first.day, week.last.day) for week in weeks] == [(21, 22), (23, 29), (30, 6), (7, 8)]


def test_when_looking_back_and_ahead_then_today_belongs_to_what_is_ahead() -> None:
    today = date(2026, 11, 22)
    assert weeks_around(today, -4) == Days(date(2026, 10, 25), date(2026, 11, 21))
    assert weeks_around(today, 52) == Days(today, date(2027, 11, 20))


def test_when_a_month_is_picked_then_it_is_whole() -> None:
    assert month_days(date(2028, 2, 1)) == Days(date(2028, 2, 1), date(2028, 2, 29))
    assert months(date(2026, 11, 22))[:3] == [date(2027, 1, 1), date(2026, 12, 1), date(2026, 11, 1)]
