"""Words, patterns and times: what the checks on text and on the clock go by."""

from __future__ import annotations

import random
import re
import time as stopwatch
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncall.rota.clock import first_instant, last_instant, zone_named
from policies.conditions import (
    DEFAULT_SYNONYMS,
    OFFICE_HOURS,
    BusinessCalendar,
    Day,
    Window,
    condition_compile,
    condition_parse,
    facts_of,
)
from policies.conditions.patterns import MAX_SEARCHED, PatternInvalid, pattern
from policies.conditions.times import WeekClock, wall_time
from policies.conditions.words import Keywords, Prose
from tests.policies.strategies import steady


def found(word: str, text: str) -> bool:
    return Keywords([word], DEFAULT_SYNONYMS).found(Prose(text))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("outage", "Outage in Milan"),
        ("outage", "the site is DOWN."),
        ("outage", "Il sito è fuori servizio"),
        ("storing", "guasto alla rete"),
        ("sign-in", "cannot sign in"),
        ("cafe", "Café closed"),
        ("perché", "PERCHE no"),
        ("straße", "Strasse gesperrt"),
        ("pay*", "payroll late"),
        ("card pay*", "card payments fail"),
        ("支付", "无法支付了"),
        ("disk full", "disk   FULL!"),
    ],
)
def test_when_a_word_or_one_that_means_the_same_is_in_the_text_then_it_is_found(word: str, text: str) -> None:
    assert found(word, text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("disk", "diskette"),
        ("outage", "downtown"),
        ("rete", "concrete"),
        ("disk full", "disk nearly full"),
        ("pay*", "repay"),
        ("outage", ""),
    ],
)
def test_when_only_a_part_of_a_word_is_in_the_text_then_it_is_not_found(word: str, text: str) -> None:
    assert not found(word, text)


def test_when_words_are_found_then_the_trace_names_them_as_they_are_in_the_text() -> None:
    check = condition_parse({"fact": "text", "operator": "keyword", "value": ["outage", "disk full"]})

    trace = condition_compile(check).explain(facts_of({"title": "Guasto", "description": "disk full"}))

    assert trace.value == ["guasto", "disk full"]


def test_when_a_site_has_synonyms_of_its_own_then_those_are_used() -> None:
    check = condition_parse({"fact": "title", "value": ["till"]})
    ours = {"en": (("till", "point of sale"),), "nl": (("point of sale", "kassasysteem"),)}

    assert condition_compile(check, synonyms=ours).holds(facts_of({"title": "Kassasysteem kapot"}))
    assert not condition_compile(check).holds(facts_of({"title": "Kassasysteem kapot"}))


# --- Patterns -----------------------------------------------------------------------------------------------------

_ATOMS = st.sampled_from(
    ["a", "b", "-", ".", "[ab]", "[^a]", "[a-c]", r"\w", r"\d", r"\W", r"\s", "^", "$", r"\b", r"\B"]
)


def _patterns() -> st.SearchStrategy[str]:
    def longer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        signs = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "+?"])
        return (
            st.lists(inner, min_size=1, max_size=3).map("".join)
            | st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})")
            | st.tuples(inner, signs).map(lambda pair: f"({pair[0]}){pair[1]}")
        )

    return st.recursive(_ATOMS, longer, max_leaves=8)


@steady
@given(_patterns(), st.text(alphabet="abAC1- ", min_size=1, max_size=12))
def test_when_any_pattern_is_searched_then_it_is_found_where_python_finds_it(text: str, searched: str) -> None:
    # No text is empty: Python before 3.14 has no place there that is not the edge of a word.
    assert pattern(text).found(searched) is (re.search(text, searched, re.IGNORECASE) is not None)


@pytest.mark.parametrize(
    "evil", ["(a+)+b", "(a|aa)+b", "(a|a)*b", "a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)(.*)x", "(a?){60}a{60}c"]
)
def test_when_a_pattern_would_keep_python_busy_for_years_then_it_is_answered_at_once(evil: str) -> None:
    ready = pattern(evil)
    begun = stopwatch.process_time()

    assert not ready.found("a" * MAX_SEARCHED)

    # Python's own engine doubles its time with each letter; this one is a thousand times under the limit.
    assert stopwatch.process_time() - begun < 10


@pytest.mark.parametrize(
    "text",
    [
        "(", ")", "[", "[z-a]", "*", "a**", "a{2}{3}", "a{3,2}", "\\", r"\1", r"\q", "(?=a)", "(?<!a)", "(?P<x>a)", "^*",
        "(((a{100}){100}){100})", "((){1000}){1000}", "a" * 201, "(" * 30 + ")" * 30,
    ],
)  # fmt: skip
def test_when_a_pattern_cannot_be_used_then_the_person_is_told_why(text: str) -> None:
    with pytest.raises(PatternInvalid):
        pattern(text)


@steady
@given(st.text(alphabet="ab()[]{}|*+?\\^$.-,0123dwsbB]", max_size=20), st.text(max_size=20))
def test_when_anything_is_given_as_a_pattern_then_it_is_refused_or_searches(text: str, searched: str) -> None:
    try:
        ready = pattern(text)
    except PatternInvalid:
        return
    ready.found(searched)


