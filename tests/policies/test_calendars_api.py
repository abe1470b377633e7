"""Business calendars over the API, in `apply` and in the admin: the same rules as on their page."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.plan import Plan
from escalation_site.configuration.problems import ConfigurationInvalid
from incidents.models import Service
from policies.models import WorkCalendar
from tests.world.harness import World

API = "/api/v1/calendars/"
ONE = f"{API}rome/"
ADMIN = "/admin/policies/workcalendar/"
HOURS: list[dict[str, Any]] = [{"days": ["mon", "tue"], "start": "09:00", "end": "18:00"}]
AT = datetime(2026, 11, 22, 2, 9, tzinfo=UTC)


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def send(client: Client, method: str, path: str, **body: Any) -> Any:
    return getattr(client, method)(path, body, content_type="application/json")


def made(client: Client, **more: Any) -> Any:
    body = {"slug": "rome", "name": "Rome", "zone": "Europe/Rome", "windows": HOURS, **more}
    return send(client, "post", API, **body)


# --- the API


def test_when_a_manager_makes_a_calendar_then_it_reads_back_as_it_was_written(elena: Client) -> None:
    answer = made(elena, holidays=["2026-12-25"], default=True, reason="New contract")

    assert answer.status_code == 201, answer.json()
    assert answer.json() == {
        "slug": "rome",
        "name": "Rome",
        "zone": "Europe/Rome",
        "windows": HOURS,
        "holidays": [{"date": "2026-12-25", "name": ""}],
        "default": True,
    }
    assert elena.get(ONE).json() == answer.json()
    assert LedgerEntry.objects.get(action="work_calendar.create").data == {"reason": "New contract"}


def test_when_a_calendar_is_changed_then_what_is_left_out_stays(elena: Client) -> None:
    made(elena, holidays=["2026-12-25"])

    answer = send(elena, "patch", ONE, zone="Europe/Lisbon")

    assert answer.status_code == 200, answer.json()
    assert (answer.json()["zone"], answer.json()["windows"]) == ("Europe/Lisbon", HOURS)
    assert answer.json()["holidays"] == [{"date": "2026-12-25", "name": ""}]


def test_when_a_calendar_is_wrong_then_every_field_at_fault_is_named(elena: Client) -> None:
    answer = made(elena, zone="Europe/Rom", windows=[{"start": "9", "end": "18:00"}])

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"zone", "windows[0].start"}
    assert made(elena).status_code == 201
    assert made(elena, name="Rome again").json()["error"]["field"] == "slug"


def test_when_a_responder_writes_a_calendar_then_they_are_refused(world: World, elena: Client) -> None:
    made(elena)
    client = Client()
    client.force_login(world.cast.marta)

    assert client.get(ONE).status_code == 200
    assert made(client, slug="other", name="Other").status_code == 403
    assert send(client, "patch", ONE, name="Mine").status_code == 403
    assert client.delete(ONE).status_code == 403
    client.force_login(world.cast.sofie)
    assert client.get(API).status_code == 403


def test_when_a_calendar_is_in_use_then_taking_it_away_is_a_conflict(world: World, elena: Client) -> None:
    made(elena)
    Service.objects.filter(pk=world.cast.gateway.pk).update(calendar=WorkCalendar.objects.get())

    assert elena.delete(ONE).status_code == 409
    Service.objects.filter(pk=world.cast.gateway.pk).update(calendar=None)
    assert elena.delete(ONE).status_code == 204
    assert not WorkCalendar.objects.exists()


# --- apply


def apply(text: str) -> Plan:
    return configuration_apply(text, source="calendars.yaml", at=AT, environ={}, user=None, dry_run=False)


FILE = """
calendars:
  rome:
    name: Rome
    zone: Europe/Rome
    default: true
    windows: [{days: [mon, tue], start: "09:00", end: "18:00"}]
    holidays: [{date: "2026-12-25", name: Christmas Day}]
services:
  payments-gateway: {calendar: rome}
"""


def test_when_a_file_has_calendars_then_services_work_by_them_and_a_second_time_changes_nothing(world: World) -> None:
    apply(FILE)
    again = apply(FILE)

    calendar = WorkCalendar.objects.get()
    assert (calendar.windows, calendar.is_default) == (HOURS, True)
    assert calendar.holidays == [{"date": "2026-12-25", "name": "Christmas Day"}]
    assert Service.objects.get(slug="payments-gateway").calendar == calendar
    assert not [change for change in again.changes if change.fields]


def test_when_a_file_adds_a_holiday_then_the_hours_stay(world: World) -> None:
    apply(FILE)

    apply('calendars: {rome: {holidays: ["2026-12-26"]}}')

    calendar = WorkCalendar.objects.get()
    assert (calendar.windows, calendar.zone) == (HOURS, "Europe/Rome")
    assert calendar.holidays == [{"date": "2026-12-26", "name": ""}]


def test_when_a_file_has_mistakes_then_they_are_named_and_nothing_is_written(world: World) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        apply('calendars: {rome: {name: Rome, windows: [{days: [moon], start: "09:00", end: "18:00"}]}}')

    assert "calendars.rome.windows[0].days[0]" in str(refused.value)
    assert not WorkCalendar.objects.exists()


# --- the admin


@pytest.fixture
def hugo(world: World, client: Client) -> Client:
    client.force_login(world.cast.hugo)
    return client


def sent(**more: Any) -> dict[str, Any]:
    windows = '[{"days": ["mon", "tue"], "start": "09:00", "end": "18:00"}]'
    return {"name": "Rome", "slug": "rome", "zone": "Europe/Rome", "windows": windows, "holidays": "[]", **more}


def test_when_an_administrator_saves_a_calendar_then_it_goes_through_the_service(hugo: Client) -> None:
    assert hugo.post(f"{ADMIN}add/", sent(is_default="on")).status_code == 302
    assert hugo.post(f"{ADMIN}add/", sent(name="Lisbon", slug="lisbon", is_default="on")).status_code == 302

    assert list(WorkCalendar.objects.filter(is_default=True).values_list("slug", flat=True)) == ["lisbon"]
    actions = list(
        LedgerEntry.objects.filter(object_type="work_calendar").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["work_calendar.create", "work_calendar.change", "work_calendar.create"]


def test_when_an_administrator_writes_what_cannot_be_read_then_the_field_says_so(hugo: Client) -> None:
    answer = hugo.post(f"{ADMIN}add/", sent(zone="Europe/Rom", windows='[{"start": "9", "end": "18:00"}]'))

    assert answer.status_code == 200
    assert "is no IANA time zone" in answer.content.decode()
    assert "windows[0].start: must be a time" in answer.content.decode()
    assert not WorkCalendar.objects.exists()


def test_when_an_administrator_changes_and_deletes_a_calendar_then_the_ledger_has_both(hugo: Client) -> None:
    hugo.post(f"{ADMIN}add/", sent())
    pk = WorkCalendar.objects.get().pk

    assert hugo.post(f"{ADMIN}{pk}/change/", sent(zone="Europe/Lisbon")).status_code == 302
    assert WorkCalendar.objects.get().zone == "Europe/Lisbon"
    assert hugo.post(f"{ADMIN}{pk}/delete/", {"post": "yes"}).status_code == 302

    assert not WorkCalendar.objects.exists()
    actions = list(
        LedgerEntry.objects.filter(object_type="work_calendar").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["work_calendar.create", "work_calendar.change", "work_calendar.delete"]
