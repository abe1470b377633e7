"""The page of one's calendars: make and revoke feeds, have calendars read, take over files."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from oncall.calendars.feeds import feed_create
from oncall.calendars.sources import source_add
from oncall.models import Absence, CalendarFeed, CalendarSource, Override
from tests.oncall.test_calendars_reading import document
from tests.oncall.test_calendars_sources import CHRISTMAS, Server, event, server
from tests.world.harness import World

__all__ = ["server"]

PAGE = "/oncall/calendars/"
READ = "/oncall/calendars/read/"
FILE = "/oncall/calendars/read/file/"


@pytest.fixture
def marta(world: World, client: Client) -> Client:
    client.force_login(world.cast.marta)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def said(client: Client) -> str:
    """The page with what the last request left to be told."""
    return shown(client.get(PAGE))


def test_a_feed_is_shown_once_works_and_can_be_revoked(world: World, marta: Client) -> None:
    response = marta.post("/oncall/calendars/feeds/", {"schedule": world.cast.schedule.pk})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    found = re.search(r"http://127\.0\.0\.1:8000(/calendar/[\w-]+\.ics)", shown(response))
    assert found
    assert "webcal://127.0.0.1:8000/calendar/" in shown(response)
    assert Client().get(found[1]).status_code == 200
    page = shown(marta.get(PAGE))
    assert found[1] not in page
    assert "Payments" in page
    assert marta.post(f"/oncall/calendars/feeds/{CalendarFeed.objects.get().pk}/revoke/").status_code == 303
    assert Client().get(found[1]).status_code == 404
    assert "no longer works" in said(marta)


def test_nobody_revokes_the_feed_or_removes_the_calendar_of_another(world: World, marta: Client) -> None:
    cast = world.cast
    feed, _plain = feed_create(owner=cast.jonas, schedule=None, actor=cast.jonas, at=world.now)
    source = source_add(url="https://cal.example.org/x", actor=cast.jonas, at=world.now, user=cast.jonas)
    assert marta.post(f"/oncall/calendars/feeds/{feed.pk}/revoke/").status_code == 404
    assert marta.post(f"/oncall/calendars/read/{source.pk}/remove/").status_code == 404
    assert marta.post(f"/oncall/calendars/read/{source.pk}/now/").status_code == 404
    assert "cal.example.org" not in shown(marta.get(PAGE))


@pytest.mark.parametrize(("username", "page", "feeds", "reads"), [("sofie", 403, 403, 403), ("amara", 200, 422, 403)])
def test_support_staff_have_no_calendars_and_auditors_only_feeds(
    world: World, client: Client, username: str, page: int, feeds: int, reads: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(PAGE).status_code == page
    assert client.post("/oncall/calendars/feeds/", {"schedule": "999999"}).status_code == feeds
    assert client.post(READ, {}).status_code == reads
    assert client.post(FILE, {}).status_code == reads
    assert client.get(READ).status_code == 405


def test_a_calendar_is_read_at_once_and_the_page_says_what_it_found(marta: Client, server: Server) -> None:
    server.events = [CHRISTMAS, event("9", "20261210T080000Z", "20261210T090000Z", "Lunch", "TRANSP:TRANSPARENT")]
    assert marta.post(READ, {"target": "me", "url": server.url}).status_code == 303
    page = said(marta)
    assert "1 entry taken over." in page
    assert "1 event marked as free time was left out." in page
    assert "1 entry to come" in page
    assert "127.0.0.1" in page
    assert "secret/basic.ics" not in page
    assert Absence.objects.count() == 1
    source = CalendarSource.objects.get()
    server.events = []
    CalendarSource.objects.update(etag="")
    marta.post(f"/oncall/calendars/read/{source.pk}/now/")
    assert "1 taken back." in said(marta)
    marta.post(f"/oncall/calendars/read/{source.pk}/remove/")
    assert "The calendar is read no more" in said(marta)


def test_when_a_calendar_cannot_be_read_then_the_page_says_why(marta: Client, server: Server) -> None:
    server.content = b"<html>Please sign in</html>"
    marta.post(READ, {"target": "me", "url": server.url})
    page = said(marta)
    assert "The calendar could not be read." in page
    assert "It is no calendar: it does not begin with BEGIN:VCALENDAR." in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"target": "me", "url": "http://169.254.169.254/latest/"}, "lies in a private network"),
        ({"target": "me", "url": "calendar"}, "Give a whole address"),
        ({"target": "me"}, "This field is required."),
    ],
)
def test_when_the_address_is_not_good_then_the_form_says_so_at_its_field(
    marta: Client, data: dict[str, str], words: str
) -> None:
    response = marta.post(READ, data)
    assert response.status_code == 422
    assert words in shown(response)
    assert not CalendarSource.objects.exists()


def test_a_file_is_taken_over_for_a_schedule_by_whoever_manages(world: World, client: Client) -> None:
    client.force_login(world.cast.elena)
    content = document(event("1", "20261201T080000Z", "20261201T100000Z", "nils"))
    upload = SimpleUploadedFile("on-call.ics", content, content_type="text/calendar")
    target = str(world.cast.schedule.pk)
    assert client.post(FILE, {"target": target, "file": upload}).status_code == 303
    assert Override.objects.get().user == world.cast.nils
    other = client.post(READ, {"target": "999999", "url": "https://cal.example.org/x"})
    assert other.status_code == 422
    assert "Select a valid choice." in shown(other)
    bad = client.post(FILE, {"target": target, "file": SimpleUploadedFile("x.ics", b"nonsense")})
    assert bad.status_code == 422
    assert "does not begin with BEGIN:VCALENDAR" in shown(bad)
    large = client.post(FILE, {"target": target, "file": SimpleUploadedFile("x.ics", b"x" * 1_000_001)})
    assert large.status_code == 422
    assert "It is larger than 1000 kB." in shown(large)


def test_the_page_costs_the_same_queries_however_many_feeds_and_calendars_there_are(
    world: World, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    elena = world.cast.elena
    client.force_login(elena)
    for number in range(4):
        feed_create(owner=elena, schedule=world.cast.schedule, actor=elena, at=world.now)
        source_add(url=f"https://cal.example.org/{number}", actor=elena, at=world.now, user=elena)
        source_add(url=f"https://cal.example.org/{number}", actor=elena, at=world.now, schedule=world.cast.schedule)
    client.get(PAGE)
    with django_assert_max_num_queries(12):
        page = shown(client.get(PAGE))
    assert page.count("cal.example.org") >= 8
