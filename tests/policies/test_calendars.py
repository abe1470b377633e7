"""Business time: instants moved along working hours, held against a clock that counts minute by minute."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calendars import CalendarDef, Holiday, business_time, calendar_dump, calendar_parse
from policies.conditions import OFFICE_HOURS, BusinessCalendar, Day, Window
from policies.escalation import around_the_clock
from policies.reading import DefinitionInvalid
from tests.policies.strategies import steady

ROME = BusinessCalendar("Europe/Rome", OFFICE_HOURS)
CHRISTMAS = BusinessCalendar("Europe/Rome", OFFICE_HOURS, frozenset({date(2026, 12, 25)}))
NIGHTS = BusinessCalendar("Europe/Rome", (Window(tuple(Day), time(22), time(6)),))
MINUTE = timedelta(minutes=1)


def rome(text: str) -> datetime:
    """ "2026-11-20 17:30" on the clock of Rome in winter."""
    return datetime.fromisoformat(f"{text}+01:00")


@pytest.mark.parametrize(
    ("calendar", "at", "seconds", "expected"),
    [
        # Friday afternoon: half an hour is left, the rest is had on Monday.
        (ROME, "2026-11-20 17:30", 3_600, "2026-11-23 09:30"),
        (ROME, "2026-11-20 17:30", 1_800, "2026-11-20 18:00"),
        (ROME, "2026-11-20 17:30", 1_801, "2026-11-23 09:00:01"),
        # A Saturday counts for nothing.
        (ROME, "2026-11-21 12:00", 600, "2026-11-23 09:10"),
        (ROME, "2026-11-21 12:00", 0, "2026-11-21 12:00"),
        # Four working weeks.
        (ROME, "2026-11-02 09:00", 4 * 45 * 3_600, "2026-11-27 18:00"),
        # Back again.
        (ROME, "2026-11-23 09:30", -3_600, "2026-11-20 17:30"),
        (ROME, "2026-11-21 12:00", -600, "2026-11-20 17:50"),
        # Thursday evening, Friday the 25th is a holiday.
        (CHRISTMAS, "2026-12-24 17:45", 1_800, "2026-12-28 09:15"),
        # A window over midnight.
        (NIGHTS, "2026-11-20 05:00", 2 * 3_600, "2026-11-20 23:00"),
    ],
)
@pytest.mark.requirement("R052")
def test_when_time_is_counted_in_working_hours_then_nights_weekends_and_holidays_do_not_count(
    calendar: BusinessCalendar, at: str, seconds: int, expected: str
) -> None:
    assert business_time(calendar)(rome(at), seconds) == rome(expected)


def test_when_a_holiday_follows_an_evening_then_its_window_closes_at_midnight() -> None:
    nights = BusinessCalendar("Europe/Rome", NIGHTS.windows, frozenset({date(2026, 11, 21)}))

    # Friday 22:00 to midnight are two hours; Saturday is closed; Sunday's first six hours belong to Saturday's window.
    assert business_time(nights)(rome("2026-11-20 22:00"), 3 * 3_600) == rome("2026-11-22 01:00")


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        # 25 October 2026, the clock goes back: the night from 22:00 to 06:00 has nine hours.
        ("2026-10-24T20:00:00+00:00", 9),
        # 29 March 2026, the clock goes forward: seven.
        ("2026-03-28T21:00:00+00:00", 7),
    ],
)
def test_when_the_clock_changes_in_a_night_then_its_hours_are_those_that_pass(at: str, hours: int) -> None:
    begins = datetime.fromisoformat(at)

    assert business_time(NIGHTS)(begins, hours * 3_600) == begins + timedelta(hours=hours)
    assert business_time(NIGHTS)(begins, hours * 3_600 + 60) == begins + timedelta(hours=24, minutes=1) + (
        timedelta(hours=hours - 8)
    )


def test_when_a_calendar_never_opens_then_time_passes_around_the_clock() -> None:
    assert business_time(BusinessCalendar("Europe/Rome"))(rome("2026-11-21 12:00"), 600) == rome("2026-11-21 12:10")
    assert business_time(BusinessCalendar()) is around_the_clock


def test_when_the_windows_fill_the_week_then_only_holidays_are_closed() -> None:
    always = BusinessCalendar("UTC", (Window(tuple(Day), time(0), time(0)),), frozenset({date(2026, 11, 22)}))
    saturday = datetime(2026, 11, 21, 23, tzinfo=UTC)

    assert business_time(always)(saturday, 7_200) == datetime(2026, 11, 23, 1, tzinfo=UTC)


# --- Properties ---------------------------------------------------------------------------------------------------

_ZONES = st.sampled_from(
    ["UTC", "Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "America/Havana"]
)
_TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_WINDOWS = st.builds(
    Window, st.lists(st.sampled_from(list(Day)), min_size=1, max_size=4, unique=True).map(tuple), _TIMES, _TIMES
)
# Around the nights on which those clocks change, and the turn of a year.
_STARTS = st.sampled_from(["2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30", "2026-12-30", "2026-04-03"])
_INSTANTS = st.builds(
    lambda day, minutes: datetime.fromisoformat(f"{day}T00:00:00+00:00") + minutes * MINUTE,
    _STARTS,
    st.integers(0, 4 * 1_440),
)
_HOLIDAYS = st.frozensets(
    st.builds(lambda day, more: date.fromisoformat(day) + timedelta(days=more), _STARTS, st.integers(0, 12)), max_size=3
)
_CALENDARS = st.builds(BusinessCalendar, _ZONES, st.lists(_WINDOWS, min_size=1, max_size=3).map(tuple), _HOLIDAYS)
_MINUTES = st.integers(0, 20) | st.integers(0, 40 * 60)


def counted(calendar: BusinessCalendar, at: datetime, minutes: int) -> datetime:
    """The slow way: walk minute by minute and count those that are open. Windows begin and end on whole minutes."""
    while minutes:
        if calendar.says(at).business_hours:
            minutes -= 1
        at += MINUTE
    return at


def counted_back(calendar: BusinessCalendar, at: datetime, minutes: int) -> datetime:
    while minutes:
        at -= MINUTE
        if calendar.says(at).business_hours:
            minutes -= 1
    return at


@steady
@given(_CALENDARS, _INSTANTS, st.integers(0, 12) | st.integers(0, 600))
def test_when_any_calendar_moves_an_instant_then_counting_minutes_agrees(
    calendar: BusinessCalendar, at: datetime, minutes: int
) -> None:
    moved = business_time(calendar)

    assert moved(at, minutes * 60) == counted(calendar, at, minutes)
    assert moved(at, -minutes * 60) == counted_back(calendar, at, minutes)


@steady
@given(_CALENDARS, _INSTANTS, _MINUTES, _MINUTES)
def test_when_time_is_had_in_two_parts_then_it_ends_as_in_one(
    calendar: BusinessCalendar, at: datetime, first: int, second: int
) -> None:
    moved = business_time(calendar)

    assert moved(moved(at, first * 60), second * 60) == moved(at, (first + second) * 60)
    assert moved(moved(at, -first * 60), -second * 60) == moved(at, -(first + second) * 60)


@steady
@given(_CALENDARS, _INSTANTS, _INSTANTS, _MINUTES, _MINUTES)
def test_when_it_begins_later_or_lasts_longer_then_it_never_ends_earlier(
    calendar: BusinessCalendar, one: datetime, other: datetime, shorter: int, longer: int
) -> None:
    moved = business_time(calendar)
    early, late = sorted((one, other))
    short, long = sorted((shorter, longer))

    assert moved(early, short * 60) <= moved(late, short * 60)
    assert moved(early, -short * 60) <= moved(late, -short * 60)
    assert moved(early, -long * 60) <= moved(early, -short * 60) <= early <= moved(early, short * 60)
    assert moved(early, short * 60) <= moved(early, long * 60)


@steady
@given(_CALENDARS, _INSTANTS, _MINUTES)
def test_when_time_is_counted_there_and_back_then_as_much_working_time_lies_between(
    calendar: BusinessCalendar, at: datetime, minutes: int
) -> None:
    moved = business_time(calendar)
    end = moved(at, minutes * 60)

    assert moved(moved(end, -minutes * 60), minutes * 60) == end
    assert moved(end, -minutes * 60) >= at


# --- Documents ----------------------------------------------------------------------------------------------------


@steady
@given(_CALENDARS)
def test_when_a_calendar_is_written_then_it_reads_back_the_same(calendar: BusinessCalendar) -> None:
    # One more, or it might be open for less than an hour a week.
    windows = tuple(
        Window(tuple(day for day in Day if day in window.days), window.start, window.end)
        for window in (*calendar.windows, *OFFICE_HOURS)
    )
    definition = CalendarDef(calendar.zone, windows, tuple(Holiday(day, "x") for day in sorted(calendar.holidays)))

    assert calendar_parse(calendar_dump(definition)) == definition


def test_when_a_calendar_has_mistakes_then_each_is_named_with_its_field() -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        calendar_parse(
            {
                "zone": "Europe/Rom",
                "windows": [{"days": ["mon", "moon"], "start": "9", "end": "18:00"}],
                "holidays": [{"date": "25.12.2026"}, "2026-12-26"],
                "open": True,
            }
        )

    assert {problem.path for problem in refused.value.problems} == {
        "open",
        "zone",
        "windows[0].days[1]",
        "windows[0].start",
        "holidays[0].date",
    }


@pytest.mark.parametrize("windows", [[], None, [{"days": ["mon"], "start": "09:00", "end": "09:05"}]])
def test_when_a_calendar_is_hardly_ever_open_then_it_is_refused(windows: object) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        calendar_parse({"windows": windows})

    assert refused.value.field == "windows"


def test_when_a_day_is_given_alone_or_twice_then_it_is_one_holiday() -> None:
    windows = [{"start": "09:00", "end": "24:00"}]
    parsed = calendar_parse(
        {"windows": windows, "holidays": ["2026-12-26", {"date": "2026-12-25", "name": "Christmas"}, "2026-12-25"]}
    )

    assert parsed.holidays == (Holiday(date(2026, 12, 25), "Christmas"), Holiday(date(2026, 12, 26)))
    assert parsed.windows == (Window(tuple(Day), time(9), time(0)),)
