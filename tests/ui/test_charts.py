"""Charts and lanes: numbers in, places out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation_site.ui import charts, lanes

HEADS = ("Week", "Median", "To p90", "Before")
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT_MONDAY = MONDAY + timedelta(days=7)


def drawn(*medians: float | None) -> charts.LineChart:
    points = [charts.LinePoint(f"W{index}", median) for index, median in enumerate(medians)]
    return charts.line_chart(points, title="MTTA", description="It fell.", heads=HEADS)


def test_when_a_week_has_no_data_then_the_line_is_not_drawn_across_it() -> None:
    chart = drawn(300, 280, None, 240, 230)
    assert chart.line.count("M") == 2
    assert len(chart.dots) == 4
    assert chart.table_rows[2] == ("W2", "–")


def test_when_one_week_stands_alone_then_it_is_a_dot_without_a_line() -> None:
    chart = drawn(None, 280, None)
    assert chart.line == ""
    assert [dot.words for dot in chart.dots] == ["W1: 4 min 40 s"]


def test_when_there_is_no_data_at_all_then_the_axis_stands_alone() -> None:
    chart = drawn(None, None)
    assert (chart.line, chart.band, chart.before, chart.dots) == ("", "", "", ())
    assert [tick.label for tick in chart.y_ticks] == ["0", "1 s"]


def test_when_only_medians_are_known_then_the_table_has_no_empty_columns() -> None:
    assert drawn(300, 280).table_head == ("Week", "Median")


def test_when_the_axis_counts_time_then_its_steps_are_round_spans() -> None:
    assert [tick.label for tick in drawn(1050, 200).y_ticks] == ["0", "5 min", "10 min", "15 min", "20 min"]


@given(st.floats(min_value=1e-3, max_value=1e9))
def test_when_any_top_is_given_then_four_steps_reach_it(top: float) -> None:
    for step in (charts.number_step(top), charts.duration_step(top)):
        assert step * 4 >= top * (1 - 1e-6)


@given(st.lists(st.none() | st.floats(min_value=0, max_value=1e6), max_size=40))
def test_when_any_series_is_drawn_then_every_dot_lies_within_the_drawing(series: list[float | None]) -> None:
    chart = drawn(*series)
    assert all(0 <= dot.x <= 100 and charts.TOP - 1 <= dot.y <= chart.height - charts.BOTTOM + 1 for dot in chart.dots)
    assert len(chart.table_rows) == len(series)


def test_when_bars_are_drawn_then_the_longest_fills_its_line() -> None:
    chart = charts.bar_chart([("a", 29), ("b", 18), ("c", 0)], title="t", description="d", heads=("x", "y"))
    assert [bar.percent for bar in chart.bars] == ["100%", "62.07%", "0%"]


def test_when_columns_are_drawn_then_they_stand_on_the_ground() -> None:
    chart = charts.column_chart([("Mon", 12), ("Tue", 0)], title="t", description="d", heads=("x", "y"))
    ground = chart.y_ticks[0].at
    assert all(round(column.y + column.height, 1) == ground for column in chart.columns)


def test_when_change_cannot_be_said_then_it_is_none() -> None:
    assert charts.change(90, 100) == pytest.approx(-0.1)
    assert charts.change(90, 0) is None
    assert charts.change(None, 100) is None


def test_when_a_sparkline_has_one_value_then_nothing_is_drawn() -> None:
    assert charts.sparkline([3]) == ""
    assert charts.sparkline([1, 2, 3], width=10, height=12) == "M0 11L5 6L10 1"


def test_when_a_shift_leaves_the_window_then_it_is_cut_to_it() -> None:
    spans = [
        lanes.Span(MONDAY - timedelta(days=3), MONDAY + timedelta(days=3, hours=12), "Marta Ferri"),
        lanes.Span(NEXT_MONDAY, NEXT_MONDAY + timedelta(days=1), "Jonas de Wit"),
    ]
    placed = lanes.blocks(spans, since=MONDAY, until=NEXT_MONDAY)
    assert [(block.x, block.width, block.label) for block in placed] == [("0%", "50%", "Marta Ferri")]


def test_when_a_shift_is_short_then_it_shows_initials_and_keeps_the_name_for_the_title() -> None:
    night = lanes.Span(MONDAY, MONDAY + timedelta(hours=8), "Yusuf Demir")
    (block,) = lanes.blocks([night], since=MONDAY, until=NEXT_MONDAY)
    assert (block.label, block.title) == ("YD", "Yusuf Demir")


def test_when_a_gap_is_placed_then_it_has_no_persons_hue() -> None:
    gap = lanes.Span(MONDAY, MONDAY + timedelta(days=1), "24 h", kind="gap")
    (block,) = lanes.blocks([gap], since=MONDAY, until=NEXT_MONDAY)
    assert block.css == "b gap"


def test_when_a_week_is_drawn_then_saturday_and_sunday_are_shaded() -> None:
    days = [MONDAY + timedelta(days=day) for day in range(7)]
    assert lanes.weekends(days, since=MONDAY, until=NEXT_MONDAY) == [("71.429%", "14.286%"), ("85.714%", "14.286%")]
