"""What the words of monitoring tools mean on our scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.severity import DEFAULT_SEVERITIES, ZABBIX_SEVERITIES, Severity, SeverityTable, Urgency, urgency_of
from tests.policies.strategies import steady


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", 1), ("page", 1), ("P1", 1), ("SEV-1", 1), ("sev 1", 1), (1, 1), ("DOWN", 1),
        ("error", 2), ("high", 2), ("P2", 2), ("UNKNOWN", 2),
        ("average", 3), ("moderate", 3), ("p3", 3),
        ("warning", 4), (" Warning ", 4), ("P4", 4),
        ("info", 5), ("none", 5), ("P5", 5), ("Not classified", 5),
    ],
)  # fmt: skip
def test_when_a_tool_uses_its_own_word_then_it_is_read_on_our_scale(word: object, severity: int) -> None:
    assert DEFAULT_SEVERITIES.severity_of(word) == severity


@pytest.mark.parametrize(("number", "severity"), [(0, 5), (1, 5), (2, 4), (3, 3), (4, 2), (5, 1), ("5", 1)])
def test_when_zabbix_counts_upwards_then_its_numbers_are_turned_round(number: object, severity: int) -> None:
    assert ZABBIX_SEVERITIES.severity_of(number) == severity


def test_when_zabbix_sends_words_then_they_are_read_too() -> None:
    assert ZABBIX_SEVERITIES.severity_of("Disaster") == Severity.SEV1


@pytest.mark.parametrize("word", [None, "", "purple", "{EVENT.NSEVERITY}", True, 7, "P22", "²"])
def test_when_a_word_says_nothing_then_none_is_found_and_the_default_is_used(word: object) -> None:
    assert DEFAULT_SEVERITIES.find(word) is None
    assert DEFAULT_SEVERITIES.severity_of(word) == Severity.SEV3


def test_when_an_integration_has_its_own_words_then_they_win_over_ours() -> None:
    table = DEFAULT_SEVERITIES.extended({"Warning": 2, "purple": 1}, default=5)

    assert table.severity_of("warning") == Severity.SEV2
    assert table.severity_of("PURPLE") == Severity.SEV1
    assert table.severity_of("error") == Severity.SEV2
    assert table.severity_of("what") == Severity.SEV5
    assert DEFAULT_SEVERITIES.severity_of("warning") == Severity.SEV4


def test_when_an_own_word_names_no_severity_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="9"):
        DEFAULT_SEVERITIES.extended({"warning": 9})


@steady
@given(st.one_of(st.text(), st.integers(), st.none(), st.floats()))
def test_when_anything_at_all_arrives_then_a_severity_comes_out(value: object) -> None:
    for table in (DEFAULT_SEVERITIES, ZABBIX_SEVERITIES, SeverityTable({})):
        assert table.severity_of(value) in Severity


@pytest.mark.requirement("R028")
def test_when_an_incident_is_minor_then_its_urgency_is_low() -> None:
    assert [urgency_of(severity) for severity in Severity] == [
        Urgency.HIGH,
        Urgency.HIGH,
        Urgency.HIGH,
        Urgency.LOW,
        Urgency.LOW,
    ]


def test_when_an_urgency_table_leaves_a_severity_out_then_it_is_urgent() -> None:
    assert urgency_of(Severity.SEV5, {}) == Urgency.HIGH
