"""SLA targets: which one fits, and by when it is to be had."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from policies.calendars import business_time
from policies.conditions import OFFICE_HOURS, BusinessCalendar
from policies.definition import Hours
from policies.reading import DefinitionInvalid
from policies.sla import SlaDef, SlaTarget, sla_dump, sla_lines, sla_of, sla_parse, sla_schema, target_for
from tests.policies.strategies import steady

HOUR = 3_600
HOUSE = sla_parse(
    {
        "targets": [
            {"name": "Outages", "severity": ["SEV-1"], "tier": [1], "acknowledge": "5m", "resolve": "4h"},
            {"name": "Urgent", "priority": ["P1", "P2"], "resolve": "8h"},
            {"name": "The rest", "resolve": "16h", "hours": "business"},
        ]
    }
)
FRIDAY = datetime(2026, 11, 20, 16, tzinfo=UTC)  # 17:00 in Rome
_RANKS = st.lists(st.integers(1, 5), max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
_TIERS = st.lists(st.integers(1, 3), max_size=2, unique=True).map(lambda found: tuple(sorted(found)))
_TARGETS = st.builds(
    SlaTarget,
    st.sampled_from(["Gold", "Élodie", "x" * 80]),
    st.integers(HOUR, 365 * 24 * HOUR),
    st.none() | st.integers(1, HOUR),
    _RANKS,
    _RANKS,
    _TIERS,
    st.sampled_from(Hours),
)
SLAS = st.lists(_TARGETS, max_size=4).map(lambda found: SlaDef(tuple(found)))


@pytest.mark.parametrize(
    ("severity", "priority", "tier", "expected"),
    [(1, 1, 1, "Outages"), (1, 1, 2, "Urgent"), (1, 3, 2, "The rest"), (4, 2, 3, "Urgent"), (4, None, 3, "The rest")],
)
def test_when_several_targets_fit_then_the_first_holds(
    severity: int, priority: int | None, tier: int, expected: str
) -> None:
    found = target_for(HOUSE, severity=severity, priority=priority, tier=tier)

    assert found is not None
    assert found.name == expected


def test_when_no_target_fits_then_nothing_was_promised() -> None:
    assert sla_of(SlaDef(HOUSE.targets[:1]), severity=2, priority=2, tier=1, started_at=FRIDAY) is None
    assert sla_of(SlaDef(), severity=1, priority=1, tier=1, started_at=FRIDAY) is None


@pytest.mark.requirement("R052")
def test_when_a_target_counts_working_hours_then_it_ends_in_them_and_around_the_clock_otherwise() -> None:
    moved = business_time(BusinessCalendar("Europe/Rome", OFFICE_HOURS))

    outage = sla_of(HOUSE, severity=1, priority=1, tier=1, started_at=FRIDAY, calendar=moved)
    rest = sla_of(HOUSE, severity=4, priority=4, tier=3, started_at=FRIDAY, calendar=moved)

    assert outage is not None
    assert rest is not None
    assert (outage.ack_due, outage.resolve_due) == (FRIDAY + timedelta(minutes=5), FRIDAY + timedelta(hours=4))
    # One hour on Friday, nine on Monday, six on Tuesday: until 15:00 in Rome.
    assert rest.resolve_due == datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert rest.ack_due is None


@steady
@given(SLAS)
def test_when_targets_are_written_then_they_read_back_the_same_and_their_schema_allows_them(sla: SlaDef) -> None:
    document = sla_dump(sla)

    assert sla_parse(document) == sla
    Draft202012Validator(sla_schema()).validate(document)


def test_when_targets_have_mistakes_then_each_is_named_with_its_field() -> None:
    document = {
        "targets": [
            {"name": "", "resolve": "soon"},
            {"name": "a", "severity": ["SEV-9"], "priority": ["P0"], "tier": [4], "resolve": "1h", "acknowledge": "2h"},
            {"name": "b"},
            {"name": "c", "resolve": "400d", "hours": "nights"},
        ]
    }

    with pytest.raises(DefinitionInvalid) as refused:
        sla_parse(document)

    assert {problem.path for problem in refused.value.problems} == {
        "targets[0].name",
        "targets[0].resolve",
        "targets[1].severity[0]",
        "targets[1].priority[0]",
        "targets[1].tier[0]",
        "targets[1].acknowledge",
        "targets[2].resolve",
        "targets[3].resolve",
        "targets[3].hours",
    }


def test_when_working_hours_are_many_then_they_are_not_summed_up_to_days() -> None:
    days = sla_parse(
        {"targets": [{"name": "a", "resolve": "40h30m", "hours": "business"}, {"name": "b", "resolve": "40h"}]}
    )

    assert [target["resolve"] for target in sla_dump(days)["targets"]] == ["40h30m", "1d16h"]
    lines = sla_lines(days)
    assert lines["a"] == "For every incident. Resolved within 40 hours 30 minutes, counted in working hours."
    assert lines["b"] == "For every incident. Resolved within 1 day 16 hours."


def test_when_a_single_rank_is_written_then_it_need_not_be_in_a_list() -> None:
    sla = sla_parse({"targets": [{"name": "a", "severity": "sev-1", "priority": 2, "tier": 3, "resolve": 7200}]})

    assert sla.targets[0] == SlaTarget("a", 7200, severities=(1,), priorities=(2,), tiers=(3,))


def test_when_targets_are_read_in_words_then_whom_and_by_when_are_said() -> None:
    lines = sla_lines(HOUSE)

    assert lines == {
        "Order": "Outages → Urgent → The rest",
        "Outages": "For SEV-1, SLA tier 1 (by the customer’s contract, else the service’s). "
        "Acknowledged within 5 minutes and resolved within 4 hours.",
        "Urgent": "For P1 and P2. Resolved within 8 hours.",
        "The rest": "For every incident. Resolved within 16 hours, counted in working hours.",
    }
