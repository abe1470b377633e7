"""Restricted incidents: hidden everywhere from whoever has nothing to do with them, and shown to somebody only where that is meant."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.live.consumer import allowed_topics
from incidents.models import Incident, ResponseRole
from incidents.selectors.insiders import insiders
from incidents.selectors.navigation import navigation_counts
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import incident_comment, incident_open
from incidents.services.roles import role_give, role_leave
from incidents.services.tasks import task_create, task_state
from incidents.urls import incident_pages
from oncall.models import User
from tests.incidents.views.conftest import browser_of, file_incident, night
from tests.world.harness import World

__all__ = ["browser_of", "file_incident", "night"]
Browser = Callable[[str], Client]
WORD = "Quillon"
PLACES = (
    "/",
    "/incidents/?view=all",
    "/incidents/?tab=triggered",
    f"/incidents/?q={WORD}&tab=open",
    "/incidents/?whose=filed",
    "/incidents/board/?by=stage",
    "/incidents/board/?by=team",
    "/incidents/board/?by=person",
    "/incidents/plan/",
    "/incidents/workload/",
    "/incidents/wall/",
    "/incidents/requests/",
    "/incidents/complaints/",
    "/incidents/services/payments-gateway/",
    f"/incidents/new/similar/?title={WORD}+breach&service=payments-gateway",
    "/reports/",
    "/api/v1/incidents/",
    f"/api/v1/incidents/?q={WORD}",
)
"""Whatever lists, counts or looks for incidents. (The page that searches says again what was looked for.)"""


@pytest.fixture
def secret(night: World, file_incident: Any) -> Incident:
    """Payments' own; Marta was paged for it."""
    incident: Incident = file_incident(f"{WORD} breach", summary=f"{WORD} everywhere", restricted=True)
    night.expect_page("marta")
    return incident


def seers(night: World, incident: Incident) -> set[str]:
    """By the rule every list begins with."""
    return {
        name
        for name, user in night.cast.people.items()
        if Incident.objects.visible_to(user).filter(pk=incident.pk).exists()
    }


def direct(incident: Incident) -> list[str]:
    """Every address that is about one incident and asks for nothing more."""
    routes = [str(one.pattern) for one in incident_pages]
    own = [route for route in routes if route.startswith("<int:pk>/") and "<" not in route[9:]]
    assert len(own) > 20
    return [f"/incidents/{incident.pk}/{route[9:]}" for route in own]


def shown(answer: Any) -> bool:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    # What was typed into a search field is no find.
    return f"{WORD} breach".encode() in content


@pytest.mark.requirement("R192")
@pytest.mark.parametrize("role", ["responder", "manager", "reporter"])
def test_when_a_stranger_looks_anywhere_then_a_restricted_incident_is_nowhere(
    night: World, browser_of: Browser, secret: Incident, role: str
) -> None:
    User.objects.filter(pk=night.cast.nils.pk).update(role=role)
    nils = User.objects.get(pk=night.cast.nils.pk)
    stranger, member = browser_of("nils"), browser_of("marta")
    member_sees = set()
    for place in PLACES:
        assert not shown(stranger.get(place)), place
        if shown(member.get(place)):
            member_sees.add(place)
    # Where the walk would find it, were it not hidden.
    assert len(member_sees) >= 8
    for kind in ("csv", "json"):
        assert not shown(stranger.post(f"/incidents/export/{kind}/?tab=open"))
        assert shown(member.post(f"/incidents/export/{kind}/?tab=open"))
    for address in [*direct(secret), f"/api/v1/incidents/{secret.pk}/", f"/api/v1/incidents/{secret.pk}/tasks/"]:
        assert stranger.get(address).status_code in (404, 405), address
        assert stranger.post(address).status_code in (404, 405, 403 if "/api/" in address else 404), address
    assert navigation_counts(nils).triggered == 0
    assert navigation_counts(night.cast.marta).triggered == 1
    assert allowed_topics(nils, [secret.subject]) == set()


