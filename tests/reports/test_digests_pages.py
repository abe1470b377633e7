"""The pages of digests: what one says now, and switching it on and off."""

from datetime import time
from typing import Any

import pytest
from django.test import Client

from incidents.services.lifecycle import incident_open
from reports.digests.services import digest_set
from reports.models import Digest, DigestReader
from tests.world.harness import World

PAGE = "/reports/digests/"


def at_browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username])
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def standup(world: World) -> Digest:
    return digest_set(kind="standup", team=world.cast.payments, send_at=time(8), actor=world.cast.elena, at=world.now)


def test_when_a_digest_is_opened_then_it_shows_what_its_reader_would_get_now(world: World, standup: Digest) -> None:
    incident = incident_open(
        title="Payroll leak", summary="", severity=2, service=world.cast.gateway, reporter=world.cast.sofie, at=world.now,
        restricted=True,
    )  # fmt: skip
    assert f'href="/incidents/{incident.pk}/"' in shown(at_browser(world, "marta").get(f"{PAGE}{standup.pk}/"))
    assert "Payroll leak" not in shown(at_browser(world, "tomas").get(f"{PAGE}{standup.pk}/"))


def test_when_somebody_does_not_want_it_then_one_button_switches_it_off_and_on(world: World, standup: Digest) -> None:
    client = at_browser(world, "marta")
    assert "Not for me" in shown(client.get(PAGE))
    client.post(f"{PAGE}{standup.pk}/mine/", {"wanted": "no"})
    assert not DigestReader.objects.get(user=world.cast.marta).wanted
    assert "Send it to me" in shown(client.get(PAGE))
    client.post(f"{PAGE}{standup.pk}/mine/", {"wanted": "yes"})
    assert DigestReader.objects.get(user=world.cast.marta).wanted
    assert client.get(f"{PAGE}{standup.pk}/mine/").status_code == 405


def test_when_a_manager_switches_one_on_then_it_is_for_a_team_of_theirs(world: World) -> None:
    client = at_browser(world, "elena")
    given = {"kind": "standup", "team": "payments", "send_at": "08:15", "active": "on"}
    answer = client.post(f"{PAGE}new/", given)
    digest = Digest.objects.get()
    assert answer["Location"] == f"{PAGE}{digest.pk}/"
    assert digest.next_due_at.isoformat() == "2026-11-22T07:15:00+00:00"
    assert client.post(f"{PAGE}new/", {**given, "team": "platform"}).status_code == 422
    assert client.post(f"{PAGE}new/", {**given, "team": ""}).status_code == 422
    assert at_browser(world, "marta").get(f"{PAGE}new/").status_code == 403
    assert at_browser(world, "sofie").get(PAGE).status_code == 403


def test_when_a_month_is_for_auditors_then_responders_do_not_find_it(world: World) -> None:
    month = digest_set(kind="month", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    assert at_browser(world, "marta").get(f"{PAGE}{month.pk}/").status_code == 404
    assert "Month for auditors" not in shown(at_browser(world, "marta").get(PAGE))
    assert "Entries" in shown(at_browser(world, "amara").get(f"{PAGE}{month.pk}/"))
