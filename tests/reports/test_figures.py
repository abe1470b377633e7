"""What one incident adds to the figures, packing and counting: pure."""

from array import array
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.calendars.moving import business_span
from policies.conditions import BusinessCalendar, Day, Window
from reports.cards import CardInvalid, CardSpec, Drawn, card_parse, cards_dump, cards_parse, moved
from reports.figures.columns import INCIDENTS, PAGES, Columns, Packed, packed
from reports.figures.counting import hours_of_week, loads_of, share_of, spread_of, value_of, values_by
from reports.figures.definitions import (
    BUSINESS,
    METRICS,
    NO,
    NONE,
    NOT,
    OFF,
    OPEN,
    SLEEP,
    WAITING,
    YES,
)
from reports.figures.facts import Call, Record, facts_of, hours_of, page_facts, seconds, shift_of
from reports.models import IncidentFigures, PageFigures
from reports.pie import ring

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def facts(**more: object) -> dict[str, int]:
    """Of an incident that began at nine, known at once, an hour later."""
    values: dict[str, object] = {"started_at": NINE, "known_at": NINE, "severity": 2, "first_severity": 2, **more}
    return facts_of(Record(**values), at=after(60), worked=seconds)  # type: ignore[arg-type]


def test_every_metric_says_what_it_counts_and_has_its_column() -> None:
    of_incidents = {field.name for field in IncidentFigures._meta.fields}
    of_pages = {field.name for field in PageFigures._meta.fields}
    for metric in METRICS.values():
        assert all(str(text) for text in (metric.title, metric.rule, metric.left_out, metric.why, metric.source))
        assert metric.column in (of_pages if metric.of == "pages" else of_incidents)
    assert set(INCIDENTS) - {"at", "id"} <= of_incidents


@pytest.mark.requirement("R315")
@pytest.mark.requirement("R316")
@pytest.mark.requirement("R317")
def test_when_an_incident_was_escalated_then_the_way_is_told_apart() -> None:
    found = facts(
        known_at=after(2),
        rungs=(after(3), after(10)),
        taken=(after(14),),
        acknowledged_at=after(14),
        mitigated_at=after(30),
        resolved_at=after(50),
        by_person=True,
    )
    minutes = {name: found[name] / 60 for name in ("detect", "acknowledge", "respond", "repair", "recover", "resolve")}
    assert minutes == {"detect": 2, "acknowledge": 14, "respond": 12, "repair": 16, "recover": 30, "resolve": 50}
    assert (found["escalate"] / 60, found["handoff"] / 60, found["resolve_escalated"] / 60) == (8, 4, 40)
    assert (found["escalated"], found["again"], found["first_contact"]) == (YES, NO, NO)


@pytest.mark.requirement("R320")
def test_solved_at_first_contact_means_nobody_else_was_needed() -> None:
    assert facts(resolved_at=after(9), by_person=True)["first_contact"] == YES
    assert facts(resolved_at=after(9), handed=(after(5),))["first_contact"] == NO
    assert facts(reopened=1)["first_contact"] == NO


@pytest.mark.requirement("R189")
def test_when_its_severity_was_changed_then_it_was_not_right_at_once() -> None:
    assert facts(resolved_at=after(9), severity=1)["severity_kept"] == NO
    assert facts(resolved_at=after(9))["severity_kept"] == YES


def test_when_nothing_happened_yet_then_it_waits_and_is_not_forgotten() -> None:
    found = facts(monitored=True, sla_due_at=after(90))
    assert (found["acknowledge"], found["resolve"], found["repair"], found["escalate"]) == (WAITING, WAITING, NOT, NOT)
    assert (found["sla"], found["noise"], found["severity_kept"], found["first_contact"]) == (OPEN, OPEN, OPEN, OPEN)


def test_when_the_time_of_an_open_incident_is_over_then_its_sla_is_missed() -> None:
    assert facts(sla_due_at=after(59))["sla"] == NO
    assert facts(sla_due_at=after(30), resolved_at=after(30))["sla"] == YES
    assert facts()["sla"] == NONE


@pytest.mark.requirement("R030")
def test_when_a_monitor_recovers_before_anybody_answered_then_it_was_noise() -> None:
    assert facts(monitored=True, resolved_at=after(4))["noise"] == YES
    assert facts(monitored=True, resolved_at=after(4), by_person=True)["noise"] == NO
    assert facts(resolved_at=after(4))["noise"] == NONE


@pytest.mark.parametrize(("hours", "code"), [(24, YES), (25, NO)])
def test_when_the_same_trouble_was_resolved_within_a_day_then_it_fired_again(hours: int, code: int) -> None:
    assert facts(keyed=True, before_at=NINE - timedelta(hours=hours))["refired"] == code
    assert facts(keyed=False, before_at=NINE)["refired"] == NONE


@pytest.mark.requirement("R319")
def test_when_it_was_passed_on_then_context_counts_what_was_read_afterwards() -> None:
    passed = {"moved": (after(10),)}
    assert facts(read=(after(5),), taken=(after(12),), **passed)["context"] == NO
    assert facts(read=(after(11),), **passed)["context"] == YES
    assert facts(**passed)["context"] == OPEN
    assert facts(read=(after(5),))["context"] == NONE