def test_when_a_pattern_meets_ever_new_letters_then_what_it_remembers_stays_bounded() -> None:
    ready = pattern("(a|b).{12}c")
    chance = random.Random(7)

    for _time in range(20):
        ready.found("".join(chance.choices("abd", k=MAX_SEARCHED)))

    assert len(ready._states) <= 500


# --- Times --------------------------------------------------------------------------------------------------------

NIGHT = Window((Day.SAT,), time(22), time(6))


def is_open(windows: tuple[Window, ...], at: datetime, zone: str = "Europe/Rome") -> bool:
    return WeekClock(windows).is_open(at, zone, wall_time(at, zone))


@pytest.mark.parametrize(
    ("at", "within"),
    [
        ("2026-11-21T20:59:59", False),
        ("2026-11-21T21:00:00", True),
        ("2026-11-22T04:59:59", True),
        ("2026-11-22T05:00:00", False),
        ("2026-11-22T21:30:00", False),
    ],
)
def test_when_a_window_crosses_midnight_then_it_belongs_to_the_day_it_opens(at: str, within: bool) -> None:
    assert is_open((NIGHT,), datetime.fromisoformat(f"{at}+00:00")) is within


def test_when_a_sunday_night_window_runs_into_monday_then_the_week_is_round() -> None:
    sunday = Window((Day.SUN,), time(20), time(8))

    assert is_open((sunday,), datetime(2026, 11, 23, 6, tzinfo=UTC))
    assert not is_open((sunday,), datetime(2026, 11, 23, 7, tzinfo=UTC))


def test_when_the_windows_fill_the_week_then_every_instant_is_within() -> None:
    assert is_open((Window(tuple(Day), time(9), time(9)),), datetime(2026, 3, 29, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("at", "within"),
    [
        # 25 October 2026: the clock goes from 03:00 back to 02:00 at 01:00 UTC. The window opens at the first 02:30.
        ("2026-10-25T00:29:59", False),
        ("2026-10-25T00:30:00", True),
        ("2026-10-25T01:10:00", True),
        ("2026-10-25T02:59:59", True),
        ("2026-10-25T03:00:00", False),
        # 29 March: from 02:00 to 03:00 at 01:00 UTC. The window opens when the clock jumps.
        ("2026-03-29T00:59:59", False),
        ("2026-03-29T01:00:00", True),
        ("2026-03-29T02:00:00", False),
    ],
)
def test_when_the_clock_changes_then_a_window_opens_at_its_first_hour_and_closes_at_its_last(
    at: str, within: bool
) -> None:
    assert is_open((Window(tuple(Day), time(2, 30), time(4)),), datetime.fromisoformat(f"{at}+00:00")) is within


_ZONES = st.sampled_from(
    ["Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "America/New_York"]
)
_TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_WINDOWS = st.builds(
    Window, st.lists(st.sampled_from(list(Day)), min_size=1, max_size=3, unique=True).map(tuple), _TIMES, _TIMES
)


@steady
@given(st.lists(_WINDOWS, min_size=1, max_size=3), _ZONES, st.integers(0, 365 * 48))
def test_when_any_instant_is_held_against_any_windows_then_a_walk_through_the_days_agrees(
    windows: list[Window], zone: str, half_hours: int
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * half_hours)

    assert is_open(tuple(windows), at, zone) is any(opened(window, at, zone) for window in windows)


def opened(window: Window, at: datetime, zone: str) -> bool:
    place = zone_named(zone)
    today = at.astimezone(place).date()
    for days in (-2, -1, 0, 1):
        day = today + timedelta(days=days)
        if tuple(Day)[day.weekday()] not in window.days:
            continue
        ends = day if window.end > window.start else day + timedelta(days=1)
        opens = first_instant(datetime.combine(day, window.start), place)
        if opens <= at < last_instant(datetime.combine(ends, window.end), place):
            return True
    return False


def test_when_a_calendar_has_a_holiday_then_it_is_closed_on_it_by_its_own_clock() -> None:
    calendar = BusinessCalendar("Asia/Tokyo", OFFICE_HOURS, frozenset({date(2026, 11, 23)}))
    monday = datetime(2026, 11, 23, 3, tzinfo=UTC)

    assert calendar.says(monday) == (True, False)
    assert calendar.says(monday + timedelta(days=1)) == (False, True)
    assert calendar.says(monday - timedelta(hours=13)) == (False, False)


def test_when_business_hours_are_asked_then_the_named_calendar_answers() -> None:
    calendars = {
        "": BusinessCalendar("UTC", OFFICE_HOURS),
        "always": BusinessCalendar("UTC", (Window(tuple(Day), time(0), time(0)),)),
    }
    night = facts_of({}, at=datetime(2026, 11, 23, 3, tzinfo=UTC), calendars=calendars)

    assert not condition_compile(condition_parse({"fact": "business_hours"})).holds(night)
    assert condition_compile(condition_parse({"fact": "business_hours", "calendar": "always"})).holds(night)
