"""The duty life in the admin: decided and ended through the services, secrets not shown, skills and gaps entered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Service
from oncall.absences import absence_create
from oncall.calendars.feeds import feed_create
from oncall.calendars.sources import source_add
from oncall.models import (
    Absence,
    CalendarFeed,
    CalendarSource,
    GapAcceptance,
    Handoff,
    HandoffNote,
    Schedule,
    Skill,
    Swap,
    User,
)
from oncall.swaps import swap_create
from tests.site.test_admin import act, browser, page
from tests.world.harness import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def hugo(world: World) -> Client:
    return browser(world, "hugo")


def form_of(client: Client, address: str) -> dict[str, Any]:
    """What the page's forms hold, as a browser would send it back."""
    context: Any = client.get(address).context
    data: dict[str, Any] = {}
    formsets = [one.formset for one in context["inline_admin_formsets"]]
    inline = [form for one in formsets for form in (one.management_form, *one.initial_forms)]
    for form in (context["adminform"].form, *inline):
        for bound in form:
            value = bound.value()
            data[bound.html_name] = "" if value is None or value is False else value
    return {name: value for name, value in data.items() if value != ""}


def test_every_list_of_the_duty_life_opens_and_shows_no_secret(world: World, hugo: Client) -> None:
    cast, at = world.cast, world.now
    feed_create(owner=cast.marta, schedule=None, actor=cast.marta, at=at)
    source = source_add(url="https://cal.example.org/very-secret.ics", actor=cast.marta, at=at, user=cast.marta)
    absence_create(user=cast.marta, start=at, end=at + timedelta(days=1), actor=cast.marta, at=at)
    Handoff.objects.create(schedule=cast.schedule, role="primary", at=at, incoming=cast.marta, created_at=at)
    HandoffNote.objects.create(schedule=cast.schedule, author=cast.marta, text="Look at the queue", created_at=at)
    Skill.objects.create(name="PostgreSQL", slug="postgresql")
    for model in (Absence, CalendarFeed, CalendarSource, GapAcceptance, Handoff, HandoffNote, Skill, Swap):
        assert hugo.get(page(model, "changelist")).status_code == 200, model
    for address in (page(CalendarSource, "changelist"), page(CalendarSource, "change", source.pk)):
        shown = hugo.get(address).content.decode()
        assert "cal.example.org" in shown
        assert "very-secret" not in shown


def test_absences_swaps_feeds_and_calendars_are_ended_here_through_their_services(world: World, hugo: Client) -> None:
    cast, at = world.cast, world.now
    cast.payments.approves_absences = True
    cast.payments.save()
    day = timedelta(days=1)
    first = absence_create(user=cast.marta, start=at + day, end=at + 2 * day, actor=cast.marta, at=at)
    second = absence_create(user=cast.marta, start=at + 3 * day, end=at + 4 * day, actor=cast.marta, at=at)
    act(hugo, Absence, "approve", first)
    act(hugo, Absence, "decline", second)
    assert "does not stand" in act(hugo, Absence, "cancel", first, second).content.decode()
    assert {one.state for one in Absence.objects.all()} == {"cancelled", "declined"}
    swap = swap_create(
        schedule=cast.schedule, role="primary", requester=cast.marta, start=at + day, end=at + 2 * day,
        asked=[cast.jonas], at=at,
    )  # fmt: skip
    act(hugo, Swap, "cancel", swap)
    feed, _plain = feed_create(owner=cast.marta, schedule=None, actor=cast.marta, at=at)
    act(hugo, CalendarFeed, "revoke", feed)
    source = source_add(url="https://cal.example.org/x", actor=cast.marta, at=at, user=cast.marta)
    act(hugo, CalendarSource, "remove", source)
    feed.refresh_from_db()
    swap.refresh_from_db()
    assert swap.state == "cancelled"
    assert feed.revoked_at
    assert not CalendarSource.objects.exists()
    actions = set(LedgerEntry.objects.filter(actor_id=str(cast.hugo.pk)).values_list("action", flat=True))
    assert {
        "absence.approve",
        "absence.decline",
        "absence.cancel",
        "swap.cancel",
        "calendar_feed.revoke",
        "calendar_source.remove",
    } <= actions


def test_skills_of_people_and_services_enter_the_ledger_and_holidays_follow(world: World, hugo: Client) -> None:
    skill = Skill.objects.create(name="PostgreSQL", slug="postgresql")
    jonas = world.cast.jonas
    address = page(User, "change", jonas.pk)
    data = {**form_of(hugo, address), "skills": [skill.pk], "holiday_calendar": "NL", "capacity_hours": "100"}
    response = hugo.post(address, data)
    assert response.status_code == 302, response.context["adminform"].form.errors
    jonas.refresh_from_db()
    assert (list(jonas.skills.all()), jonas.holiday_calendar, jonas.capacity_hours) == ([skill], "NL", 100)
    assert jonas.absences.filter(kind="holiday").exists()
    assert LedgerEntry.objects.get(action="user.skills").after == {"skills": ["postgresql"]}
    address = page(Service, "change", world.cast.gateway.pk)
    response = hugo.post(address, {**form_of(hugo, address), "required_skills": [skill.pk]})
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert list(world.cast.gateway.required_skills.all()) == [skill]
    assert LedgerEntry.objects.filter(action="service.skills").count() == 1


@pytest.mark.requirement("R004")
def test_when_a_definition_opens_a_gap_then_the_form_says_so_until_it_is_accepted(world: World, hugo: Client) -> None:
    schedule = world.cast.schedule
    definition = schedule.versions.get().definition
    definition["layers"][0]["restrictions"] = [{"days": "mon-fri", "start": "09:00", "end": "18:00"}]
    address = page(Schedule, "change", schedule.pk)
    data = {**form_of(hugo, address), "definition": json.dumps(definition)}
    refused = hugo.post(address, data)
    assert refused.status_code == 200
    assert "accept_gaps" in refused.context["adminform"].form.errors
    assert schedule.versions.count() == 1
    accepted = hugo.post(address, {**data, "accept_gaps": "on"})
    assert accepted.status_code == 302
    assert schedule.versions.count() == 2
    assert GapAcceptance.objects.exists()
