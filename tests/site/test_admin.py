"""The admin: who enters, that nothing escapes the ledger, that actions go through the services, and what lists cost."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import Schedule as TaskSchedule

from audit.models import LedgerEntry
from escalation_site.admin_site.base import CHANGED, ReadOnlyMixin
from incidents.intake.door import key_digest
from incidents.models import EscalationRun, InboxSignal, Incident, Integration, Service
from incidents.services.lifecycle import incident_open
from notifications.models import ContactMethod
from oncall.models import Membership, Override, Schedule, Team, User
from oncall.tokens import token_create
from policies.models import EscalationPolicy
from tests.world.cast import ALERTMANAGER_KEY, PASSWORD, levels
from tests.world.harness import World

OURS = ("audit", "incidents", "notifications", "oncall", "policies", "reports")
MOST_QUERIES = 15
BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


@pytest.fixture
def hugo(world: World) -> Client:
    """The administrator's browser."""
    return browser(world, "hugo")


@pytest.fixture
def paged(world: World) -> World:
    """An alert came in and Marta was paged, so that every table has a row."""
    world.alert()
    world.settle()
    world.expect_page("marta")
    return world


def page(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def act(client: Client, model: Any, action: str, *rows: Any) -> Any:
    given = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page(model, "changelist"), given, follow=True)


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def last_entry() -> LedgerEntry:
    return LedgerEntry.objects.latest("id")


# --- the way in


@pytest.mark.parametrize("username", ["sofie", "marta", "elena", "amara"])
def test_when_somebody_who_does_not_administer_enters_then_they_are_refused(world: World, username: str) -> None:
    client = browser(world, username)
    assert client.get("/admin/", follow=True).status_code == 403
    assert client.get(page(User, "changelist"), follow=True).status_code == 403
    assert client.post(page(Team, "add"), {"name": "Mine", "slug": "mine"}, follow=True).status_code == 403
    assert not Team.objects.filter(slug="mine").exists()