@pytest.mark.requirement("R318")
def test_when_several_judged_then_their_mean_counts_once() -> None:
    assert (facts(marks=(5, 4))["csat"], facts()["csat"]) == (450, NOT)


@pytest.mark.parametrize(
    ("instant", "hours"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), BUSINESS),
        (datetime(2026, 11, 23, 17, 0, tzinfo=UTC), OFF),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), OFF),
        (datetime(2026, 11, 23, 21, 0, tzinfo=UTC), SLEEP),
        (datetime(2026, 11, 23, 5, 0, tzinfo=UTC), OFF),
    ],
)
def test_hours_are_those_of_where_the_person_lives(instant: datetime, hours: int) -> None:
    assert hours_of(instant, ROME) == hours


def test_a_shift_is_half_a_day_from_eight_on_the_persons_clock() -> None:
    evening, night = datetime(2026, 11, 23, 19, 0, tzinfo=UTC), datetime(2026, 11, 24, 6, 59, tzinfo=UTC)
    assert shift_of(evening, ROME) == shift_of(night, ROME)
    assert shift_of(night + timedelta(minutes=1), ROME) == shift_of(night, ROME) + 1


def test_a_withdrawn_page_interrupted_nobody() -> None:
    withdrawn = page_facts(Call(NINE, "cancelled"), SLEEP)
    assert withdrawn == {"sleep": NONE, "off_hours": NONE, "delivered": NONE, "answered": NONE, "answer": NOT}
    failed = page_facts(Call(NINE, "failed"), SLEEP)
    assert [failed[name] for name in ("sleep", "off_hours", "delivered")] == [YES, YES, NO]


@pytest.mark.requirement("R263")
@pytest.mark.parametrize(
    ("more", "answered", "took"),
    [
        ({"answered_at": NINE + timedelta(minutes=3)}, YES, 180),
        ({"answered_at": NINE + timedelta(minutes=9), "passed": True}, YES, 540),
        ({"declined": True}, NO, NOT),
        ({"passed": True}, NO, NOT),
        ({"rings": True}, OPEN, WAITING),
        ({"rings": False}, NONE, NOT),
    ],
    ids=["answered", "answered late", "declined", "went on to the next", "rings", "a colleague was quicker"],
)
def test_a_page_is_answered_by_whom_it_was_for_or_went_past_them(
    more: dict[str, Any], answered: int, took: int
) -> None:
    found = page_facts(Call(NINE, "delivered", **more), BUSINESS)
    assert (found["answered"], found["answer"]) == (answered, took)


@pytest.mark.requirement("R319")
def test_when_an_incident_was_handed_on_then_context_is_what_all_its_receivers_said() -> None:
    assert facts()["full_context"] == NONE
    assert facts(passed_on=True)["full_context"] == OPEN
    assert facts(passed_on=True, whole=(True, True))["full_context"] == YES
    assert facts(passed_on=True, whole=(True, False))["full_context"] == NO


def test_when_a_day_was_packed_before_a_column_was_there_then_it_concerns_none_of_its_rows() -> None:
    """So it is between an upgrade and the counting after it."""
    old = {name: code for name, code in PAGES.items() if name not in ("answered", "answer")}
    before = packed([(1, 1, *(2 for _name in list(old)[2:]))], old)
    found = Packed(PAGES, [before, packed([page_row(2, 1, 7, 1)], PAGES)])
    assert (list(found["answered"]), list(found["answer"])) == ([NONE, 0], [NOT, 0])
    assert list(found["delivered"]) == [2, 0]


# Other tests share the machine: slowness says nothing here.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
VALUES = st.lists(st.one_of(st.integers(0, 100_000), st.sampled_from((NOT, WAITING))), max_size=40)


