"""Whoever follows a number of a digest finds as many as it said: at the edges of its day, in the night the clock goes back, and of what
they may see themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone, translation

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from oncall.models import Team, User
from reports.digests import standup
from reports.digests.making import content_for, post_for
from reports.digests.rights import teams_below
from reports.digests.services import digest_set
from reports.digests.value import Content, Section
from reports.models import Digest
from tests.world.harness import World

AUTUMN = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
"""The second half past two of that night in Rome; an hour before, the clock said the same."""
DAY, EYEBLINK = timedelta(days=1), timedelta(microseconds=1)


def opened(world: World, title: str, *, at: datetime, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=at, **{**values, **more})


def over(world: World, title: str, *, began: datetime, ended: datetime, **more: Any) -> Incident:
    incident = opened(world, title, at=began, **more)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=began)
    return incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=ended)


def told(digest: Digest, reader: User, *, at: datetime) -> Content:
    with translation.override("en"), timezone.override(reader.time_zone):
        return content_for(digest, reader, teams_below(digest), at=at)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, link: str) -> int:
    """How many the page holds that a link leads to."""
    answer: Any = client.get(link)
    assert answer.status_code == 200, link
    return int(answer.context["page"].paginator.count)


def held(section: Section) -> int:
    return len(section.lines) + section.more


def figure(content: Content, label: str) -> tuple[int, str]:
    (found,) = (one for one in content.figures if one.label == label)
    return int(found.value), found.link


def section(content: Content, title: str) -> Section:
    (found,) = (one for one in content.sections if one.title == title)
    return found


@pytest.fixture
def edges(world: World) -> None:
    """Incidents before, at and after both ends of the day that ends in the hour that Rome has twice."""
    since, until = AUTUMN - DAY, AUTUMN
    for title, at in {
        "An eyeblink too early": since - EYEBLINK,
        "With the day": since,
        "In the first half past two": until - timedelta(hours=1),
        "With the last eyeblink": until - EYEBLINK,
        "With the next day": until,
    }.items():
        opened(world, title, at=at)
        over(world, f"{title}, over", began=at, ended=at)
        over(world, f"{title}, ended", began=since - 3 * DAY, ended=at)
        opened(world, f"{title}, payroll", at=at, restricted=True)
        opened(world, f"{title}, a drill", at=at, is_test=True)
    old = over(world, "Long over", began=since - 9 * DAY, ended=since - 8 * DAY)
    merged = opened(world, "The same again", at=until - timedelta(hours=2))
    Incident.objects.filter(pk=merged.pk).update(merged_into=old.pk)


# --- the stand-up


@pytest.mark.requirement("R163")
@pytest.mark.requirement("R165")
@pytest.mark.parametrize("team", [True, False])
@pytest.mark.parametrize("reader", ["marta", "tomas", "amara"])
def test_when_a_number_of_the_standup_is_followed_then_the_list_holds_as_many(
    world: World, edges: None, reader: str, team: bool
) -> None:
    user = world.cast.people[reader]
    digest = digest_set(
        kind="standup",
        team=world.cast.payments if team else None,
        send_at=time(8),
        actor=world.cast.hugo,
        at=world.now,
    )
    content, client = told(digest, user, at=AUTUMN), signed_in(user)
    for one in content.figures:
        assert listed(client, one.link) == int(one.value), one.label
    for title in ("Still unresolved", "What changed in the last 24 hours"):
        found = section(content, title)
        assert listed(client, found.link) == held(found), title
    restricted = 0 if reader == "tomas" else 3
    assert figure(content, "Opened in 24 hours")[0] == 6 + restricted
    assert figure(content, "Resolved in 24 hours")[0] == 6
    assert held(section(content, "What changed in the last 24 hours")) == 9 + restricted


def test_when_a_day_ends_in_an_hour_that_comes_twice_then_the_list_says_which_of_the_two(
    world: World, edges: None
) -> None:
    digest = digest_set(kind="standup", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    _number, link = figure(told(digest, world.cast.marta, at=AUTUMN), "Resolved in 24 hours")
    page: Any = signed_in(world.cast.marta).get(link)
    assert {chip["name"]: chip["value"] for chip in page.context["chips"]} == {
        "Test": "No",
        "Resolved": "from 24 Oct 2026 03:30 to 25 Oct 2026 02:30 CET (Europe/Rome)",
    }


def test_when_more_changed_than_is_told_in_words_then_all_that_changed_is_still_counted(
    world: World, edges: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standup, "MOST_LINES", 4)
    digest = digest_set(kind="standup", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    found = section(told(digest, world.cast.marta, at=AUTUMN), "What changed in the last 24 hours")
    assert len(found.lines) <= 4
    assert held(found) == listed(signed_in(world.cast.marta), found.link) == 12


def test_when_a_channel_is_told_then_its_links_leave_out_what_it_left_out(world: World, edges: None) -> None:
    digest = digest_set(kind="standup", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    _subject, text = post_for(digest, None, at=AUTUMN)
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Opened in 24 hours: 6"))
    link = lines[place + 1].strip()
    query = urlsplit(link)
    assert parse_qs(query.query)["restricted"] == ["no"]
    assert listed(signed_in(world.cast.amara), f"{query.path}?{query.query}") == 6


# --- the week and the month


@pytest.fixture
def week(world: World) -> Digest:
    """A week of the house that Hugo, in Lisbon, reads on the days of Rome: what began between the two midnights tells them apart."""
    rome = datetime(2026, 10, 25, 23, tzinfo=UTC)  # Monday has begun in Rome, and in Lisbon it is Sunday
    for number, at in enumerate((rome - EYEBLINK, rome, rome + timedelta(minutes=30), rome + timedelta(hours=30))):
        over(world, f"Trouble {number}", began=at, ended=at + timedelta(minutes=9))
    opened(world, "Payroll leak", at=rome + timedelta(hours=2), restricted=True)
    opened(world, "A drill", at=rome + timedelta(hours=2), is_test=True)
    late = rome + 7 * DAY
    opened(world, "With the last eyeblink", at=late - EYEBLINK, severity=1)
    opened(world, "The week after", at=late)
    return digest_set(
        kind="week", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now, time_zone="Europe/Rome"
    )


@pytest.mark.requirement("R162")
@pytest.mark.parametrize(("reader", "number"), [("hugo", 5), ("amara", 5), ("nadia", 4)])
def test_when_a_number_of_the_week_is_followed_then_the_list_holds_as_many(
    world: World, week: Digest, reader: str, number: int
) -> None:
    # Nadia manages in Lisbon, and has nothing to do with what is restricted.
    nadia = User.objects.create_user("nadia", role="manager", time_zone="Europe/Lisbon")
    user = nadia if reader == "nadia" else world.cast.people[reader]
    content = told(week, user, at=datetime(2026, 11, 2, 7, tzinfo=UTC))
    client = signed_in(user)
    incidents, acknowledged, resolved, past = content.figures
    assert int(incidents.value) == listed(client, incidents.link) == number
    assert listed(client, acknowledged.link) == listed(client, resolved.link) == 3
    assert listed(client, past.link) == 0
    (service,) = section(content, "Services with most incidents").lines
    assert service.text == f"{number} incidents"
    assert listed(client, service.link) == number


def test_when_somebody_was_paged_in_the_week_then_their_line_leads_to_these_pages(world: World) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    world.jump_to(datetime(2026, 11, 23, 7, tzinfo=UTC))
    digest = digest_set(kind="week", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    content = told(digest, world.cast.hugo, at=world.now)
    lines = {line.head: line for line in section(content, "People paged most").lines}
    assert set(lines) == {"Marta Ferri", "Jonas de Wit"}
    client = signed_in(world.cast.hugo)
    for line in lines.values():
        assert line.text.startswith("1 page ·")
        assert listed(client, line.link) == 1


def ledger_counted(client: Client, link: str) -> int:
    answer: Any = client.get(link)
    assert answer.status_code == 200, link
    wanted = answer.context["wanted"]
    found = LedgerEntry.objects.filter(at__gte=wanted.since, at__lt=wanted.until)
    return found.filter(action=wanted.action).count() if wanted.action else found.count()


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/New_York", "Asia/Kolkata"])
def test_when_a_number_of_the_month_is_followed_then_there_are_as_many(world: World, zone: str) -> None:
    """Midnight in Denver of the first of November is in New York's second hour after one: the clock shows it twice there."""
    User.objects.filter(pk=world.cast.amara.pk).update(time_zone=zone)
    world.cast.amara.refresh_from_db()
    first, last = datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 12, 1, 7, tzinfo=UTC)
    for at in (first - timedelta(minutes=30), first - EYEBLINK, first, first + DAY, last - EYEBLINK, last):
        opened(world, f"Trouble of {at}", at=at)
    severe = over(world, "Nobody looked back", began=first + DAY, ended=first + 2 * DAY, severity=1)
    digest = digest_set(
        kind="month", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now, time_zone="America/Denver"
    )
    # Reading the ledger is on record too: in the month after.
    world.jump_to(last + DAY)
    content, client = told(digest, world.cast.amara, at=world.now), signed_in(world.cast.amara)
    number, link = figure(content, "Incidents")
    assert number == listed(client, link) == 4
    number, link = figure(content, "Entries")
    assert number == ledger_counted(client, link)
    assert [line.head for line in section(content, "Severe incidents without a review").lines] == [
        f"{severe.reference} Nobody looked back"
    ]
    rules = section(content, "Rules, policies and schedules")
    assert rules.lines
    for line in rules.lines:
        assert int(line.head.rpartition(": ")[2]) == ledger_counted(client, line.link), line.head


