"""Priority: from impact and urgency, from severity where they are unknown, and rising as an SLA's time runs down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from policies.calendars import business_time
from policies.conditions import OFFICE_HOURS, BusinessCalendar
from policies.escalation import around_the_clock
from policies.priority import (
    SCALE,
    PriorityDef,
    Threshold,
    level_label,
    percent_passed,
    priority_dump,
    priority_lines,
    priority_of,
    priority_parse,
    priority_schema,
)
from policies.reading import DefinitionInvalid
from tests.policies.strategies import steady

SHIPPED = PriorityDef()
FRIDAY = datetime(2026, 11, 20, 16, tzinfo=UTC)  # 17:00 in Rome
_STEP = st.integers(1, 5)
_FIVE = st.tuples(_STEP, _STEP, _STEP, _STEP, _STEP)
_LABELS = st.tuples(*[st.sampled_from(["", "Everybody", "Élodie's team", "x" * 80])] * 5)
_THRESHOLDS = st.lists(
    st.builds(Threshold, st.integers(1, 200), st.integers(1, 4)), max_size=4, unique_by=lambda one: one.at_percent
).map(lambda found: tuple(sorted(found, key=lambda one: one.at_percent)))
PRIORITIES = st.builds(PriorityDef, _LABELS, _LABELS, st.tuples(_FIVE, _FIVE, _FIVE, _FIVE, _FIVE), _FIVE, _THRESHOLDS)


@pytest.mark.requirement("R334")
def test_when_only_the_severity_is_known_then_the_priority_follows_it() -> None:
    assert [priority_of(SHIPPED, severity=severity) for severity in SCALE] == [1, 2, 3, 4, 5]
    assert priority_of(SHIPPED, severity=4, impact=1) == 4, "an impact without an urgency says too little"


@pytest.mark.parametrize(
    ("impact", "urgency", "expected"), [(1, 1, 1), (1, 5, 3), (5, 1, 3), (3, 3, 3), (2, 4, 3), (5, 5, 5)]
)
def test_when_impact_and_urgency_are_known_then_the_matrix_decides(impact: int, urgency: int, expected: int) -> None:
    assert priority_of(SHIPPED, severity=5, impact=impact, urgency=urgency) == expected


def test_when_the_shipped_matrix_is_read_then_more_impact_or_urgency_never_lowers_the_priority() -> None:
    for row, below in zip(SHIPPED.matrix, SHIPPED.matrix[1:], strict=False):
        assert list(row) == sorted(row)
        assert all(above <= under for above, under in zip(row, below, strict=True))


@pytest.mark.requirement("R305")
@pytest.mark.parametrize(("elapsed", "expected"), [(0, 4), (49.9, 4), (50, 3), (79, 3), (80, 2), (150, 2)])
def test_when_sla_time_runs_down_then_the_priority_rises_at_each_threshold(elapsed: float, expected: int) -> None:
    assert priority_of(SHIPPED, severity=4, elapsed_percent=elapsed) == expected


def test_when_an_incident_is_p1_then_no_threshold_raises_it_further() -> None:
    steep = PriorityDef(thresholds=(Threshold(10, 4), Threshold(20, 4)))

    assert priority_of(steep, severity=2, elapsed_percent=100) == 1


@steady
@given(PRIORITIES, _STEP, st.none() | _STEP, st.none() | _STEP, st.floats(0, 300), st.floats(0, 300))
def test_when_more_time_has_passed_then_the_priority_is_never_lower(
    definition: PriorityDef, severity: int, impact: int | None, urgency: int | None, one: float, other: float
) -> None:
    early, late = sorted((one, other))
    before, after = (
        priority_of(definition, severity=severity, impact=impact, urgency=urgency, elapsed_percent=elapsed)
        for elapsed in (early, late)
    )

    assert 1 <= after <= before <= 5


def test_when_an_sla_counts_working_hours_then_thresholds_pass_in_working_hours() -> None:
    moved = business_time(BusinessCalendar("Europe/Rome", OFFICE_HOURS))

    def passed(hours: float, **options: Any) -> int:
        return percent_passed(
            SHIPPED, started_at=FRIDAY, seconds=2 * 3_600, at=FRIDAY + timedelta(hours=hours), **options
        )

    assert [passed(hours, moved=around_the_clock) for hours in (0.9, 1, 1.6, 3)] == [0, 50, 80, 80]
    # An hour is left on Friday; the second one begins on Monday at 9:00, 64 hours later.
    assert [passed(hours, moved=moved) for hours in (0.9, 1, 63, 64.5, 64.6)] == [0, 50, 50, 50, 80]


# --- Documents ----------------------------------------------------------------------------------------------------


@steady
@given(PRIORITIES)
def test_when_a_matrix_is_written_then_it_reads_back_the_same_and_its_schema_allows_it(definition: PriorityDef) -> None:
    document = priority_dump(definition)

    assert priority_parse(document) == definition
    Draft202012Validator(priority_schema()).validate(document)


def test_when_nothing_is_written_then_the_matrix_is_the_shipped_one() -> None:
    assert priority_parse({}) == SHIPPED
    assert priority_parse({"severity": ["P1", "p1", 2, 3, "P5"]}).severity == (1, 1, 2, 3, 5)


def test_when_a_matrix_has_mistakes_then_each_is_named_with_its_field() -> None:
    document = {
        "impact": ["a", "b"],
        "matrix": [[1, 2, 3, 4, 6], [1, 2, 3, 4], ["P0", 1, 1, 1, True], [5] * 5, [5] * 5],
        "thresholds": [{"at_percent": 50}, {"at_percent": 50}, {"raise_by": 9}],
        "rows": 5,
    }

    with pytest.raises(DefinitionInvalid) as refused:
        priority_parse(document)

    assert {problem.path for problem in refused.value.problems} == {
        "rows",
        "impact",
        "matrix[0][4]",
        "matrix[1]",
        "matrix[2][0]",
        "matrix[2][4]",
        "thresholds[1]",
        "thresholds[2].at_percent",
        "thresholds[2].raise_by",
    }
    assert list(Draft202012Validator(priority_schema()).iter_errors(document))


def test_when_a_matrix_is_read_in_words_then_its_names_and_rises_are_said() -> None:
    own = PriorityDef(impact=("The whole house", "", "", "", ""))
    lines = priority_lines(own)

    assert level_label(own, "impact", 1) == "The whole house"
    assert lines["Impact 1: The whole house"].startswith("P1 at urgency 1, P1 at urgency 2")
    assert lines["Where impact or urgency is unknown"].endswith("SEV-5 is P5")
    assert "After 50 % of the SLA’s time the priority rises by one step." in lines["As the SLA’s time runs down"]
