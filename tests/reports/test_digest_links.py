"""Every line of a digest leads to its record, and every figure to what it counts: for the person who reads it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.teams import incident_team
from oncall.models import Team, User
from reports.digests.making import content_for, mail_for, post_for
from reports.digests.rights import teams_below
from reports.digests.services import digest_set
from reports.digests.value import Content
from reports.models import Digest
from tests.world.harness import World

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def made(world: World, kind: str, *, team: Team | None = None) -> Digest:
    return digest_set(kind=kind, team=team, send_at=time(8), actor=world.cast.hugo, at=world.now)


def told(world: World, digest: Digest, reader: User) -> Content:
    with translation.override("en"), timezone.override("Europe/Rome"):
        return content_for(digest, reader, teams_below(digest), at=world.now)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def busy(world: World) -> World:
    """A week with something to say in every section."""
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    severe = opened(world, "Nobody reviewed it", severity=1)
    incident_acknowledge(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    incident_resolve(incident_id=severe.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=9))
    for name in "AB":
        away = opened(world, f"Wrong way {name}")
        incident_team(
            incident_id=away.pk, team=world.cast.platform, actor=world.cast.elena, reason="Theirs.", at=world.now
        )
    return world


@pytest.mark.requirement("R162")
@pytest.mark.requirement("R324")
@pytest.mark.parametrize(
    ("kind", "reader", "at"),
    [("standup", "marta", None), ("week", "elena", MONDAY), ("month", "amara", datetime(2026, 12, 1, 8, tzinfo=UTC))],
)
def test_when_a_digest_is_read_then_every_line_and_figure_opens(
    busy: World, kind: str, reader: str, at: datetime | None
) -> None:
    if at is not None:
        busy.jump_to(at)
    user = busy.cast.people[reader]
    content = told(busy, made(busy, kind), user)
    lines = [line.link for section in content.sections for line in section.lines]
    assert len(lines) >= 3
    links = [*(one.link for one in content.figures), *lines]
    assert all(links)
    client = signed_in(user)
    for link in {*links, *(one.link for one in content.sections if one.link)}:
        assert client.get(link).status_code == 200, link


def test_when_it_is_posted_or_mailed_then_every_line_has_its_address_in_full(busy: World, settings: Any) -> None:
    digest = made(busy, "standup")
    content = told(busy, digest, busy.cast.hugo)
    base = settings.PUBLIC_URL.rstrip("/")
    _title, posted = post_for(digest, None, at=busy.now)
    _title, mailed, html = mail_for(digest, busy.cast.hugo, None, at=busy.now)
    for line in (line for section in content.sections for line in section.lines):
        assert f"{base}{line.link}" in posted
        assert f"{base}{line.link}" in mailed
        assert f'href="{base}{line.link}"' in html


@pytest.mark.requirement("R163")
def test_when_a_team_has_teams_below_it_then_its_figures_lead_to_the_incidents_of_all_of_them(world: World) -> None:
    Team.objects.filter(pk=world.cast.platform.pk).update(parent=world.cast.payments)
    opened(world, "Ours")
    theirs = opened(world, "Theirs")
    Incident.objects.filter(pk=theirs.pk).update(team=world.cast.platform)
    client = signed_in(world.cast.elena)
    standup = told(world, made(world, "standup", team=world.cast.payments), world.cast.elena)
    assert standup.figures[0].value == "2"
    listed: Any = client.get(standup.figures[0].link)
    assert listed.context["page"].paginator.count == 2
    world.jump_to(MONDAY)
    week = told(world, made(world, "week", team=world.cast.payments), world.cast.elena)
    assert (week.figures[0].label, week.figures[0].value) == ("Incidents", "2")
    behind: Any = client.get(week.figures[0].link)
    assert behind.context["page"].paginator.count == 2
    assert behind.context["scope"].period.first == date(2026, 11, 16)