def test_when_a_stranger_is_mentioned_then_they_are_told_nothing_and_the_line_says_so(
    night: World, secret: Incident
) -> None:
    incident_comment(incident_id=secret.pk, text="@nils have you seen this?", actor=night.cast.marta, at=night.now)
    night.settle()
    night.expect_silence()
    assert secret.timeline.get(kind="incident.comment").data["barred"] == ["Nils Aaker"]


def test_whoever_files_a_restricted_incident_for_another_team_keeps_sight_of_their_request(
    night: World, browser_of: Browser
) -> None:
    vault = type(night.cast.gateway).objects.create(name="Vault", slug="vault", team=night.cast.platform)
    filed = incident_open(
        title=f"{WORD} breach", summary="", severity=3, service=vault, reporter=night.cast.sofie, at=night.now, restricted=True,
    )  # fmt: skip
    night.settle()

    assert browser_of("sofie").get(f"/incidents/{filed.pk}/request/").status_code == 200
    assert browser_of("marta").get(f"/incidents/{filed.pk}/").status_code == 404


def test_when_a_restricted_incident_goes_to_an_outsider_then_it_says_so_first_and_shows_it_to_them(
    night: World, browser_of: Browser, secret: Incident
) -> None:
    marta, nils = browser_of("marta"), night.cast.nils
    address = f"/incidents/{secret.pk}/reassign/"
    assert "Nils Aaker · 0 open · does not see it yet" in marta.get(address).content.decode()

    refused = marta.post(address, {"owner": nils.pk})
    assert (refused.status_code, "Tick this to show it to them" in refused.content.decode()) == (422, True)
    assert "nils" not in seers(night, secret)
    assert marta.post(address, {"owner": nils.pk, "admit": "on"}).status_code == 303

    assert browser_of("nils").get(f"/incidents/{secret.pk}/").status_code == 200
    night.settle()
    night.expect_notice("nils")
    assert secret.timeline.get(kind="incident.admit").data["name"] == "Nils Aaker"
    assert (LedgerEntry.objects.get(action="incident.admit").data or {})["person"] == "Nils Aaker"
    # For as long as it is theirs.
    incident_reassign(incident_id=secret.pk, owner=night.cast.jonas, actor=night.cast.marta, at=night.now)
    assert "nils" not in seers(night, secret)


def test_a_role_or_a_task_shows_it_for_as_long_as_somebody_has_it_and_only_where_that_is_meant(
    night: World, browser_of: Browser, secret: Incident
) -> None:
    cast, role = night.cast, ResponseRole.objects.get(key="scribe")
    by: dict[str, Any] = {"actor": cast.marta, "at": night.now}
    for refused in (
        lambda: role_give(incident_id=secret.pk, role=role, user=cast.nils, **by),
        lambda: task_create(incident_id=secret.pk, title="Look", assignee=cast.tomas, **by),
    ):
        with pytest.raises(DomainError) as error:
            refused()
        assert (error.value.code, error.value.field) == ("outsider", "admit")
    page = browser_of("marta").get(f"/incidents/{secret.pk}/roles/scribe/").content.decode()
    assert "Nils Aaker · does not see it yet" in page
    assert 'name="admit"' in page

    holder = role_give(incident_id=secret.pk, role=role, user=cast.nils, admit=True, **by)
    task = task_create(incident_id=secret.pk, title="Look", assignee=cast.tomas, admit=True, **by)

    own = {"marta", "jonas", "elena", "sofie", "amara", "hugo"}
    assert seers(night, secret) == {*own, "nils", "tomas"}
    assert insiders(secret) == {cast.people[name].pk for name in seers(night, secret)}
    role_leave(incident_id=secret.pk, role=role, seen=holder.pk, **by)
    task_state(task_id=task.pk, state="done", **by)
    assert seers(night, secret) == own
    assert insiders(secret) == {cast.people[name].pk for name in own}
