"""Who looked, who signed in, who was refused, and which program acted: all of it is in the ledger."""

from typing import Any

import pytest
from django.test import Client

from audit.looking import VISIT
from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from oncall.tokens import token_create
from tests.world.cast import PASSWORD
from tests.world.harness import World


@pytest.fixture
def secret(world: World) -> Incident:
    """A restricted incident of Payments."""
    return incident_open(
        title="Keys leaked",
        summary="",
        severity=3,
        service=world.cast.gateway,
        reporter=world.cast.jonas,
        at=world.now,
        restricted=True,
    )


def entries(action: str) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(action=action).order_by("pk"))


@pytest.mark.requirement("R035")
def test_when_a_restricted_incident_is_read_then_it_is_on_record_once_per_person_and_visit(
    world: World, client: Client, secret: Incident
) -> None:
    page = f"/incidents/{secret.pk}/"
    client.force_login(world.cast.amara)
    for path in (page, f"{page}live/", page, f"/api/v1/incidents/{secret.pk}/"):
        assert client.get(path).status_code == 200
    (read,) = entries("incident.read")
    assert (read.actor_label, read.subject, read.source, read.address) == (
        "Amara Okafor",
        secret.subject,
        "web",
        "127.0.0.1",
    )
    client.force_login(world.cast.jonas)
    client.get(page)
    world.jump(seconds=VISIT.total_seconds())
    client.get(page)
    assert [entry.actor_label for entry in entries("incident.read")] == ["Amara Okafor", "Jonas de Wit", "Jonas de Wit"]
    client.force_login(world.cast.nils)
    assert client.get(page).status_code == 404
    assert len(entries("incident.read")) == 3, "who was not let in has not read it"


def test_when_an_open_incident_is_read_then_nothing_is_written(world: World, client: Client) -> None:
    incident = incident_open(
        title="Refunds wait",
        summary="",
        severity=3,
        service=world.cast.gateway,
        reporter=world.cast.jonas,
        at=world.now,
    )
    client.force_login(world.cast.marta)
    before = LedgerEntry.objects.count()
    assert client.get(f"/incidents/{incident.pk}/").status_code == 200
    assert LedgerEntry.objects.count() == before


def test_when_an_auditor_searches_the_ledger_then_what_they_looked_for_is_on_record(
    world: World, client: Client
) -> None:
    client.force_login(world.cast.amara)
    for path in ("?who=marta", "?who=marta&entry=7", "?who=marta&before=9", "?action=incident.open"):
        client.get(f"/audit/{path}")
    assert [(entry.actor_label, entry.object_label) for entry in entries("ledger.read")] == [
        ("Amara Okafor", "who=marta"),
        ("Amara Okafor", "action=incident.open"),
    ]


@pytest.mark.requirement("R035")
def test_when_people_sign_in_are_refused_and_leave_then_each_is_on_record_without_what_was_typed(
    world: World, client: Client
) -> None:
    marta = world.cast.marta
    client.post("/accounts/login/", {"login": "marta", "password": "guess-one"})
    client.post("/accounts/login/", {"login": "hunter2-typed-here", "password": "guess-two"})
    client.post("/accounts/login/", {"login": "marta", "password": PASSWORD})
    client.post("/accounts/logout/")
    found = LedgerEntry.objects.filter(action__startswith="sign_in.").order_by("pk")
    assert [(entry.action, entry.actor_label, entry.object_label, entry.subject) for entry in found] == [
        ("sign_in.fail", "sign-in", "Marta Ferri", f"user:{marta.pk}"),
        ("sign_in.fail", "sign-in", "", ""),
        ("sign_in.succeed", "Marta Ferri", "Marta Ferri", f"user:{marta.pk}"),
        ("sign_in.end", "Marta Ferri", "Marta Ferri", f"user:{marta.pk}"),
    ]
    assert found[2].data == {"by": ["password"]}
    whole = str(list(found.values()))
    assert "guess" not in whole
    assert "hunter2" not in whole


@pytest.mark.requirement("R161")
def test_when_a_program_acts_with_a_token_then_the_entry_names_person_and_token(
    world: World, client: Client, secret: Incident
) -> None:
    _token, plain = token_create(owner=world.cast.jonas, name="deploy script", actor=world.cast.jonas, at=world.now)
    sent: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {plain}"}
    answer = client.post(f"/api/v1/incidents/{secret.pk}/acknowledge/", {}, content_type="application/json", **sent)
    assert answer.status_code == 200, answer.content
    (taken,) = entries("incident.acknowledge")
    assert (taken.actor_id, taken.actor_label, taken.source) == (
        str(world.cast.jonas.pk),
        "Jonas de Wit (deploy script)",
        "api",
    )
    client.get(f"/api/v1/incidents/{secret.pk}/", **sent)
    assert [entry.actor_label for entry in entries("incident.read")] == ["Jonas de Wit (deploy script)"]
