"""Percentiles and periods."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.metrics import percentile
from reports.period import period_of

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


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