def test_when_a_report_is_asked_for_on_the_clock_of_another_zone_then_the_page_says_so_and_leads_back(
    world: World,
) -> None:
    client = signed_in(world.cast.hugo)
    page = client.get("/reports/incidents/?period=28d&zone=Asia/Tokyo").content.decode()
    assert "Days on the clock of Asia/Tokyo." in page
    assert 'name="zone" value="Asia/Tokyo"' in page
    odd = client.get("/reports/incidents/?period=28d&zone=Mars/Olympus").content.decode()
    assert "Mars/Olympus." not in odd
    assert 'name="zone"' not in odd


# --- the teams below


def test_when_teams_below_are_counted_then_the_lists_hold_theirs_too(world: World, edges: None) -> None:
    below = Team.objects.create(name="Cards", slug="cards", parent=world.cast.payments)
    some = Incident.objects.filter(title__startswith="With the day").values_list("pk", flat=True)
    Incident.objects.filter(pk__in=list(some)).update(team=below)
    digest = digest_set(kind="standup", team=world.cast.payments, send_at=time(8), actor=world.cast.hugo, at=world.now)
    content, client = told(digest, world.cast.amara, at=AUTUMN), signed_in(world.cast.amara)
    follow: Callable[[str], int] = lambda label: listed(client, figure(content, label)[1])  # noqa: E731  A name for what is said twice.
    assert (figure(content, "Opened in 24 hours")[0], follow("Opened in 24 hours")) == (9, 9)
