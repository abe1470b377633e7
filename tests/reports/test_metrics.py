"""The figures, from rows alone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.metrics import IncidentRow, by_severity, by_week, figures, percentile, spread, time_to_acknowledge
from reports.period import period_of

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


def row(
    pk: int = 1, *, ack: float | None = None, resolve: float | None = None, called: int = 1, **more: object
) -> IncidentRow:
    """An incident at nine o'clock, acknowledged and resolved so many minutes later."""
    values: dict[str, object] = {"severity": 2, "team_id": 1, "started_at": NINE, **more}
    started = values["started_at"]
    assert isinstance(started, datetime)
    return IncidentRow(
        id=pk,
        acknowledged_at=None if ack is None else started + timedelta(minutes=ack),
        resolved_at=None if resolve is None else started + timedelta(minutes=resolve),
        called=called,
        **values,  # type: ignore[arg-type]
    )


def test_when_ten_incidents_took_one_to_ten_minutes_then_the_median_is_five_and_p90_nine() -> None:
    found = spread([row(n, ack=n) for n in range(1, 11)], time_to_acknowledge)
    assert (found.median, found.p90, found.done, found.waiting) == (300, 540, 10, 0)


def test_when_one_incident_is_not_acknowledged_then_it_is_counted_beside_the_figure() -> None:
    found = spread([row(1, ack=4), row(2)], time_to_acknowledge)
    assert (found.median, found.done, found.waiting) == (240, 1, 1)


def test_when_there_is_no_incident_then_there_is_no_figure() -> None:
    found = figures([])
    assert found.acknowledge.median is None
    assert found.past_first.percent is None
    assert found.total == 0


def test_when_an_alert_says_it_began_after_it_was_acknowledged_then_the_time_is_nought() -> None:
    assert row(ack=-3).to_acknowledge == 0


def test_when_levels_were_called_then_the_shares_follow_from_how_many() -> None:
    found = figures([row(1, called=1), row(2, called=2), row(3, called=3), row(4, called=0)])
    assert (found.past_first.part, found.past_first.whole) == (2, 4)
    assert (found.again.part, found.again.whole) == (1, 2)


def test_when_incidents_are_open_or_exhausted_then_both_are_counted() -> None:
    found = figures([row(1, resolve=5), row(2, exhausted=True), row(3)])
    assert (found.total, found.open, found.exhausted) == (3, 2, 1)


# Other tests share the machine: slowness says nothing here.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=60), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_enough_of_them_do_not_exceed_it(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_when_an_incident_began_just_before_monday_in_rome_then_it_belongs_to_the_week_before() -> None:
    late = row(1, started_at=datetime(2026, 11, 22, 22, 59, tzinfo=UTC))
    early = row(2, started_at=datetime(2026, 11, 22, 23, 1, tzinfo=UTC))
    weeks = by_week([late, early], zone=ROME, first=date(2026, 11, 16), last=date(2026, 11, 29))
    assert weeks == {date(2026, 11, 16): [late], date(2026, 11, 23): [early]}


def test_when_a_week_has_no_incident_then_it_is_there_and_empty() -> None:
    weeks = by_week([], zone=ROME, first=date(2026, 11, 4), last=date(2026, 11, 18))
    assert list(weeks) == [date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)]


def test_when_rows_are_grouped_by_severity_then_the_worst_comes_first() -> None:
    assert list(by_severity([row(1, severity=4), row(2, severity=1), row(3, severity=4)])) == [1, 4]


@pytest.mark.parametrize(("key", "days"), [("28d", 28), ("90d", 90), ("12m", 365), ("nonsense", 28)])
def test_a_named_period_ends_today_on_the_readers_clock(key: str, days: int) -> None:
    # Half past eleven at night in UTC is tomorrow in Rome.
    period = period_of(key, at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC), zone=ROME)
    assert (period.last, period.days) == (date(2026, 11, 23), days)
    assert period.until == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


def test_the_period_before_is_as_long_and_ends_where_this_one_begins() -> None:
    period = period_of("28d", at=NINE, zone=ROME)
    before = period.before()
    assert (before.days, before.until) == (28, period.since)


def test_when_the_clocks_change_within_the_period_then_its_days_stay_whole() -> None:
    period = period_of("custom", at=NINE, zone=ROME, first=date(2026, 10, 25), last=date(2026, 10, 25))
    assert period.until - period.since == timedelta(hours=25)
