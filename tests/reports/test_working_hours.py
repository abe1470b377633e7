"""Times in working hours: on every tab, in lists, tables and on one's own cards; and what is always by the clock says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils.html import escape

from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from oncall.rota.clock import zone_named
from policies.models import WorkCalendar
from reports.boards import dashboard_create
from reports.cards import CardSpec, Drawn
from reports.exports.sources import table_of
from reports.figures.counting import stretches, value_of
from reports.figures.definitions import METRICS
from reports.figures.facts import Record, facts_of
from reports.figures.keeping import figures_rebuild
from reports.links import Links
from reports.listed import incidents_listed
from reports.names import Names
from reports.narrow import behind
from reports.panels import Data
from reports.period import period_of
from reports.selectors import Scope
from tests.reports.histories import opened
from tests.world.harness import World

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""09:00 in Rome; the world begins the night before."""


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser, in a house that works from nine to six."""
    WorkCalendar.objects.create(
        name="House",
        slug="house",
        zone="Europe/Rome",
        windows=[{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}],
        is_default=True,
    )
    client.force_login(world.cast.elena)
    return client


def ended(world: World, *, taken: datetime, resolved: datetime, **more: Any) -> Incident:
    incident = opened(world, **more)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=taken)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=resolved)
    return incident


def cards_of(client: Client, tab: str, query: str) -> dict[str, Any]:
    board = client.get(f"/reports/tabs/{tab}/{query}").context["board"]
    every = [*board.cards, *(card for _title, several in board.families for card in several)]
    return {card.key: card for card in every}


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def test_each_time_is_measured_from_and_to_the_same_instants_as_by_the_clock() -> None:
    """A working hour that counts tenfold shows which instants were asked for."""
    record = Record(
        started_at=NINE,
        known_at=after(2),
        severity=2,
        first_severity=2,
        rungs=(after(3), after(10)),
        taken=(after(14),),
        acknowledged_at=after(14),
        mitigated_at=after(30),
        resolved_at=after(50),
    )
    found = facts_of(record, at=after(60), worked=lambda start, end: int((end - start).total_seconds()) * 10)
    timed = [metric for metric in METRICS.values() if metric.work]
    assert {metric.key: found[metric.work] for metric in timed} == {
        metric.key: found[metric.key] * 10 for metric in timed
    }
    assert len(timed) == 8


def test_when_an_alert_says_it_began_after_it_was_known_then_no_time_is_below_nought() -> None:
    record = Record(
        started_at=after(5), known_at=NINE, severity=2, first_severity=2, acknowledged_at=after(3), resolved_at=after(4)
    )
    found = facts_of(record, at=after(60), worked=lambda start, end: int((end - start).total_seconds()))
    assert (found["acknowledge_work"], found["respond_work"], found["repair_work"]) == (0, 180, 60)


@pytest.mark.requirement("R312")
def test_when_working_hours_are_asked_for_then_every_time_that_people_take_counts_them(
    world: World, elena: Client
) -> None:
    """It began on Sunday night, was acknowledged on Monday at 09:10 in Rome and resolved at 11:00."""
    ended(world, taken=MONDAY + timedelta(minutes=10), resolved=MONDAY + timedelta(hours=2))
    world.jump_to(MONDAY + timedelta(hours=3))
    speed = cards_of(elena, "speed", "?clock=work")
    shown = {key: (card.title, card.parts[0].value) for key, card in speed.items()}
    assert shown == {
        "acknowledge": ("MTTA, time to acknowledge (working hours)", "10:00"),
        "resolve": ("MTTR, time to resolve (working hours)", "2 h 00"),
        "detect": ("MTTD, time to detect (by the clock)", "0:00"),
        "respond": ("MTTR, time to respond (working hours)", "10:00"),
        "repair": ("MTTR, time to repair (working hours)", "1 h 50"),
        "recover": ("MTTR, time to recover (working hours)", "2 h 00"),
    }
    assert cards_of(elena, "speed", "")["respond"].parts[0].value == "1 d 6 h"
    page = elena.get("/reports/tabs/speed/?clock=work").content.decode()
    assert "Times count working hours only" in page
    assert "MTTR, time to repair (working hours), by week" in page
    assert escape(str(METRICS["detect"].always)) in page
    assert escape(str(METRICS["repair"].clock)) in page


def test_when_it_was_escalated_then_the_way_on_counts_working_hours_too(world: World, elena: Client) -> None:
    opened(world)
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    incident = Incident.objects.get()
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=MONDAY + timedelta(minutes=20))
    incident_resolve(incident_id=incident.pk, actor=world.cast.jonas, at=MONDAY + timedelta(minutes=90))
    world.jump_to(MONDAY + timedelta(hours=3))
    at_work, by_clock = (cards_of(elena, "escalation", query) for query in ("?clock=work", ""))
    keys = ("escalate", "handoff", "resolve_escalated")
    assert [at_work[key].parts[0].value for key in keys] == ["0:00", "20:00", "1 h 30"]
    assert [by_clock[key].parts[0].value for key in keys] == ["5:00", "1 d 6 h", "1 d 7 h"]


def test_when_a_list_is_behind_a_time_in_working_hours_then_its_values_and_its_order_are_of_working_hours(
    world: World, elena: Client
) -> None:
    """By the clock the first took far longer; of working hours it took the least."""
    night = ended(world, taken=MONDAY + timedelta(minutes=1), resolved=MONDAY + timedelta(minutes=2))
    world.jump_to(MONDAY)
    day = ended(world, taken=MONDAY + timedelta(minutes=30), resolved=MONDAY + timedelta(minutes=50))
    hidden = ended(
        world, taken=MONDAY + timedelta(minutes=20), resolved=MONDAY + timedelta(minutes=40), restricted=True
    )
    waits = opened(world)
    world.jump_to(MONDAY + timedelta(hours=3))
    for key, expected in (
        ("respond", ["30:00", "20:00", "1:00"]),
        ("acknowledge", ["30:00", "20:00", "1:00"]),
        ("resolve", ["50:00", "40:00", "2:00"]),
    ):
        page: Any = elena.get(f"/reports/incidents/?which={key}.done&clock=work")
        rows = [(row["incident"].pk, row["value"]) for row in page.context["rows"]]
        assert rows == list(zip([day.pk, hidden.pk, night.pk], expected, strict=True)), key
        assert f"{METRICS[key].title} (working hours)" in page.content.decode()
    left: Any = elena.get("/reports/incidents/?which=respond.waiting&clock=work")
    assert [row["incident"].pk for row in left.context["rows"]] == [waits.pk]
    by_clock: Any = elena.get("/reports/incidents/?which=respond.done")
    assert by_clock.context["rows"][0]["incident"].pk == night.pk
    scope = Scope(world.cast.elena, period_of("28d", at=world.now, zone=UTC), work=True)
    listed = incidents_listed(scope, "respond.done")
    assert listed is not None
    assert list(listed.numbers) == [one.pk for one in behind(scope, "respond.done")]


def test_every_number_in_working_hours_leads_to_as_many_incidents_as_it_counts(world: World, elena: Client) -> None:
    ended(world, taken=MONDAY + timedelta(minutes=10), resolved=MONDAY + timedelta(hours=2))
    ended(world, taken=MONDAY + timedelta(minutes=20), resolved=MONDAY + timedelta(hours=1), severity=1)
    opened(world)
    world.jump_to(MONDAY + timedelta(hours=3))
    for tab in ("speed", "escalation"):
        for key, card in cards_of(elena, tab, "?clock=work").items():
            page: Any = elena.get(card.link)
            number = page.context["page"].paginator.count
            if METRICS[key].kind == "time":
                assert "clock=work" in card.link
                assert (number > 0) == (card.parts[0].value != "–"), key
            if card.aside:
                aside: Any = elena.get(card.aside_link)
                assert aside.context["page"].paginator.count == int(card.aside.split()[0]), key


def test_when_the_figures_are_taken_out_in_working_hours_then_the_numbers_and_their_titles_say_so(
    world: World, elena: Client
) -> None:
    ended(world, taken=MONDAY + timedelta(minutes=10), resolved=MONDAY + timedelta(hours=2))
    world.jump_to(MONDAY + timedelta(hours=3))
    table = table_of("figures", user=world.cast.elena, query="clock=work&by=team", at=world.now, words=False)
    (row,) = [dict(zip([one.key for one in table.columns], line, strict=True)) for line in table.rows]
    assert (row["respond_median"], row["repair_median"], row["recover_median"]) == (600, 6600, 7200)
    titles = {one.key: one.label for one in table.columns}
    assert titles["respond_median"] == "MTTR, time to respond (working hours): median"
    assert titles["detect_median"] == "MTTD, time to detect (by the clock): median"


def test_when_cards_of_ones_own_count_working_hours_then_they_read_what_they_show(world: World, elena: Client) -> None:
    ended(world, taken=MONDAY + timedelta(minutes=10), resolved=MONDAY + timedelta(hours=2))
    world.jump_to(MONDAY + timedelta(hours=3))
    cards = (
        CardSpec(Drawn.TIME, "repair"),
        CardSpec(Drawn.BAR, "recover", "severity"),
        CardSpec(Drawn.LINE, "handoff"),
        CardSpec(Drawn.TIME, "acknowledge"),
    )
    board = dashboard_create(owner=world.cast.elena, name="Ours", query="clock=work", cards=cards, at=world.now)
    page: Any = elena.get(f"/reports/boards/{board.pk}/")
    repair, recover, _handoff, mtta = (one.body for one in page.context["cards"])
    assert (repair.title, repair.parts[0].value) == ("MTTR, time to repair (working hours)", "1 h 50")
    assert (recover.title, recover.rows[0].words) == ("MTTR, time to recover (working hours) by severity", "2 h 00")
    assert mtta.parts[0].value == "10:00"


def test_what_is_found_in_weeks_that_were_sorted_is_what_counting_everything_finds(world: World, elena: Client) -> None:
    """Weeks cut days of UTC in two; a restricted incident is read beside them, and an open one waits."""
    for number, minutes in enumerate((3, 50, 7, 7, 400)):
        made = ended(
            world,
            taken=world.now + timedelta(minutes=minutes),
            resolved=world.now + timedelta(minutes=minutes * 2),
            restricted=number == 1,
        )
        Incident.objects.filter(pk=made.pk).update(
            started_at=made.started_at - timedelta(days=number * 9, hours=number)
        )
    opened(world)
    figures_rebuild(at=world.now)
    period = period_of("28d", at=world.now, zone=zone_named("Europe/Rome"))
    for work in (False, True):
        scope = Scope(world.cast.elena, period, work=work)
        for kinds in ((), ("glance", "times", "pages"), ("incidents", "times", "spans")):
            data = Data(scope, Names(), Links(QueryDict()), kinds)
            for metric in METRICS.values():
                if kinds[:1] == ("glance",) and metric.key not in ("acknowledge", "resolve"):
                    continue
                for what, days in (("now", period), ("old", data.before)):
                    columns = getattr(data, what)(metric.of)
                    assert data.whole(metric, days) == value_of(columns, metric, work=work), (metric.key, kinds)
                    weeks = stretches(columns, days.week_bounds())
                    assert data.by_week(metric, days) == [value_of(week, metric, work=work) for week in weeks]
