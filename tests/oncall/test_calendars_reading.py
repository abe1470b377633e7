"""Reading iCalendar documents: what counts, on whose clock, and that nothing somebody serves can do harm."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncall.calendars.reading import CalendarUnreadable, Reading, calendar_read
from oncall.calendars.writing import Entry, calendar_bytes

SINCE = datetime(2026, 11, 21, tzinfo=UTC)
UNTIL = SINCE + timedelta(weeks=26)
ROME = ZoneInfo("Europe/Rome")


def document(*events: str, head: str = "") -> bytes:
    """A calendar of events, each given by its lines."""
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def read(*events: str, head: str = "", zone: ZoneInfo = ROME) -> Reading:
    return calendar_read(document(*events, head=head), since=SINCE, until=UNTIL, zone=zone)


def spans(found: Reading) -> list[tuple[str, str]]:
    return [(f"{window.start:%m-%d %H:%M}", f"{window.end:%m-%d %H:%M}") for window in found.windows]


def test_whole_days_are_those_of_the_persons_clock() -> None:
    found = read("UID:1\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Christmas")
    assert spans(found) == [("12-23 23:00", "12-26 23:00")]
    assert found.windows[0].summary == "Christmas"


def test_a_whole_day_on_which_the_clocks_change_lasts_twenty_three_hours() -> None:
    found = read("UID:1\nDTSTART;VALUE=DATE:20270328\nSUMMARY:Away")
    assert found.windows[0].end - found.windows[0].start == timedelta(hours=23)


def test_times_without_a_zone_are_read_on_the_persons_clock_others_on_their_own() -> None:
    found = read(
        "UID:1\nDTSTART:20261201T100000\nDURATION:PT2H\nSUMMARY:a",
        "UID:2\nDTSTART;TZID=America/New_York:20261202T100000\nDTEND;TZID=America/New_York:20261202T110000\nSUMMARY:b",
        "UID:3\nDTSTART:20261203T100000Z\nDTEND:20261203T110000Z\nSUMMARY:c",
    )
    assert spans(found) == [
        ("12-01 09:00", "12-01 11:00"),
        ("12-02 15:00", "12-02 16:00"),
        ("12-03 10:00", "12-03 11:00"),
    ]


def test_repeated_events_are_expanded_with_their_exceptions_and_keep_the_wall_clock() -> None:
    found = read(
        "UID:1\nDTSTART;TZID=Europe/Rome:20270322T090000\nDTEND;TZID=Europe/Rome:20270322T100000\n"
        "RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Rome:20270405T090000\nSUMMARY:a",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Rome:20270412T090000\nDTSTART;TZID=Europe/Rome:20270413T150000\n"
        "DTEND;TZID=Europe/Rome:20270413T160000\nSUMMARY:moved",
    )
    assert spans(found) == [
        ("03-22 08:00", "03-22 09:00"),
        ("03-29 07:00", "03-29 08:00"),  # summer time
        ("04-13 13:00", "04-13 14:00"),
    ]


def test_cancelled_and_free_events_do_not_count_unless_out_of_office() -> None:
    found = read(
        "UID:1\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z\nSTATUS:CANCELLED\nSUMMARY:a",
        "UID:2\nDTSTART:20261202T100000Z\nDTEND:20261202T110000Z\nTRANSP:TRANSPARENT\nSUMMARY:b",
        "UID:3\nDTSTART:20261203T100000Z\nDTEND:20261203T110000Z\nTRANSP:TRANSPARENT\n"
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF\nSUMMARY:c",
        "UID:4\nDTSTART:20261204T100000Z\nDTEND:20261204T100000Z\nSUMMARY:takes no time",
    )
    assert [window.uid for window in found.windows] == ["3"]
    assert found.free == 1


def test_events_that_touch_the_range_count_and_others_do_not() -> None:
    found = read(
        "UID:before\nDTSTART:20261101T100000Z\nDTEND:20261121T000000Z\nSUMMARY:a",
        "UID:into\nDTSTART:20261101T100000Z\nDTEND:20261121T000001Z\nSUMMARY:b",
        "UID:after\nDTSTART:20280101T000000Z\nDTEND:20280102T000000Z\nSUMMARY:c",
    )
    assert [window.uid for window in found.windows] == ["into"]


def test_attendees_are_read_by_address_without_those_who_declined() -> None:
    found = read(
        "UID:1\nDTSTART:20261201T100000Z\nDTEND:20261201T110000Z\nSUMMARY:x\nATTENDEE:mailto:Marta@Example.org\n"
        "ATTENDEE;PARTSTAT=DECLINED:mailto:jonas@example.org"
    )
    assert found.windows[0].people == ("marta@example.org",)


def test_when_one_event_is_broken_then_it_is_named_and_the_others_count() -> None:
    found = read(
        "UID:1\nDTSTART:20261201T100000Z\nDTEND:nonsense\nSUMMARY:Broken one",
        "UID:2\nSUMMARY:no start",
        "UID:3\nDTSTART:20261203T100000Z\nDTEND:20261203T110000Z\nSUMMARY:good",
    )
    assert [window.uid for window in found.windows] == ["3"]
    assert found.problems == ("“Broken one” cannot be read.", "“no start” cannot be read.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not begin with"),
        (b"<!doctype html><title>Sign in</title>", "does not begin with"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "a calendar with a mistake"),
        (b"x" * 1_000_001, "larger than 1000 kB"),
    ],
)
def test_when_a_file_is_no_calendar_then_it_says_what_is_the_matter(content: bytes, said: str) -> None:
    with pytest.raises(CalendarUnreadable, match=said):
        calendar_read(content, since=SINCE, until=UNTIL, zone=ROME)


START = "UID:1\nDTSTART:20260105T000000Z\nDTEND:20260106T000000Z\nSUMMARY:x\n"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (f"{START}RRULE:FREQ=SECONDLY", "more than once a day"),
        (f"{START}rrule:freq=minutely", "more than once a day"),
        (f"{START}RRULE:FREQ=DAI\n LY;BYHOUR=1,2,3;BYSECOND=1,2", "more than once a day"),
        (f"{START}RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "too long to read"),
        ("UID:1\nDTSTART:19700101T000000Z\nDTEND:29700101T000000Z\nSUMMARY:x\nRRULE:FREQ=DAILY", "longer than a year"),
    ],
)
def test_when_a_rule_asks_for_endless_work_then_it_is_refused(event: str, said: str) -> None:
    with pytest.raises(CalendarUnreadable, match=said):
        read(event)


def test_a_rule_that_never_comes_true_is_given_up_in_the_end() -> None:
    assert spans(read(f"{START}RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")) == []


def test_when_a_time_zone_changes_every_second_then_the_calendar_is_refused() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\n"
        "RRULE:FREQ=DAILY\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    with pytest.raises(CalendarUnreadable, match="time zones"):
        read("UID:1\nDTSTART;TZID=X:20261201T100000\nDURATION:PT1H\nSUMMARY:x", head=zone)


def test_when_a_small_file_comes_to_too_many_events_then_it_is_refused() -> None:
    many = [f"UID:{number}\n{START.partition(chr(10))[2]}RRULE:FREQ=DAILY" for number in range(40)]
    with pytest.raises(CalendarUnreadable, match="more than 2000 events"):
        read(*many)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_is_served_is_read_or_refused_in_words(noise: bytes) -> None:
    for content in (noise, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + noise + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"):
        # A refusal is a fine answer; anything else that is raised fails the test.
        with suppress(CalendarUnreadable):
            calendar_read(content, since=SINCE, until=UNTIL, zone=ROME)


_words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=80)
_instants = st.datetimes(datetime(2026, 11, 22), datetime(2027, 4, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_words, _words, _instants, st.integers(1, 10**6)), max_size=5))
def test_what_is_written_reads_back_the_same(parts: list[tuple[str, str, datetime, int]]) -> None:
    entries = [
        Entry(
            f"{number}{summary}",
            start.replace(microsecond=0),
            start.replace(microsecond=0) + timedelta(seconds=seconds),
            summary,
            description,
            "https://watchbell.example.org/oncall/x/",
        )
        for number, (summary, description, start, seconds) in enumerate(parts)
    ]
    content = calendar_bytes(name="Läufe; Noć, 夜", entries=entries, changed_at=SINCE)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    # Written as free time, so the reader counts them as such.
    opaque = content.replace(b"TRANSP:TRANSPARENT", b"TRANSP:OPAQUE")
    found = calendar_read(opaque, since=SINCE, until=UNTIL, zone=ROME)
    assert sorted((one.start, one.end) for one in found.windows) == sorted((one.start, one.end) for one in entries)
    assert sorted(one.summary for one in found.windows) == sorted(one.summary.strip() for one in entries)
