"""What auditors have beside the browser: an incident followed, the past at an instant, versions, kept views."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.severity import incident_severity
from oncall.services import override_create
from policies.services import policy_publish
from reports.audit.kept_views import ledger_view_save
from reports.audit.past import differences_of, past_of
from reports.audit.trail import ATTEMPTS, DECISIONS, PAGES, PEOPLE, SIGNALS, STEPS, trail_of
from reports.models import LedgerView
from tests.world.cast import levels
from tests.world.harness import World


@pytest.fixture
def night(world: World) -> World:
    """An alert pages Marta, who takes it five minutes later, calls it less severe, and resolves it an hour after."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(minutes=5)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    incident_severity(
        incident_id=world.incident.pk, severity=3, actor=world.cast.marta, at=world.now, reason="Retries work."
    )
    world.jump(hours=1)
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now, resolution="A pool was full.")
    return world


def shown(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.requirement("R010", "R035")
def test_when_an_incident_is_followed_then_its_way_stands_in_order_from_signal_to_resolution(
    night: World, client: Client
) -> None:
    steps = trail_of(night.incident.subject).steps
    numbers = [step.line.entry.pk for step in steps]
    assert numbers == sorted(numbers)
    stages = [step.stage for step in steps]
    for stage in (SIGNALS, STEPS, PAGES, ATTEMPTS, PEOPLE, DECISIONS):
        assert stage in stages, f"no entry of {stage}"
    assert stages.index(SIGNALS) < stages.index(PAGES) < stages.index(ATTEMPTS)
    actions = [step.line.entry.action for step in steps]
    assert actions.index("page.create") < actions.index("incident.acknowledge") < actions.index("incident.resolve")
    client.force_login(night.cast.amara)
    only = client.get(f"/audit/incidents/{night.incident.pk}/?stage=pages")
    assert {step.stage for step in only.context["trail"].steps} == {PAGES}
    assert "Marta Ferri" in shown(client.get(f"/audit/incidents/{night.incident.pk}/"))


@pytest.mark.requirement("R261")
def test_when_an_incident_is_seen_at_an_instant_then_nothing_later_is_in_it(night: World) -> None:
    incident = night.incident
    began = incident.started_at
    early = past_of("incident", incident, at=began + timedelta(minutes=1))
    late = past_of("incident", incident, at=night.now)
    fields = [{field.name: field.value for field in past.fields} for past in (early, late)]
    assert [one["state"] for one in fields] == ["Triggered", "Resolved"]
    assert [one["owner"] for one in fields] == ["", "Marta Ferri"]
    assert fields[0]["severity"] != fields[1]["severity"]
    assert early.unrecorded == ["alerts"], "what the history leaves out is said"
    assert [page.person for page in early.pages] == ["Marta Ferri"]
    assert early.in_force is not None
    assert early.in_force.label == "Critical payments, version 1"
    assert all(said.at <= early.at for said in early.lines)
    assert len(early.lines) < len(late.lines)
    before = past_of("incident", incident, at=began - timedelta(hours=1))
    assert (before.known, before.fields) == (False, ())
    differing = {change.field for change in differences_of(early, late)}
    assert {"state", "owner", "severity"} <= differing
    assert "title" not in differing


def test_when_a_schedule_or_a_policy_is_seen_at_an_instant_then_the_version_and_the_people_of_then_are_shown(
    world: World,
) -> None:
    cast, then = world.cast, world.now
    world.jump(days=1)
    policy_publish(policy=cast.policy, definition=levels(ack=("9m", "9m", "9m")), author=cast.elena, at=world.now)
    override_create(
        schedule=cast.schedule,
        user=cast.jonas,
        start=world.now,
        end=world.now + timedelta(hours=4),
        actor=cast.jonas,
        at=world.now,
    )
    world.jump(hours=1)
    cast.policy.refresh_from_db()
    versions = [past_of("policy", cast.policy, at=at).in_force for at in (then, world.now)]
    assert [one.label if one else "" for one in versions] == [f"Critical payments, version {n}" for n in (1, 2)]
    held = [past_of("schedule", cast.schedule, at=at).on_call for at in (then, world.now)]
    assert [one[0][1][0].user.username for one in held] == ["marta", "jonas"]


def test_when_two_instants_are_compared_then_the_page_reads_them_on_the_readers_clock(
    night: World, client: Client
) -> None:
    """Amara is in London: the night began at 02:09 there."""
    client.force_login(night.cast.amara)
    asked = {"kind": "incident", "ref": night.incident.reference}
    page = client.get("/audit/past/", {**asked, "moment": "2026-11-22T02:10:00", "other": "2026-11-22T03:14:00"})
    assert [page.context[name].at.hour for name in ("first", "second")] == [2, 3]
    text = shown(page)
    assert "<del>Triggered</del>" in text
    assert "<ins>Resolved</ins>" in text
    assert "Not recorded in the history: alerts." in text
    assert client.get("/audit/past/", {"kind": "policy", "ref": "critical-payments"}).status_code == 200
    unknown = client.get("/audit/past/", {"kind": "schedule", "ref": "nonsense"})
    assert unknown.status_code == 422
    assert "There is none of that name." in shown(unknown)


def test_when_two_versions_are_chosen_then_only_what_differs_stands_side_by_side(night: World, client: Client) -> None:
    client.force_login(night.cast.amara)
    page = client.get(f"/audit/versions/incident/{night.incident.pk}/")
    keys = [version.key for version in page.context["versions"]]
    assert len(keys) >= 3
    whole = client.get(f"/audit/versions/incident/{night.incident.pk}/?left={keys[-1]}&right={keys[0]}")
    changes = {change.field: (change.before, change.after) for change in whole.context["changes"]}
    assert changes["state"] == ("Triggered", "Resolved")
    assert "title" not in changes
    assert client.get(f"/audit/versions/incident/{night.incident.pk}/?left=999999").status_code == 404
    assert client.get(f"/audit/versions/nonsense/{night.incident.pk}/").status_code == 404
    person = client.get(f"/audit/versions/user/{night.cast.marta.pk}/")
    assert "password" not in {change.field for change in person.context["changes"]}


def test_when_filters_are_kept_then_they_come_back_by_name_and_others_see_them_once_shared(
    world: World, client: Client
) -> None:
    amara, hugo = world.cast.amara, world.cast.hugo
    client.force_login(amara)
    asked = {"name": "Refused sign-ins", "query": "action=sign_in.fail&before=7&entry=9"}
    answer = client.post("/audit/views/", asked)
    assert (answer.status_code, answer["Location"]) == (303, "/audit/?action=sign_in.fail")
    view = LedgerView.objects.get()
    assert 'aria-current="page">' in shown(client.get("/audit/?action=sign_in.fail"))
    again = client.post("/audit/views/", asked)
    assert again.status_code == 422
    assert "You have a view of that name already." in shown(again)
    client.force_login(hugo)
    assert list(client.get("/audit/").context["kept"]) == []
    assert client.post(f"/audit/views/{view.pk}/delete/").status_code == 404, "it is somebody else's"
    client.force_login(amara)
    client.post(f"/audit/views/{view.pk}/", {"name": "Refused", "shared": "on"})
    client.force_login(hugo)
    assert [kept.name for kept in client.get("/audit/").context["kept"]] == ["Refused"]
    client.force_login(amara)
    client.post(f"/audit/views/{view.pk}/delete/")
    written = LedgerEntry.objects.filter(object_type="ledger_view").order_by("pk").values_list("action", flat=True)
    assert list(written) == [f"ledger_view.{end}" for end in ("create", "change", "delete")]


def test_a_view_says_in_words_what_it_asks_for(world: World, client: Client) -> None:
    client.force_login(world.cast.amara)
    query = "action=sign_in.fail&since=2026-11-21T22:00&object_type=user&before=7&together=&nonsense=x&until=never"
    ledger_view_save(owner=world.cast.amara, name="Refused", query=query, shared=False, at=world.now)
    page = client.get("/audit/views/?who=Marta")
    assert "Who: Marta" in page.context["told"]
    ((_view, told),) = page.context["kept"]
    assert told == ["From: 21 Nov 2026 22:00", "Action: Refused a sign-in", "Object: Person"]
    assert "action=sign_in.fail" not in re.sub(r'(href|value)="[^"]*"', "", shown(page))


@pytest.mark.parametrize("username", ["elena", "marta", "sofie"])
def test_nobody_but_readers_of_the_ledger_gets_there(world: World, client: Client, username: str) -> None:
    incident = opened(world)
    view = ledger_view_save(owner=world.cast.amara, name="Mine", query="", shared=True, at=world.now)
    client.force_login(world.cast.people[username])
    for path in (f"incidents/{incident.pk}/", "past/", f"versions/incident/{incident.pk}/", "packs/", "views/"):
        assert client.get(f"/audit/{path}").status_code == 403
    for path in ("packs/", "views/", f"views/{view.pk}/", f"views/{view.pk}/delete/"):
        assert client.post(f"/audit/{path}").status_code == 403


def opened(world: World) -> Incident:
    return incident_open(
        title="Refunds wait",
        summary="",
        severity=3,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
    )