@PATIENT
@given(VALUES)
def test_a_spread_is_what_sorting_finds(values: list[int]) -> None:
    known = sorted(value for value in values if value >= 0)
    found = spread_of(Counter(values))
    assert (found.done, found.waiting) == (len(known), values.count(WAITING))
    if known:
        assert found.median == known[-(-len(known) // 2) - 1]
        assert found.p90 == known[-(-len(known) * 9 // 10) - 1]
        assert found.mean == pytest.approx(mean(known))
    else:
        assert (found.median, found.p90, found.mean) == (None, None, None)


def row(at: int, pk: int, **more: int) -> tuple[int, ...]:
    values = {"at": at, "id": pk, **more}
    return tuple(values.get(name, 0) for name in INCIDENTS)


@PATIENT
@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 5), st.integers(-2, 900)), max_size=30),
    st.integers(0, 200_000),
)
def test_what_is_packed_by_the_day_and_cut_anywhere_counts_as_the_rows_do(
    rows: list[tuple[int, int, int]], cut: int
) -> None:
    made = sorted(row(at, pk, severity=severity, acknowledge=took) for pk, (at, severity, took) in enumerate(rows))
    days = [packed([one for one in made if one[0] // 86_400 == day], INCIDENTS) for day in range(3)]
    whole = Packed(INCIDENTS, days)
    until = datetime.fromtimestamp(cut, UTC)
    part = whole.between(datetime.fromtimestamp(0, UTC), until).narrowed({"severity": (1, 2), "team": ()})
    naive = Counter(took for at, severity, took in rows if at < cut and severity in (1, 2))
    assert value_of(part, METRICS["acknowledge"]) == spread_of(naive)
    groups = values_by(whole, "severity", METRICS["acknowledge"])
    assert groups == {
        severity: spread_of(Counter(took for _at, one, took in rows if one == severity))
        for severity in {severity for _at, severity, _took in rows}
    }


@PATIENT
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=40))
def test_when_a_share_is_narrowed_then_only_the_codes_of_the_chosen_are_counted(rows: list[tuple[int, int]]) -> None:
    made = [row(pk, pk, severity=severity, sla=code) for pk, (severity, code) in enumerate(rows)]
    chosen = [code for severity, code in rows if severity in (1, 4)]
    narrowed = Packed(INCIDENTS, [packed(made, INCIDENTS)]).narrowed({"severity": (1, 4)})
    assert list(narrowed["sla"]) == chosen
    assert value_of(narrowed, METRICS["sla"]) == share_of(bytes(chosen))
    later = narrowed.between(datetime.fromtimestamp(3, UTC), datetime.fromtimestamp(30, UTC))
    part = [code for pk, (severity, code) in enumerate(rows) if severity in (1, 4) and 3 <= pk < 30]
    assert value_of(later, METRICS["sla"]) == share_of(bytes(part))


def test_hours_of_the_week_follow_the_clocks() -> None:
    """Half past midnight UTC is 02:30 in Rome before the clocks go back on 25 October 2026, and 01:30 after."""
    before, behind = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    found = hours_of_week(array("q", [int(one.timestamp()) for one in (before, behind)]), ROME)
    assert found[6][2] == 2
    assert sum(map(sum, found)) == 2


def page_row(pk: int, person: int, shift: int, incident: int, sleep: int = NO) -> tuple[int, ...]:
    values = {
        "at": pk,
        "id": pk,
        "person": person,
        "shift": shift,
        "incident": incident,
        "sleep": sleep,
        "off_hours": YES,
    }
    return tuple(values.get(name, 0) for name in PAGES)


@pytest.mark.requirement("R188")
def test_a_shift_with_more_than_two_incidents_is_heavy_and_repeats_are_one_incident() -> None:
    rows = [page_row(pk, 1, 7, incident) for pk, incident in enumerate((1, 2, 2, 2))]
    rows += [page_row(pk, 2, 7, incident, YES) for pk, incident in enumerate((1, 2, 3), start=10)]
    first, second = loads_of(Columns.of_rows(PAGES, rows))
    assert (first.person, first.pages, first.shifts, first.heavy) == (1, 4, 1, 0)
    assert (second.person, second.sleep, second.heavy) == (2, 3, 1)


def test_a_share_is_the_part_of_what_is_known() -> None:
    found = share_of(bytes((YES, YES, NO, OPEN, NONE)))
    assert (found.part, found.whole, found.waiting) == (2, 3, 1)


def test_working_time_between_two_instants_is_what_moving_on_by_it_takes() -> None:
    week = (Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI)
    found = business_span(BusinessCalendar("Europe/Rome", (Window(week, time(9), time(18)),)))
    friday, monday = datetime(2026, 10, 23, 15, 0, tzinfo=UTC), datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
    # Friday 17:00 to 18:00, then Monday 09:00 to 10:00: the clocks went back in between.
    assert found(friday, monday) == timedelta(hours=2)
    assert found(monday, monday) == timedelta(0)


def test_a_ring_has_a_slice_for_each_value_and_one_alone_is_whole() -> None:
    assert [one.number for one in ring([3, 0, 1]).slices] == [1, 3]
    assert ring([5]).slices[0].path.count("Z") == 2


@pytest.mark.requirement("R322")
@pytest.mark.parametrize(
    ("card", "field"),
    [
        ({"kind": "pie", "metric": "resolve", "dimension": "team"}, "metric"),
        ({"kind": "time", "metric": "incidents"}, "metric"),
        ({"kind": "bar", "metric": "sla"}, "dimension"),
        ({"kind": "cloud", "metric": "sla"}, "kind"),
        ({"kind": "number", "metric": "luck"}, "metric"),
    ],
)
def test_when_a_card_cannot_be_drawn_then_the_field_at_fault_is_named(card: dict[str, str], field: str) -> None:
    with pytest.raises(CardInvalid) as refusal:
        card_parse(card)
    assert refusal.value.field == field
    assert cards_parse([card]) == ()


def test_when_a_card_is_moved_then_it_stays_within_the_ends() -> None:
    cards = tuple(CardSpec(Drawn.NUMBER, metric) for metric in ("sla", "noise", "csat"))
    assert [card.metric for card in moved(cards, 0, 1)] == ["noise", "sla", "csat"]
    assert moved(cards, 2, 1) == moved(cards, 0, -1) == cards
    assert cards_parse(cards_dump(cards)) == cards
