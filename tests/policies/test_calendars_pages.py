"""Business calendars on their pages: hours, holidays from a country or a pasted list, the default one."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Service
from policies.calendars import calendars_by_name, calendars_of
from policies.calendars.services import calendar_delete, calendar_set, holidays_added, holidays_pasted
from policies.escalation import around_the_clock
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid
from tests.world.harness import World

LIST = "/policies/tools/calendars/"
NEW = f"{LIST}new/"
ROME = f"{LIST}rome/"
WEEK = ["mon", "tue", "wed", "thu", "fri"]
SENT: dict[str, Any] = {
    "name": "Rome",
    "zone": "Europe/Rome",
    "w-count": "1",
    "w-0-days": WEEK,
    "w-0-start": "09:00",
    "w-0-end": "18:00",
    "h-count": "0",
}


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def rome(world: World, **more: Any) -> WorkCalendar:
    values = {
        "name": "Rome",
        "slug": "rome",
        "zone": "Europe/Rome",
        "windows": [{"days": WEEK, "start": "09:00", "end": "18:00"}],
        **more,
    }
    return calendar_set(calendar=WorkCalendar(), values=values, actor=world.cast.elena, at=world.now)


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


# --- writing


def test_when_a_manager_makes_a_calendar_then_it_is_stored_with_its_ledger_entry(elena: Client) -> None:
    answer = elena.post(NEW, {**SENT, "is_default": "on", "reason": "We have an SLA", "do": "save"}, follow=True)

    made = WorkCalendar.objects.get()
    assert answer.redirect_chain == [(LIST, 302)]
    assert (made.name, made.slug, made.zone, made.is_default) == ("Rome", "rome", "Europe/Rome", True)
    assert made.windows == [{"days": WEEK, "start": "09:00", "end": "18:00"}]
    entry = LedgerEntry.objects.get(action="work_calendar.create")
    assert entry.data == {"reason": "We have an SLA"}
    assert entry.actor_label == "Elena Conti"
    assert "Open 09:00–18:00 on Monday to Friday, on the clock of Europe/Rome." in shown(answer)


def test_when_a_name_holds_what_no_database_stores_then_that_is_dropped(elena: Client) -> None:
    elena.post(NEW, {**SENT, "name": "Ro\x00me", "reason": "\x00why", "do": "save"})

    assert WorkCalendar.objects.get().name == "Rome"
    assert LedgerEntry.objects.get(action="work_calendar.create").data == {"reason": "why"}


def test_when_a_second_calendar_becomes_the_default_then_the_first_gives_it_up(world: World, elena: Client) -> None:
    rome(world, is_default=True)

    elena.post(NEW, {**SENT, "name": "Lisbon", "zone": "Europe/Lisbon", "is_default": "on", "do": "save"})

    assert list(WorkCalendar.objects.filter(is_default=True).values_list("slug", flat=True)) == ["lisbon"]
    assert LedgerEntry.objects.filter(action="work_calendar.change", object_label="Rome").exists()


def test_when_public_holidays_are_added_then_they_are_rows_to_edit(elena: Client) -> None:
    page = shown(elena.post(NEW, {**SENT, "place": "IT", "year": "2026", "do": "public-add"}))

    assert 'value="2026-12-25"' in page
    assert 'value="Christmas Day"' in page
    assert not WorkCalendar.objects.exists()


def test_when_a_list_is_pasted_then_its_days_are_added_to_those_there_are(elena: Client) -> None:
    sent = {**SENT, "h-count": "1", "h-0-date": "2026-12-25", "h-0-name": "Christmas"}
    pasted = "24.12.2026; Half a day\n2026-12-25, Again\n\n31/12/2026\tLast day"

    elena.post(NEW, {**sent, "pasted": pasted, "do": "pasted-add"})
    page = shown(elena.post(NEW, {**sent, "pasted": pasted, "do": "pasted-add"}))

    assert re.findall(r'id="h-\d+-date" name="h-\d+-date" value="([^"]*)"', page) == [
        "2026-12-24",
        "2026-12-25",
        "2026-12-31",
    ]
    assert 'value="Christmas"' in page
    assert 'value="Last day"' in page


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"do": "public-add", "place": "XX", "year": "2026"}, "Choose a country, or a part of one."),
        ({"do": "public-add", "place": "IT", "year": "soon"}, "Choose a year from 2000 to 2100."),
        ({"do": "pasted-add", "pasted": "Christmas"}, "Line 1: “Christmas” does not begin with a date"),
        ({"do": "save", "name": ""}, "This field cannot be blank."),
        ({"do": "save", "zone": "Europe/Rom"}, "is no IANA time zone"),
        ({"do": "save", "w-count": "0"}, "needs at least one entry"),
        ({"do": "save", "w-0-days": []}, "Choose at least one day."),
        ({"do": "save", "w-0-start": "9"}, "must be a time such as"),
        ({"do": "save", "h-count": "2", "h-1-name": "x"}, "must be a date such as"),
    ],
)
def test_when_something_is_wrong_then_it_is_named_and_nothing_is_stored(
    elena: Client, sent: dict[str, Any], words: str
) -> None:
    answer = elena.post(NEW, {**SENT, **sent})

    assert answer.status_code == 422
    assert words in shown(answer)
    assert not WorkCalendar.objects.exists()


def test_when_a_day_ends_at_midnight_then_the_form_shows_and_keeps_it(world: World, elena: Client) -> None:
    rome(world, windows=[{"days": WEEK, "start": "09:00", "end": "24:00"}])

    assert 'name="w-0-end" value="00:00"' in shown(elena.get(ROME))
    elena.post(ROME, {**SENT, "w-0-end": "00:00", "do": "save"})

    assert WorkCalendar.objects.get().windows[0]["end"] == "24:00"


def test_when_a_name_is_taken_then_the_page_says_so(world: World, elena: Client) -> None:
    rome(world)

    answer = elena.post(NEW, {**SENT, "do": "save"})

    assert answer.status_code == 422
    assert "Business calendar with this Name already exists." in shown(answer)


def test_when_rows_are_added_and_removed_then_nothing_is_stored(world: World, elena: Client) -> None:
    rome(world)
    two = {**SENT, "w-count": "2", "w-1-days": ["sat"], "w-1-start": "10:00", "w-1-end": "12:00"}

    assert 'name="w-count" value="3"' in shown(elena.post(ROME, {**two, "do": "w-add"}))
    page = shown(elena.post(ROME, {**two, "do": "w-0-remove"}))
    assert 'name="w-count" value="1"' in page
    assert 'value="10:00"' in page
    assert len(WorkCalendar.objects.get().windows) == 1


def test_when_a_responder_looks_then_calendars_are_shown_and_not_written(world: World) -> None:
    rome(world, is_default=True, holidays=[{"date": "2099-12-25", "name": "Far away"}])
    client = Client()
    client.force_login(world.cast.marta)

    page = shown(client.get(LIST))

    assert "1 holiday, in 2099." in page
    assert "Far away" in page
    assert "New calendar" not in page
    for path in (NEW, ROME, f"{ROME}remove/"):
        assert client.post(path, {**SENT, "do": "save"}).status_code == 403


def test_when_there_are_many_calendars_then_the_list_asks_no_more_of_the_database(world: World, elena: Client) -> None:
    for number in range(12):
        rome(world, name=f"Office {number}", slug=f"office-{number}")
    elena.get(LIST)

    with CaptureQueriesContext(connection) as queries:
        elena.get(LIST)

    # The frame of every page, and the calendars.
    assert len(queries) <= 8, [query["sql"] for query in queries]


# --- taking one away


def test_when_services_name_a_calendar_then_it_cannot_be_taken_away(world: World, elena: Client) -> None:
    calendar = rome(world)
    Service.objects.filter(pk=world.cast.gateway.pk).update(calendar=calendar)

    page = shown(elena.post(f"{ROME}remove/", follow=True))

    assert "Services still work by it: Payments gateway." in page
    assert WorkCalendar.objects.exists()


def test_when_nobody_uses_a_calendar_then_it_is_taken_away_and_the_ledger_keeps_it(world: World, elena: Client) -> None:
    calendar = rome(world, is_default=True)
    with pytest.raises(Conflict):
        calendar_delete(calendar=calendar, actor=world.cast.elena, at=world.now)
    calendar_set(calendar=calendar, values={"is_default": False}, actor=world.cast.elena, at=world.now)

    elena.post(f"{ROME}remove/")

    assert not WorkCalendar.objects.exists()
    entry = LedgerEntry.objects.get(action="work_calendar.delete")
    assert (entry.before or {})["zone"] == "Europe/Rome"
    assert elena.get(f"{ROME}remove/").status_code == 405


# --- what reads them


def test_when_services_are_asked_for_then_each_has_its_own_calendar_or_the_default_one(world: World) -> None:
    gateway = world.cast.gateway
    other = Service.objects.create(name="Ledger", slug="ledger", team=world.cast.payments)
    assert calendars_of([gateway.pk])[gateway.pk] is around_the_clock
    rome(world, is_default=True)
    nights = rome(world, name="Nights", slug="nights", windows=[{"days": WEEK, "start": "22:00", "end": "06:00"}])
    Service.objects.filter(pk=gateway.pk).update(calendar=nights)
    noon = datetime(2026, 11, 23, 11, tzinfo=UTC)

    with CaptureQueriesContext(connection) as queries:
        times = calendars_of([gateway.pk, other.pk])

    assert len(queries) == 2
    assert times[gateway.pk](noon, 60) == datetime(2026, 11, 23, 21, 1, tzinfo=UTC)
    assert times[other.pk](noon, 60) == datetime(2026, 11, 23, 11, 1, tzinfo=UTC)


def test_when_conditions_ask_then_calendars_have_their_short_names_and_the_default_one_has_none(world: World) -> None:
    rome(world, is_default=True)
    rome(world, name="Lisbon", slug="lisbon", zone="Europe/Lisbon")

    found = calendars_by_name()

    assert {name: calendar.zone for name, calendar in found.items()} == {
        "": "Europe/Rome",
        "rome": "Europe/Rome",
        "lisbon": "Europe/Lisbon",
    }


def test_when_a_condition_is_tried_then_business_hours_are_those_of_the_default_calendar(
    world: World, elena: Client
) -> None:
    asked = {"when-join": "all", "when-0-fact": "business_hours", "when-0-operator": "is", "when-0-value": "yes"}
    bench, evening = "/policies/tools/conditions/", {"facts-at": "2026-11-23T20:00", "do": "try"}
    assert "It does not hold" in shown(elena.post(bench, {**asked, **evening}))
    rome(world, is_default=True, windows=[{"days": WEEK, "start": "18:00", "end": "22:00"}])

    page = shown(elena.post(bench, {**asked, **evening}))

    assert "It holds" in page
    assert "those of the default calendar" in page


def test_when_a_row_was_written_past_the_services_then_time_passes_around_the_clock(world: World) -> None:
    WorkCalendar.objects.create(name="Broken", slug="broken", windows="?", is_default=True)

    times = calendars_of([world.cast.gateway.pk])

    assert times[world.cast.gateway.pk] is around_the_clock
    assert calendars_by_name() == {}


# --- holidays


def test_when_holidays_are_added_twice_then_days_that_are_listed_keep_their_names() -> None:
    own = [{"date": "2026-12-25", "name": "Closed"}, {"date": "2026-12-31", "name": "Inventory"}]

    rows = holidays_added(own, place="DE-BY", year=2026)

    assert rows == holidays_added(rows, place="DE-BY", year=2026)
    assert {"date": "2026-12-25", "name": "Closed"} in rows
    assert {"date": "2026-12-31", "name": "Inventory"} in rows
    assert "2026-01-06" in {row["date"] for row in rows}, "Epiphany is a holiday in Bavaria"


def test_when_a_place_or_year_is_unknown_then_the_field_is_named() -> None:
    with pytest.raises(DomainError) as place:
        holidays_added([], place="Atlantis", year=2026)
    with pytest.raises(DomainError) as year:
        holidays_added([], place="IT", year=99)

    assert (place.value.field, year.value.field) == ("place", "year")


def test_when_a_pasted_list_has_strange_lines_then_each_is_named() -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        holidays_pasted("2026-12-25 Christmas\nEaster\n30.2.2026 Never")

    assert [problem.message.partition(":")[0] for problem in refused.value.problems] == ["Line 2", "Line 3"]
