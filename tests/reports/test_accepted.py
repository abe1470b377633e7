"""What the catalogue of requirements asks of the reports, with its own examples."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from incidents.models import CustomField, Incident, Page, Service
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.surveys import survey_answer
from oncall.models import User
from reports.boards import dashboard_create
from reports.cards import GROUPED, CardInvalid, CardSpec, Drawn
from reports.exports.sources import table_of
from reports.exports.text import csv_of
from reports.figures.columns import INCIDENTS, Columns
from reports.figures.counting import Share, Spread, value_of, values_by
from reports.figures.definitions import METRICS, WAITING
from reports.figures.facts import Record, facts_of, seconds
from reports.group_panels import groups
from reports.links import Links
from reports.models import Dashboard
from reports.names import Names
from reports.panels import Data
from reports.period import period_of
from reports.selectors import Scope
from tests.world.harness import World

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def columns(records: Sequence[Record]) -> Columns:
    """The figures of these incidents, as a report reads them."""
    rows = []
    for number, record in enumerate(records, 1):
        found: Mapping[str, int] = facts_of(record, at=after(600), worked=seconds)
        base = dict.fromkeys(INCIDENTS, 0) | {"id": number, "severity": record.severity}
        rows.append(tuple((base | dict(found)).get(name, 0) for name in INCIDENTS))
    return Columns.of_rows(INCIDENTS, rows)


def record(*rungs: float, **more: Any) -> Record:
    """An incident that was known at nine; a rung of its ladder was called after each of so many minutes."""
    values: dict[str, Any] = {"started_at": NINE, "known_at": NINE, "severity": 2, "first_severity": 2, **more}
    return Record(rungs=[after(minutes) for minutes in rungs], **values)


def opened(world: World, title: str = "Cards fail", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def answered(world: World, minutes: int, **more: Any) -> Incident:
    found = opened(world, **more)
    incident_acknowledge(incident_id=found.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=minutes))
    return found


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def taken(world: World, source: str, query: str) -> list[dict[str, str]]:
    table = table_of(source, user=world.cast.elena, query=query, at=world.now, words=False)
    return list(csv.DictReader(StringIO("".join(csv_of(table)))))


# --- the eight


@pytest.mark.requirement("R313")
def test_when_23_of_100_incidents_went_past_level_one_then_the_escalation_rate_is_23_percent() -> None:
    found = value_of(columns([record(0, 5)] * 23 + [record(0)] * 77), METRICS["escalated"])
    assert found == Share(23, 100)
    assert found.percent == 23


@pytest.mark.requirement("R314")
def test_when_6_of_23_escalated_incidents_went_further_then_26_percent_of_those_escalated_did() -> None:
    found = value_of(columns([record(0, 5, 10)] * 6 + [record(0, 5)] * 17 + [record(0)] * 77), METRICS["again"])
    assert found == Share(6, 23)
    assert found.percent == pytest.approx(26.1, abs=0.05)
    assert "Of those past level 1" in str(METRICS["again"].rule)  # the basis is stated


@pytest.mark.requirement("R315")
def test_when_incidents_were_escalated_then_the_time_to_it_has_median_and_p90_by_severity() -> None:
    found = columns([record(0, minutes, severity=1) for minutes in range(1, 11)] + [record(0, 30), record(0)])
    by_severity = values_by(found, "severity", METRICS["escalate"])
    one, two = by_severity[1], by_severity[2]
    assert isinstance(one, Spread)
    assert isinstance(two, Spread)
    assert (one.median, one.p90, one.done) == (300, 540, 10)
    assert (two.median, two.done) == (1800, 1)


@pytest.mark.requirement("R316")
def test_when_the_next_team_first_acts_then_the_lag_is_the_time_from_the_escalation_until_then() -> None:
    found = columns([record(0, 5, taken=(after(2), after(12))), record(0, moved=(after(10),), taken=(after(40),))])
    assert sorted(found["handoff"]) == [7 * 60, 30 * 60]
    waits = columns([record(0, 5)])
    assert list(waits["handoff"]) == [WAITING]


@pytest.mark.requirement("R317")
def test_when_escalated_incidents_are_resolved_then_their_time_counts_from_the_escalation_and_apart_from_mttr() -> None:
    found = columns([record(0, 10, resolved_at=after(70)), record(0, resolved_at=after(20))])
    escalated, every = value_of(found, METRICS["resolve_escalated"]), value_of(found, METRICS["resolve"])
    assert isinstance(escalated, Spread)
    assert isinstance(every, Spread)
    assert (escalated.median, escalated.done) == (3600, 1)
    assert (every.mean, every.done) == (2700, 2)


@pytest.mark.requirement("R319")
def test_when_incidents_were_passed_on_then_the_share_with_full_context_is_of_those_alone() -> None:
    knew = record(0, 5, read=(after(6),), taken=(after(7),))
    knew_not = record(0, 5, read=(after(1),), taken=(after(7),))
    found = value_of(columns([knew, knew, knew_not, record(0)]), METRICS["context"])
    assert found == Share(2, 3)


@pytest.mark.requirement("R320")
def test_when_incidents_ended_with_one_interaction_and_stayed_so_then_they_were_solved_at_first_contact() -> None:
    ended = {"resolved_at": after(9), "by_person": True}
    once = [record(0, **ended)] * 3
    more = [record(0, 5, **ended), record(0, handed=(after(3),), **ended), record(0, reopened=1, **ended)]
    assert value_of(columns([*once, *more, record(0)]), METRICS["first_contact"]) == Share(3, 6, 1)


@pytest.mark.requirement("R318")
def test_when_a_survey_is_answered_then_the_score_is_the_incidents_and_told_apart_by_whether_it_was_escalated(
    world: World,
) -> None:
    calm = answered(world, 1)
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    loud = Incident.objects.latest("pk")
    Incident.objects.filter(pk=loud.pk).update(reporter=world.cast.sofie)
    incident_acknowledge(incident_id=loud.pk, actor=world.cast.marta, at=world.now)
    for incident, score in ((calm, 5), (loud, 2)):
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
        survey_answer(incident_id=incident.pk, actor=world.cast.sofie, score=score, at=world.now)
    by_incident = {row["reference"]: (row["satisfaction"], row["levels_called"]) for row in taken(world, "report", "")}
    assert by_incident[loud.reference] == ("2", "2")
    assert by_incident[calm.reference][0] == "5"
    rows = {row["escalated"]: row["csat_mean"] for row in taken(world, "figures", "by=escalated")}
    assert rows == {"yes": "2", "no": "5"}


# --- analytics


@pytest.mark.requirement("R225")
@pytest.mark.requirement("R252")
def test_when_analytics_are_opened_then_speed_escalations_and_load_are_there_by_team_service_and_period(
    world: World,
) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now + timedelta(minutes=54))
    ledger = Service.objects.create(name="Bookings", slug="bookings", team=world.cast.platform)
    answered(world, 2, service=ledger)
    client = browser(world.cast.elena)
    for dimension, names in (("team", {"Payments", "Platform"}), ("service", {"Payments gateway", "Bookings"})):
        answer: Any = client.get(f"/reports/by/{dimension}/?period=28d")
        table = answer.context["comparison"]
        assert {name.label for name, _rank, _cells in table.rows} == names
        assert f"/reports/exports/take/?period=28d&amp;of=figures&amp;by={dimension}" in answer.content.decode()
    by_team = {row["team"]: row for row in taken(world, "figures", "by=team&period=28d")}
    assert (by_team["payments"]["acknowledge_median"], by_team["payments"]["resolve_median"]) == ("360", "3600")
    assert (by_team["payments"]["escalated_percent"], by_team["platform"]["escalated_percent"]) == ("100", "0")
    assert by_team["platform"]["acknowledge_median"] == "120"
    by_person = {row["person"]: row["pages"] for row in taken(world, "figures", "by=person&period=28d")}
    assert by_person == {"marta": "1", "jonas": "1"}
    earlier = "period=custom&first=2026-10-01&last=2026-10-31"
    assert taken(world, "figures", f"by=team&{earlier}") == []


@pytest.mark.requirement("R261")
def test_when_trends_are_cut_then_by_policy_by_step_and_by_responder(world: World) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    assert [row["policy"] for row in taken(world, "figures", "by=policy")] == ["critical-payments"]
    page = browser(world.cast.elena).get("/reports/process/").content.decode()
    for name, cells in (
        ("Critical payments: Primary on call", "<td>acknowledge</td><td>5 min</td><td>1</td><td>6 min</td>"),
        ("Critical payments: Backup and senior", "<td>acknowledge</td><td>5 min</td><td>1</td><td>1 min</td>"),
        ("Jonas de Wit", "<td>1</td><td>0</td>"),
    ):
        assert f'<th scope="row">{name}</th>{cells}' in page


@pytest.mark.requirement("R323")
def test_when_a_card_is_filtered_by_a_field_of_the_house_then_it_follows(world: World) -> None:
    CustomField.objects.create(key="vip", label="VIP customer", kind=CustomField.Kind.FLAG)
    ours, _other = answered(world, 2), answered(world, 8)
    Incident.objects.filter(pk=ours.pk).update(facts={"custom": {"vip": True}})
    client = browser(world.cast.elena)
    client.post("/reports/boards/", {"name": "VIP", "query": "custom_vip=yes"})
    board = Dashboard.objects.get()

    def first_two(query: str) -> list[str]:
        answer: Any = client.get(f"/reports/boards/{board.pk}/{query}")
        return [card.body.parts[0].value for card in answer.context["cards"][:2]]

    assert first_two("") == ["1", "2:00"]
    assert first_two("?custom_vip=no")[0] == "0"
    assert first_two("?period=28d")[0] == "2"


@pytest.mark.requirement("R321")
def test_when_an_incident_is_acknowledged_then_the_figures_that_a_nudge_fetches_have_changed(world: World) -> None:
    incident, client = opened(world), browser(world.cast.elena)

    def fetched() -> str:
        return client.get("/reports/", headers={"HX-Request": "true"}).content.decode()

    assert "1 not acknowledged" in fetched()
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=4))
    assert "1 not acknowledged" not in fetched()
    assert "4:00" in fetched()


@pytest.mark.requirement("R322")
@pytest.mark.parametrize("kind", ["line", "bar", "pie", "table", "hours"])
def test_when_a_card_draws_something_then_its_numbers_stand_beside_it_as_a_table(world: World, kind: str) -> None:
    answered(world, 4)
    metric, dimension = ("incidents", "team") if kind in ("pie", "hours") else ("acknowledge", "team")
    card = CardSpec(Drawn(kind), metric, dimension if kind in GROUPED else "")
    board = dashboard_create(owner=world.cast.elena, name="One", cards=[card], at=world.now)
    page = browser(world.cast.elena).get(f"/reports/boards/{board.pk}/").content.decode()
    assert page.count("<table") == 1


@pytest.mark.requirement("R322")
@pytest.mark.parametrize(("kind", "words"), [("number", "4:00"), ("time", "4:00")])
def test_when_a_card_calculates_then_its_number_is_text(world: World, kind: str, words: str) -> None:
    answered(world, 4)
    card = CardSpec(Drawn(kind), "acknowledge")
    board = dashboard_create(owner=world.cast.elena, name="One", cards=[card], at=world.now)
    assert words in browser(world.cast.elena).get(f"/reports/boards/{board.pk}/").content.decode()


@pytest.mark.requirement("R263")
def test_when_incidents_are_grouped_by_state_and_pages_by_person_then_each_number_leads_to_exactly_those(
    world: World,
) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    answered(world, 2)
    ended = answered(world, 3)
    incident_resolve(incident_id=ended.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=9))
    client = browser(world.cast.elena)
    client.get("/reports/")  # Kept figures are brought up to date by whoever asks.
    scope = Scope(world.cast.elena, period_of("28d", at=world.now, zone=UTC))
    data = Data(scope, Names(), Links(QueryDict("period=28d")))
    states = groups(data, "incidents", "state")
    assert {row.label: row.words for row in states.rows} == {"Triggered": "1", "Acknowledged": "1", "Resolved": "1"}
    people = groups(data, "pages", "person")
    assert {row.label: row.words for row in people.rows} == {"Marta Ferri": "3", "Jonas de Wit": "1"}
    (resolved,) = (row.link for row in states.rows if row.label == "Resolved")
    behind: Any = client.get(resolved)
    assert [row["incident"] for row in behind.context["rows"]] == [ended]
    (martas,) = (row.link for row in people.rows if row.label == "Marta Ferri")
    paged: Any = client.get(martas)
    assert [one.person for one in paged.context["page"]] == [world.cast.marta] * 3


@pytest.mark.requirement("R263")
def test_when_volume_state_responders_and_team_load_are_added_in_the_editor_then_they_show_right_numbers(
    world: World,
) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    answered(world, 2)
    board = dashboard_create(owner=world.cast.elena, name="Four", at=world.now)
    client = browser(world.cast.elena)
    four = (
        ("incidents", "table", "source"),
        ("incidents", "pie", "state"),
        ("pages", "bar", "person"),
        ("pages", "bar", "team"),
    )
    for metric, kind, dimension in four:
        given = {"action": "add", "metric": metric, "kind": kind, "dimension": dimension}
        assert client.post(f"/reports/boards/{board.pk}/card/", given).status_code == 302
    shown: Any = client.get(f"/reports/boards/{board.pk}/")
    assert [{row.label: row.words for row in card.body.rows} for card in shown.context["cards"][-4:]] == [
        {"Monitoring": "1", "A person": "1"},
        {"Triggered": "1", "Acknowledged": "1"},
        {"Marta Ferri": "2", "Jonas de Wit": "1"},
        {"Payments": "3"},
    ]


@pytest.mark.requirement("R263")
@pytest.mark.requirement("R261")
def test_when_responder_performance_is_added_then_it_shows_how_fast_and_how_often_each_answers(world: World) -> None:
    """Marta answers the second alert after 2 minutes; the first goes past her to Jonas, who answers after 3."""
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    first = world.incident
    called = Page.objects.get(incident=first, recipient=world.cast.jonas).created_at
    incident_acknowledge(incident_id=first.pk, actor=world.cast.jonas, at=called + timedelta(minutes=3))
    second = opened(world)
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=second.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=2))
    board = dashboard_create(owner=world.cast.elena, name="Responders", at=world.now, cards=())
    client = browser(world.cast.elena)
    for metric, kind in (("answer", "table"), ("answered", "bar"), ("answer", "time"), ("answer", "line")):
        given = {"action": "add", "metric": metric, "kind": kind, "dimension": "person"}
        assert client.post(f"/reports/boards/{board.pk}/card/", given).status_code == 302
    page: Any = client.get(f"/reports/boards/{board.pk}/")
    speed, share, whole, _line = (card.body for card in page.context["cards"])
    assert {row.label: row.words for row in speed.rows} == {"Jonas de Wit": "3:00", "Marta Ferri": "2:00"}
    assert {row.label: row.words for row in share.rows} == {"Jonas de Wit": "100.0%", "Marta Ferri": "50.0%"}
    assert [part.value for part in whole.parts] == ["2:00", "3:00", "2:30"]
    (martas,) = (row.link for row in speed.rows if row.label == "Marta Ferri")
    behind: Any = client.get(martas)
    assert [(one.person, one.incident_id) for one in behind.context["page"]] == [(world.cast.marta, second.pk)]
    load: Any = client.get("/reports/tabs/load/")
    assert {one.name: one.answer for one in load.context["board"].bearers} == {
        "Jonas de Wit": "3:00",
        "Marta Ferri": "2:00",
    }


@pytest.mark.parametrize(
    ("metric", "dimension"), [("pages", "state"), ("acknowledge", "person"), ("incidents", "hours")]
)
def test_when_something_cannot_be_grouped_so_then_the_card_is_refused(metric: str, dimension: str) -> None:
    with pytest.raises(CardInvalid) as refused:
        CardSpec(Drawn.BAR, metric, dimension)
    assert refused.value.field == "dimension"