def test_when_a_stranger_enters_then_the_products_own_sign_in_asks(world: World) -> None:
    response = Client().get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")
    # The admin's own form would know no second step and no limits.
    client = Client()
    client.post("/admin/login/", {"username": "hugo", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_when_the_admin_opens_then_it_shows_our_name_and_every_area(hugo: Client, settings: Any) -> None:
    text = hugo.get("/admin/").content.decode()
    assert "Watchbell" in text
    assert settings.ORGANISATION_NAME in text
    for area in ("People and teams", "On call", "Escalation", "Intake", "Access", "Running", "Proof"):
        assert area in text
    assert "css/tokens.css" in text
    assert "css/admin.css" in text


# --- what is there


def test_when_a_model_of_ours_is_added_then_it_is_in_the_admin() -> None:
    ours = [
        model
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if not model.__name__.startswith("Historical")
    ]
    assert [model for model in ours if not admin.site.is_registered(model)] == []


def test_when_a_list_is_defined_then_it_can_be_searched_and_its_links_are_loaded_at_once() -> None:
    for model, shown in admin.site._registry.items():
        if model._meta.app_label in OURS:
            assert shown.search_fields, f"{model.__name__} cannot be searched"
            assert shown.list_display != ("__str__",), f"{model.__name__} shows no columns"


@pytest.mark.parametrize("area", ["oncall", "incidents", "notifications", "policies", "audit"])
def test_when_lists_grow_then_their_queries_do_not(paged: World, hugo: Client, area: str) -> None:
    models = [model for model in admin.site._registry if model._meta.app_label == area]
    hugo.get("/admin/")
    before = {model: _queries(hugo, model) for model in models}
    _grow(paged)
    for model in models:
        count = _queries(hugo, model)
        assert count <= MOST_QUERIES, f"{model.__name__}: {count} queries"
        assert count <= before[model] + 1, f"{model.__name__}: {before[model]} queries, then {count}"


def _queries(client: Client, model: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page(model, "changelist")).status_code == 200
    return len(queries)


def _grow(world: World) -> None:
    cast = world.cast
    for number in range(5):
        team = Team.objects.create(name=f"Team {number}", slug=f"team-{number}", parent=cast.payments)
        Membership.objects.create(team=team, user=cast.nils)
        service = Service.objects.create(name=f"Service {number}", slug=f"service-{number}", team=team)
        ContactMethod.objects.create(user=cast.nils, kind="email", address=f"nils{number}@brightquay.example")
        token_create(owner=cast.nils, name=str(number), actor=cast.nils, at=world.now)
        incident_open(title=str(number), summary="", severity=3, service=service, reporter=cast.sofie, at=world.now)
        world.alert(f"Alert{number}")
    world.settle()
    for _number in range(5):
        world.expect_page("marta")


# --- the ledger


@pytest.mark.requirement("R035")
def test_when_a_row_is_made_and_changed_then_the_ledger_has_both(hugo: Client, world: World) -> None:
    given = {
        "name": "Search", "slug": "search", "description": "", "time_zone": "UTC",
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(world.cast.nils.pk), "memberships-0-role": "lead",
    }  # fmt: skip
    assert hugo.post(page(Team, "add"), given).status_code == 302
    team = Team.objects.get(slug="search")
    made = LedgerEntry.objects.get(action="team.create")
    assert made.after is not None
    assert (made.subject, made.after["name"], made.source) == (f"team:{team.pk}", "Search", "admin")
    assert made.actor_label == "Hugo Brandt"
    joined = LedgerEntry.objects.get(action="membership.create")
    assert joined.action_id == made.action_id, "one form is one action"
    membership = team.memberships.get()
    given |= {"description": "Finds things", "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk)}
    given |= {"memberships-0-team": str(team.pk), "memberships-0-DELETE": "on"}
    assert hugo.post(page(Team, "change", team.pk), given).status_code == 302
    changed = LedgerEntry.objects.get(action="team.change")
    assert (changed.before, changed.after) == ({"description": ""}, {"description": "Finds things"})
    assert LedgerEntry.objects.get(action="membership.delete").before is not None
    history = team.history.latest()
    assert (history.description, history.history_user) == ("Finds things", world.cast.hugo)


def test_when_nothing_is_changed_then_nothing_is_entered(hugo: Client, world: World) -> None:
    method = world.cast.marta.contact_methods.get()
    given = {"user": method.user_id, "kind": "email", "address": method.address, "position": 0, "enabled": "on"}
    before = LedgerEntry.objects.count()
    assert hugo.post(page(ContactMethod, "change", method.pk), given).status_code == 302
    assert LedgerEntry.objects.count() == before


def test_when_a_row_is_deleted_then_the_ledger_keeps_what_it_said(hugo: Client, world: World) -> None:
    method = ContactMethod.objects.get(user=world.cast.marta)
    assert hugo.post(page(ContactMethod, "delete", method.pk), {"post": "yes"}).status_code == 302
    entry = last_entry()
    assert entry.action == "contactmethod.delete"
    assert entry.before is not None
    assert entry.before["address"] == "marta@brightquay.example"


def test_when_saving_fails_then_neither_the_row_nor_its_entry_stays(
    hugo: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("the ledger is out of order")

    monkeypatch.setattr("escalation_site.admin_site.base.entry_append", broken)
    with pytest.raises(RuntimeError):
        hugo.post(page(Group, "add"), {"name": "Night"})
    assert not Group.objects.exists()


def test_when_a_group_or_a_task_of_others_changes_then_it_is_entered_too(hugo: Client) -> None:
    assert hugo.post(page(Group, "add"), {"name": "Night"}).status_code == 302
    assert last_entry().action == "group.create"
    task = TaskSchedule.objects.create(func="math.copysign", name="mine", schedule_type="I", minutes=5)
    hugo.post(page(TaskSchedule, "delete", task.pk), {"post": "yes"})
    assert last_entry().action == "task_schedule.delete"


def test_when_history_is_opened_then_it_shows_what_changed(hugo: Client, world: World) -> None:
    team = world.cast.payments
    team.description = "Money in, money out"
    team.save()
    text = hugo.get(page(Team, "history", team.pk)).content.decode()
    assert "Money in, money out" in text
    record = team.history.latest()
    shown = hugo.post(reverse("admin:oncall_team_simple_history", args=(team.pk, record.pk)), {"name": "Other"})
    assert shown.status_code == 403, "earlier states are for reading"


# --- what may not be touched


def test_when_a_row_is_the_systems_own_then_nobody_may_add_change_or_delete_it(paged: World, hugo: Client) -> None:
    immutable = {model for model, shown in admin.site._registry.items() if isinstance(shown, ReadOnlyMixin)}
    wanted = "LedgerEntry ScheduleVersion PolicyVersion TimelineEvent Attempt Delivery Message Page EscalationRun Alert"
    assert set(wanted.split()) | {"InboxSignal"} <= {model.__name__ for model in immutable}
    for model in immutable:
        if model._meta.app_label not in OURS or (row := model._base_manager.first()) is None:
            continue
        assert hugo.get(page(model, "add")).status_code == 403
        assert hugo.post(page(model, "add"), {}).status_code == 403
        assert hugo.get(page(model, "change", row.pk)).status_code == 200
        assert hugo.post(page(model, "change", row.pk), {}).status_code == 403
        assert hugo.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        act(hugo, model, "delete_selected", row)
        assert model._base_manager.filter(pk=row.pk).exists()


def test_when_a_page_is_shown_then_the_link_that_acts_without_sign_in_is_not(paged: World, hugo: Client) -> None:
    shown = paged.incident.pages.get()
    assert shown.message is not None
    assert shown.link_nonce not in hugo.get(page(type(shown), "change", shown.pk)).content.decode()
    text = hugo.get(page(type(shown.message), "change", shown.message.pk)).content.decode()
    assert "/p/" not in text


# --- people


def test_when_a_person_is_made_then_they_can_sign_in_with_the_password(hugo: Client) -> None:
    given = {
        "username": "ines", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD,
        "first_name": "Ines", "last_name": "Costa", "email": "ines@brightquay.example", "time_zone": "Europe/Lisbon",
        "language": "en", "role": "responder", "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert hugo.post(page(User, "add"), given).status_code == 302
    ines = User.objects.get(username="ines")
    assert (ines.role, ines.is_staff, ines.check_password(PASSWORD)) == ("responder", False, True)
    entry = LedgerEntry.objects.get(action="user.create")
    assert entry.after is not None
    assert entry.after["password"] == CHANGED
    assert ines.password not in str(entry.after)


def test_when_a_password_is_set_for_somebody_then_only_that_it_was_is_entered(hugo: Client, world: World) -> None:
    address = reverse("admin:auth_user_password_change", args=(world.cast.marta.pk,))
    given = {"usable_password": "true", "password1": "an altogether new one", "password2": "an altogether new one"}
    assert hugo.post(address, given).status_code == 302
    world.cast.marta.refresh_from_db()
    assert world.cast.marta.check_password("an altogether new one")
    entry = last_entry()
    assert (entry.action, entry.after) == ("user.change", {"password": CHANGED})


def test_when_accounts_are_switched_off_then_tokens_end_and_the_last_administrator_stays(
    hugo: Client, world: World
) -> None:
    marta, cast = world.cast.marta, world.cast
    token, _plain = token_create(owner=marta, name="script", actor=marta, at=world.now)
    answer = act(hugo, User, "deactivate", marta, cast.hugo)
    assert told(answer) == ["Hugo Brandt: You cannot switch off your own account.", "1 account is off."]
    marta.refresh_from_db()
    token.refresh_from_db()
    assert not marta.is_active
    assert token.revoked_at is not None
    assert LedgerEntry.objects.get(action="user.deactivate").source == "admin"
    assert Client().login(username="marta", password=PASSWORD) is False
    act(hugo, User, "activate", marta)
    marta.refresh_from_db()
    assert marta.is_active


# --- schedules, policies, overrides


def test_when_a_definition_is_changed_then_a_new_version_is_published(hugo: Client, world: World) -> None:
    policy = world.cast.policy
    inlines = ("versions", "guidelines")
    none = {f"{name}-{count}_FORMS": "0" for name in inlines for count in ("TOTAL", "INITIAL")}
    given = {"name": policy.name, "slug": policy.slug, "reason": "Slower", **none}
    changed = json.dumps(levels(ack=("9m", "9m", "9m")))
    assert hugo.post(page(EscalationPolicy, "change", policy.pk), {**given, "definition": changed}).status_code == 302
    policy.refresh_from_db()
    assert policy.current_version is not None
    assert (policy.current_version.number, policy.current_version.author) == (2, world.cast.hugo)
    hugo.post(page(EscalationPolicy, "change", policy.pk), {**given, "definition": changed})
    assert policy.versions.count() == 2, "what is in force already makes no version"
    wrong = hugo.post(page(EscalationPolicy, "change", policy.pk), {**given, "definition": '{"levels": []}'})
    assert wrong.status_code == 200
    assert wrong.context["errors"]
    schedule = world.cast.schedule
    given = {"name": schedule.name, "slug": schedule.slug, "time_zone": "Europe/Rome", **none}
    wrong = hugo.post(page(Schedule, "change", schedule.pk), {**given, "definition": '{"layers": 3}'})
    assert wrong.context["errors"]
    assert schedule.versions.count() == 1


def test_when_a_document_of_a_policy_is_typed_without_a_scheme_then_it_is_fetched_safely(
    hugo: Client, world: World
) -> None:
    policy = world.cast.policy
    counts = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0", "guidelines-INITIAL_FORMS": "0"}
    row = {"guidelines-TOTAL_FORMS": "1", "guidelines-0-title": "Runbook", "guidelines-0-url": "wiki.example.org/db"}
    given = {"name": policy.name, "slug": policy.slug, **counts, **row, "guidelines-0-position": "0"}
    assert hugo.post(page(EscalationPolicy, "change", policy.pk), given).status_code == 302
    assert [one.url for one in policy.guidelines.all()] == ["https://wiki.example.org/db"]


def test_when_an_override_is_made_and_ended_here_then_the_services_do_it(hugo: Client, world: World) -> None:
    given = {
        "schedule": world.cast.schedule.pk, "kind": "cover", "user": world.cast.nils.pk,
        "start_0": "2026-11-23", "start_1": "08:00:00", "end_0": "2026-11-23", "end_1": "18:00:00", "reason": "Dentist",
    }  # fmt: skip
    assert hugo.post(page(Override, "add"), given).status_code == 302
    override = Override.objects.get()
    assert override.created_by == world.cast.hugo
    assert LedgerEntry.objects.filter(action="override.create").count() == 1
    past = {**given, "start_0": "2026-01-01", "end_0": "2026-01-01"}
    assert hugo.post(page(Override, "add"), past).context["errors"]
    act(hugo, Override, "cancel", override)
    override.refresh_from_db()
    assert override.cancelled_at == world.now


# --- integrations


def test_when_an_integration_is_made_then_its_key_is_shown_once(hugo: Client, world: World) -> None:
    given = {
        "name": "Grafana", "slug": "grafana", "kind": "alertmanager", "service": world.cast.gateway.pk,
        "severity_map": "{}", "enabled": "on",
    }  # fmt: skip
    response = hugo.post(page(Integration, "add"), given)
    key = response.context["shown"][0]["key"]
    door = Integration.objects.get(slug="grafana")
    assert door.key_digest == key_digest(key)
    assert f"/integrations/alertmanager/{key}/" in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert key not in hugo.get(page(Integration, "change", door.pk)).content.decode()
    assert key not in str(LedgerEntry.objects.filter(action="integration.create").values())


def test_when_a_new_key_is_made_then_the_old_one_stops_working(hugo: Client, world: World) -> None:
    door = world.cast.alertmanager
    key = act(hugo, Integration, "new_key", door).context["shown"][0]["key"]
    door.refresh_from_db()
    assert door.key_digest == key_digest(key) != key_digest(ALERTMANAGER_KEY)
    assert last_entry().action == "integration.change"
    assert key not in str((last_entry().before, last_entry().after))


def test_when_an_integration_is_switched_off_then_its_signals_are_refused(hugo: Client, world: World) -> None:
    act(hugo, Integration, "switch_off", world.cast.alertmanager)
    assert world.post(f"/integrations/alertmanager/{ALERTMANAGER_KEY}/", {}).status_code == 404
    act(hugo, Integration, "switch_on", world.cast.alertmanager)
    assert LedgerEntry.objects.filter(action="integration.change").count() == 2


def test_when_a_service_is_changed_then_its_service_function_enters_it(hugo: Client, world: World) -> None:
    gateway = world.cast.gateway
    given = {
        "name": gateway.name, "slug": gateway.slug, "team": gateway.team_id, "policy": gateway.policy_id, "tier": 2,
        "region": gateway.region, "environment": "production", "default_severity": 3, "runbook_url": "runbooks.example",
    }  # fmt: skip
    assert hugo.post(page(Service, "change", gateway.pk), given).status_code == 302
    gateway.refresh_from_db()
    assert gateway.runbook_url == "https://runbooks.example"
    entry = LedgerEntry.objects.get(action="service.change")
    assert entry.before == {"tier": 1, "runbook_url": ""}
    assert entry.source == "admin"


# --- incidents, and what was set aside


def test_when_incidents_are_acknowledged_and_resolved_here_then_the_services_do_it(paged: World, hugo: Client) -> None:
    act(hugo, Incident, "acknowledge", paged.incident)
    assert paged.incident.owner == paged.cast.hugo
    assert paged.run.next_due_at is None or paged.run.phase != "waiting"
    act(hugo, Incident, "resolve", paged.incident)
    assert paged.incident.state == "resolved"
    assert told(act(hugo, Incident, "acknowledge", paged.incident)) == [f"{paged.incident}: It is resolved already."]
    assert LedgerEntry.objects.get(action="incident.resolve").source == "admin"


def test_when_an_incident_is_described_anew_then_nothing_else_moves(paged: World, hugo: Client) -> None:
    incident = paged.incident
    given = {"title": "Cards fail in Italy", "summary": "", "customer_impact": "", "environment": "production"}
    given |= {"resolution": "", "severity": "5", "state": "resolved"}
    assert hugo.post(page(Incident, "change", incident.pk), given).status_code == 302
    after = paged.incident
    assert (after.title, after.severity, after.state) == ("Cards fail in Italy", incident.severity, incident.state)
    entry = LedgerEntry.objects.get(action="incident.describe")
    assert entry.after == {"title": "Cards fail in Italy"}
    assert hugo.get(page(Incident, "add")).status_code == 403


def test_when_a_signal_was_set_aside_then_it_can_be_read_again(world: World, hugo: Client) -> None:
    aside = InboxSignal.objects.create(
        integration=world.cast.alertmanager, received_at=world.now, body=b"{}", set_aside_at=world.now, error="broken"
    )
    read = InboxSignal.objects.create(
        integration=world.cast.alertmanager, received_at=world.now, body=b"{}", processed_at=world.now
    )
    assert told(act(hugo, InboxSignal, "retry", aside, read)) == ["1 signal will be read again."]
    aside.refresh_from_db()
    assert (aside.set_aside_at, aside.error) == (None, "")
    assert LedgerEntry.objects.get(action="signal.retry").before == {"error": "broken"}


def test_when_a_run_was_set_aside_then_it_goes_on_where_it_stood(paged: World, hugo: Client) -> None:
    EscalationRun.objects.update(set_aside_at=paged.now, error="broken")
    paged.jump(minutes=6)
    paged.settle()
    assert told(act(hugo, EscalationRun, "retry", paged.run)) == ["1 run goes on."]
    paged.settle()
    paged.expect_page("jonas", level=2)
    assert told(act(hugo, EscalationRun, "retry", paged.run))[0].endswith("It is not set aside.")
    assert LedgerEntry.objects.get(action="escalation.retry").source == "admin"
