"""Spans of time in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from escalation_site.ui import durations, moments

BEGAN = datetime(2026, 11, 22, 2, 9, 12, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [(531, "8:51"), (74, "1:14"), (0, "0:00"), (-5, "0:00"), (3599, "59:59"), (3900, "1 h 05"), (97200, "1 d 3 h")],
)
def test_when_a_clock_runs_then_it_shows_seconds_only_below_an_hour(seconds: float, digits: str) -> None:
    assert durations.as_clock(seconds) == digits


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (410, "6 min 50 s"),
        (13260, "3 h 41 min"),
        (252000, "2 d 22 h"),
        (45, "45 s"),
        (0, "0 s"),
        (3600, "1 h"),
        (3605, "1 h"),
    ],
)
def test_when_a_span_is_written_then_it_takes_two_neighbouring_units(seconds: float, words: str) -> None:
    assert durations.in_two_units(seconds) == words


def test_when_seconds_do_not_matter_then_they_are_left_out() -> None:
    assert durations.in_two_units(54 * 60 + 12, smallest=durations.MINUTE) == "54 min"
    assert durations.in_two_units(12, smallest=durations.MINUTE) == "0 min"


def test_when_something_is_past_or_coming_then_the_words_say_which() -> None:
    assert durations.ago(360) == "6 min ago"
    assert durations.ago(-360) == "in 6 min"
    assert durations.ago(3) == "just now"
    assert durations.over_by(240) == "over by 4 min"


@given(st.integers(min_value=0, max_value=10**8))
def test_when_any_span_is_written_then_it_is_never_empty_nor_negative(seconds: int) -> None:
    for words in (durations.in_one_unit(seconds), durations.in_two_units(seconds), durations.as_clock(seconds)):
        assert words
        assert "-" not in words


def test_when_names_are_listed_then_the_last_is_joined_by_a_word() -> None:
    assert durations.list_of(["Marta"]) == "Marta"
    assert durations.list_of(["Marta", "Jonas", "Priya"]) == "Marta, Jonas and Priya"


def test_when_an_instant_is_explained_then_both_clocks_are_given() -> None:
    assert moments.exactly(BEGAN, zone=ROME) == "Sun 22 Nov 2026 03:09:12 CET · 02:09:12 UTC"


def test_when_the_day_differs_in_utc_then_it_is_said() -> None:
    midnight_in_rome = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
    assert moments.exactly(midnight_in_rome, zone=ROME) == "Sun 22 Nov 2026 00:05:00 CET · Sat 21 Nov 23:05:00 UTC"


def test_when_the_reader_lives_on_utc_then_it_is_not_said_twice() -> None:
    assert moments.exactly(BEGAN, zone=UTC) == "Sun 22 Nov 2026 02:09:12 UTC"


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("ago", "32 min ago"),
        ("age", "32 min"),
        ("clock", "03:09"),
        ("seconds", "03:09:12"),
        ("short", "Sun 22 Nov, 03:09"),
    ],
)
def test_when_an_instant_is_written_then_the_style_decides(style: str, words: str) -> None:
    assert moments.written(BEGAN, style, at=BEGAN + timedelta(minutes=32), zone=ROME) == words


def test_when_a_relative_time_is_drawn_then_the_script_can_keep_it_fresh() -> None:
    with translation.override("en"):
        html = moments.html(BEGAN, "ago", at=BEGAN + timedelta(minutes=6))
    assert 'data-relative="ago"' in html
    assert 'datetime="2026-11-22T02:09:12Z"' in html
    assert html.endswith(">6 min ago</time>")
