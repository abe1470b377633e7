"""Times that were sorted day by day beforehand answer as sorting everything would: pure."""

from array import array
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reports.figures.columns import INCIDENTS, Columns, Packed, packed
from reports.figures.counting import hours_of_week, spread_of, value_of, values_by
from reports.figures.definitions import METRICS, NOT, WAITING
from reports.figures.times import GROUPINGS, TIMED, DayTimes, Grouped, ranked, times_of, times_packed

DAY = 86_400
# Other tests share the machine: slowness says nothing here.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
TIMES = st.one_of(st.integers(0, 5_000), st.sampled_from((NOT, WAITING)), st.just(2**31 - 1))
ROWS = st.lists(st.tuples(st.integers(0, 5 * DAY - 1), st.integers(1, 3), st.integers(1, 4), TIMES, TIMES), max_size=60)
ZONES = ("UTC", "Europe/Rome", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe")


def row(pk: int, at: int, team: int, severity: int, took: int, worked: int) -> tuple[int, ...]:
    values = {
        "at": at,
        "id": pk,
        "team": team,
        "severity": severity,
        "acknowledge": took,
        "acknowledge_work": worked,
        "resolve": worked,
        "resolve_work": took,
    }
    return tuple(values.get(name, 0) for name in INCIDENTS)


def by_day(rows: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    found = [[one for one in rows if one[0] // DAY == day] for day in range(5)]
    return [day for day in found if day]


def named(columns: Columns) -> list[dict[str, int]]:
    return [{name: columns[name][place] for name in INCIDENTS} for place in range(len(columns))]


def day_times(columns: Columns, kind: str) -> DayTimes:
    return DayTimes(times_packed(columns, kind), kind)


def told(grouped: Grouped) -> dict[int, tuple[list[int], int, int]]:
    return {key: (list(one.values[one.begin : one.end]), one.total, one.waiting) for key, one in grouped.items()}


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@PATIENT
@given(ROWS, ROWS, st.integers(0, 5 * DAY), st.integers(0, 5 * DAY), st.sets(st.integers(0, 4)), st.booleans())
def test_wherever_a_range_is_cut_the_sorted_days_give_what_counting_each_incident_gives(
    rows: list[tuple[int, int, int, int, int]],
    others: list[tuple[int, int, int, int, int]],
    one_end: int,
    other_end: int,
    unsorted: set[int],
    work: bool,
) -> None:
    """``others`` are put in beside the packed days, as restricted incidents are; some days were not sorted beforehand."""
    made = sorted(row(pk, *one) for pk, one in enumerate(rows, start=1))
    beside = [row(pk, *one) for pk, one in enumerate(others, start=1000)]
    days, kind = by_day(made), "at_work" if work else "sorted"
    times = [
        None if number in unsorted else day_times(Columns.of_rows(INCIDENTS, day), kind)
        for number, day in enumerate(days)
    ]
    whole = Packed(INCIDENTS, [packed(day, INCIDENTS) for day in days], times)
    since, until = sorted((one_end, other_end))
    found = whole.joined(Columns.of_rows(INCIDENTS, beside)).between(instant(since), instant(until))
    naive = Columns.of_rows(INCIDENTS, [one for one in [*made, *beside] if since <= one[0] < until])
    assert sorted(found["id"]) == sorted(naive["id"])
    assert list(found["at"]) == sorted(found["at"])
    for key in ("acknowledge", "resolve"):
        assert value_of(found, METRICS[key], work=work) == value_of(naive, METRICS[key], work=work)
        for dimension in ("team", "severity", "service"):
            args = (dimension, METRICS[key])
            assert values_by(found, *args, work=work) == values_by(naive, *args, work=work)
    middle = instant((since + until) // 2)
    halves = (found.between(instant(since), middle), found.between(middle, instant(until)))
    assert sum(map(len, halves)) == len(found)
    for half in halves:
        assert value_of(half, METRICS["resolve"]) == spread_of(Counter(half["resolve"]))
    for chosen in ({"team": (1, 2)}, {"severity": (4,)}, {"team": (3,), "severity": (1, 2)}, {"service": (0,)}):
        kept = [one for one in named(naive) if all(one[name] in numbers for name, numbers in chosen.items())]
        some = found.narrowed(chosen)
        assert sorted(some["id"]) == sorted(one["id"] for one in kept)
        assert len(some) == len(kept)
        assert value_of(some, METRICS["resolve"]) == spread_of(Counter(one["resolve"] for one in kept))
        for dimension in ("team", "severity"):
            column = "acknowledge_work" if work else "acknowledge"
            assert values_by(some, dimension, METRICS["acknowledge"], work=work) == {
                key: spread_of(Counter(one[column] for one in kept if one[dimension] == key))
                for key in {one[dimension] for one in kept}
            }
        early = some.between(instant(since), middle)
        assert value_of(early, METRICS["resolve"]) == spread_of(
            Counter(one["resolve"] for one in kept if one["at"] < (since + until) // 2)
        )


def test_when_days_are_whole_then_no_incident_of_them_is_looked_at() -> None:
    day = [row(pk, 60 * pk, 1, 2, 10 * pk, WAITING) for pk in range(1, 11)]
    columns = Columns.of_rows(INCIDENTS, day)
    # The packed incidents beside them hold no time at all: what comes out can only be of the sorted ones.
    blank = [row(pk, 60 * pk, 1, 2, NOT, NOT) for pk in range(1, 11)]
    found = Packed(INCIDENTS, [packed(blank, INCIDENTS)], [day_times(columns, "sorted")])
    whole = found.between(instant(0), instant(DAY))
    assert value_of(whole, METRICS["acknowledge"]) == spread_of(Counter(columns["acknowledge"]))
    assert value_of(whole, METRICS["resolve"]) == spread_of({WAITING: 10})


@PATIENT
@given(ROWS)
def test_what_is_packed_of_a_day_is_read_as_it_was(rows: list[tuple[int, int, int, int, int]]) -> None:
    columns = Columns.of_rows(INCIDENTS, [row(pk, *one) for pk, one in enumerate(rows)])
    for kind, timed in TIMED.items():
        read = day_times(columns, kind)
        for column, grouping in product(timed, GROUPINGS):
            naive = times_of(columns[column], columns[grouping] if grouping else None)
            assert told(read.of(column, grouping)) == told(naive if rows or grouping else {})


def test_when_times_are_of_another_format_then_they_are_refused() -> None:
    data = bytearray(times_packed(Columns(INCIDENTS), "sorted"))
    data[0] += 1
    with pytest.raises(ValueError, match="format"):
        DayTimes(bytes(data), "sorted")


@PATIENT
@given(
    st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=300).map(sorted), min_size=1, max_size=4),
    st.integers(1, 99),
)
@example([list(range(200))], 50)
@example([[7] * 200, [7] * 200], 90)
def test_a_rank_among_sorted_runs_is_the_rank_among_all_of_their_values(runs: list[list[int]], percent: int) -> None:
    """Few values are sorted, many are looked for: both ways must find the same."""
    everything = sorted(value for run in runs for value in run)
    if everything:
        ranks = sorted({-(-len(everything) * percent // 100), len(everything)})
        times = [times_of(run)[0] for run in runs if run]
        assert ranked(times, *ranks) == [everything[rank - 1] for rank in ranks]


@PATIENT
@given(
    st.lists(st.integers(0, 21 * DAY), max_size=60),
    st.sampled_from(ZONES),
    st.sampled_from(("2026-03-20", "2026-10-20", "2026-04-01", "2026-07-01")),
)
def test_hours_of_the_week_are_those_of_each_instant_on_its_clock(seconds: list[int], zone: str, first: str) -> None:
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    instants = sorted(int((begin + timedelta(seconds=one)).timestamp()) for one in seconds)
    local = [datetime.fromtimestamp(one, ZoneInfo(zone)) for one in instants]
    found = hours_of_week(array("q", instants), ZoneInfo(zone))
    expected = Counter((one.weekday(), one.hour) for one in local)
    assert {
        (day, hour): count for day, line in enumerate(found) for hour, count in enumerate(line) if count
    } == expected
