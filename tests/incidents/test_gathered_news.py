"""Whoever follows an incident may have its small changes gathered into one notice, in place of one for each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import NotAllowed
from incidents.models import Follower, Incident, TimelineEvent
from incidents.selectors.news import MOST, News, news_of
from incidents.services.following import follower_gather, incident_follow, incident_unfollow
from incidents.services.lifecycle import incident_acknowledge, incident_comment, incident_open, incident_resolve
from incidents.services.merging import incident_merge
from incidents.services.news import SETTLE, news_gather
from incidents.tasks import escalation_check
from notifications.models import Message
from oncall.models import User
from tests.world.harness import World

pytestmark = pytest.mark.django_db
R337 = pytest.mark.requirement("R337")


def opened(world: World, title: str, *, reporter: User | None = None) -> Incident:
    gateway = world.cast.gateway
    return incident_open(title=title, summary="", severity=1, service=gateway, reporter=reporter, at=world.now)


@pytest.fixture
def incident(world: World) -> Incident:
    """Filed by Sofie and in Marta's hands, so that nobody is called any more."""
    filed = opened(world, "Card payments fail", reporter=world.cast.sofie)
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=filed.pk, actor=world.cast.marta, at=world.now)
    world.jump(minutes=1)
    return filed


@pytest.fixture
def gathers(world: World, incident: Incident) -> Callable[..., Follower]:
    def make(user: User, *, gathered: bool = True) -> Follower:
        return follower_gather(incident_id=incident.pk, actor=user, gathered=gathered, at=world.now)

    return make


def says(world: World, incident: Incident, text: str, *, public: bool = True) -> None:
    incident_comment(incident_id=incident.pk, text=text, actor=world.cast.marta, public=public, at=world.now)


def twelve_changes(world: World, incident: Incident) -> None:
    """One every fifty seconds, from 03:10:50 on: within ten minutes."""
    for number in range(12):
        world.jump(seconds=50)
        says(world, incident, f"Step {number} is done.")
    world.jump(minutes=1)


def summary_for(user: User) -> Message:
    return Message.objects.filter(recipient=user, idempotency_key__startswith="news:").latest("pk")


@R337
def test_when_twelve_small_changes_come_in_ten_minutes_then_who_gathers_gets_one_summary_and_others_twelve_notices(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    incident_follow(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    twelve_changes(world, incident)

    escalation_check()

    world.settle()
    heard = [who for who, _subject in world.notices()]
    assert (heard.count("elena"), heard.count("jonas"), heard.count("sofie")) == (1, 12, 12)
    lines = summary_for(world.cast.elena).body.splitlines()
    assert lines[0] == "12 things happened:"
    assert [line.partition(" – ")[2] for line in lines[1:13]] == [f"Step {number} is done." for number in range(12)]
    # 03:10:50 of the world's clock as Rome reads it, and who it was.
    first = TimelineEvent.objects.filter(incident=incident, text="Step 0 is done.").get()
    assert lines[1].startswith(f"{first.at + timedelta(hours=1):%H:%M} Marta Ferri")
    assert lines[13:15] == ["", "Card payments fail"]


@R337
def test_when_it_is_looked_twice_then_there_is_one_summary_and_the_next_only_holds_what_came_since(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    follower = gathers(world.cast.elena)
    before = follower.told_at
    twelve_changes(world, incident)
    assert news_gather(at=world.now) == 1
    assert news_gather(at=world.now) == 0
    # As where another process looked at the same moment.
    Follower.objects.filter(pk=follower.pk).update(told_at=before)
    news_gather(at=world.now)
    assert Message.objects.filter(recipient=world.cast.elena).count() == 1
    assert Follower.objects.filter(pk=follower.pk, told_at__gt=before).exists()
    world.jump(seconds=30)
    says(world, incident, "And one more.")
    world.jump(minutes=9, seconds=59)
    assert news_gather(at=world.now) == 0
    world.jump(seconds=1)
    assert news_gather(at=world.now) == 1
    assert summary_for(world.cast.elena).body.startswith("1 thing happened:")


@R337
def test_when_a_requester_gathers_then_they_read_what_is_for_them_only_in_their_language(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    User.objects.filter(pk=world.cast.sofie.pk).update(language="nl")
    User.objects.filter(pk=world.cast.elena.pk).update(language="it")
    gathers(world.cast.sofie)
    gathers(world.cast.elena)
    world.jump(minutes=1)
    says(world, incident, "The bank blames us.", public=False)
    world.jump(minutes=10)
    # What was old enough is nothing for Sofie.
    says(world, incident, "Next word at four.")
    world.jump(seconds=10)
    assert news_gather(at=world.now) == 1
    assert "Marta Ferri ha scritto – The bank blames us." in summary_for(world.cast.elena).body
    world.jump(minutes=9)
    assert news_gather(at=world.now) == 0
    world.jump(minutes=1)
    assert news_gather(at=world.now) == 1
    body = summary_for(world.cast.sofie).body
    assert "Marta Ferri schreef – Next word at four." in body
    assert "bank" not in body
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    resolved = Message.objects.get(recipient=world.cast.sofie, idempotency_key__startswith="resolved:")
    assert resolved.body.splitlines()[0] == "Het is opgelost."


@R337
def test_when_it_is_restricted_meanwhile_then_who_may_not_see_it_hears_nothing_of_it(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.nils)
    gathers(world.cast.jonas)
    twelve_changes(world, incident)
    Incident.objects.filter(pk=incident.pk).update(restricted=True)

    assert news_gather(at=world.now) == 1

    assert not Message.objects.filter(recipient=world.cast.nils).exists()
    assert summary_for(world.cast.jonas).body.startswith("12 things happened:")
    Incident.objects.filter(pk=incident.pk).update(restricted=False)
    assert news_gather(at=world.now) == 0


@R337
def test_when_it_is_resolved_then_who_gathers_hears_at_once_with_what_was_gathered_and_nothing_of_it_again(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    world.jump(minutes=1)
    says(world, incident, "Changed the certificate.")
    world.jump(minutes=1)

    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, resolution="A new certificate.", at=world.now)

    said = Message.objects.get(recipient=world.cast.elena).body.splitlines()
    assert said[:3] == ["It is resolved.", "A new certificate.", "1 thing happened:"]
    assert said[3].endswith("Changed the certificate.")
    world.jump(minutes=15)
    assert news_gather(at=world.now) == 0


@R337
def test_when_very_much_happened_then_the_summary_is_bounded_and_says_how_much_more_there_is(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    world.jump(minutes=1)
    for number in range(MOST + 4):
        says(world, incident, f"Step {number} is done.")
    # What Elena did herself is no news to her.
    incident_comment(incident_id=incident.pk, text="Good.", actor=world.cast.elena, at=world.now)
    world.jump(minutes=11)
    assert news_gather(at=world.now) == 1
    lines = summary_for(world.cast.elena).body.splitlines()
    assert lines[0] == f"{MOST + 4} things happened:"
    assert lines[MOST + 1 : MOST + 3] == ["and 4 more", ""]


def test_when_nothing_is_due_then_looking_costs_one_query(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    gathers(world.cast.jonas)
    world.jump(minutes=1)
    says(world, incident, "Too young.")
    world.jump(minutes=1)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert news_gather(at=world.now) == 0
    assert len(captured) == 1


@R337
def test_when_people_choose_then_page_and_api_say_so_and_the_ledger_holds_it(world: World, incident: Incident) -> None:
    client = Client()
    client.force_login(world.cast.elena, backend="django.contrib.auth.backends.ModelBackend")
    panel, address = f"/incidents/{incident.pk}/request/panel/", f"/incidents/{incident.pk}/gather/"
    assert address not in client.get(panel).content.decode()
    client.post(f"/incidents/{incident.pk}/follow/")
    assert 'value="at_once" aria-pressed="true"' in client.get(panel).content.decode()
    refused = client.post(address, {"news": "sometimes"})
    assert (refused.status_code, "sometimes is not one" in refused.content.decode()) == (422, True)
    answer: Any = client.post(address, {"news": "gathered"}, headers={"HX-Request": "true"})
    assert 'value="gathered" aria-pressed="true"' in answer.content.decode()
    assert client.post(address, {"news": "at_once"}).status_code == 303
    follower = Follower.objects.get()
    assert (follower.gathered, follower.told_at) == (False, None)
    api = f"/api/v1/incidents/{incident.pk}/gather/"
    assert client.post(api, {}, content_type="application/json").status_code == 400
    answered: Any = client.post(api, {"gathered": True}, content_type="application/json")
    assert answered.json() == {"following": True, "gathered": True}
    entries = LedgerEntry.objects.filter(action="incident.gather").order_by("id")
    assert list(entries.values_list("data__gathered", flat=True)) == [True, False, True]
    # Whoever only reads, or may not see it, chooses nothing.
    with pytest.raises(NotAllowed):
        follower_gather(incident_id=incident.pk, actor=world.cast.amara, gathered=True, at=world.now)
    client.force_login(world.cast.nils, backend="django.contrib.auth.backends.ModelBackend")
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    assert client.post(address, {"news": "gathered"}).status_code == 404
    assert client.post(api, {"gathered": True}, content_type="application/json").status_code == 404


def test_when_somebody_gathers_without_following_then_they_follow_and_it_ends_with_it(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    assert list(
        LedgerEntry.objects.filter(action__in=("incident.follow", "incident.gather"))
        .order_by("id")
        .values_list("action", flat=True)
    ) == ["incident.follow", "incident.gather"]
    world.jump(minutes=1)
    says(world, incident, "Once.")
    incident_unfollow(incident_id=incident.pk, actor=world.cast.elena, at=world.now)
    world.jump(minutes=11)
    assert news_gather(at=world.now) == 0


def test_when_it_is_merged_then_who_gathered_gathers_there_too(
    world: World, incident: Incident, gathers: Callable[..., Follower]
) -> None:
    gathers(world.cast.elena)
    other = opened(world, "The same")
    incident_merge(incident_id=incident.pk, other_id=other.pk, actor=world.cast.marta, at=world.now)
    there = Follower.objects.get(incident=other, user=world.cast.elena)
    assert (there.gathered, there.told_at) == (True, world.now)
    assert not Follower.objects.get(incident=other, user=world.cast.sofie).gathered


@R337
def test_when_the_news_of_one_cannot_be_told_then_the_others_hear_theirs(
    world: World, incident: Incident, gathers: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    jonas, elena = gathers(world.cast.jonas), gathers(world.cast.elena)
    twelve_changes(world, incident)

    def broken_for_jonas(found: Incident, *, reader: User, **when: Any) -> News:
        if reader == world.cast.jonas:
            raise ValueError("no words for this")
        return news_of(found, reader=reader, **when)

    monkeypatch.setattr("incidents.services.news.news_of", broken_for_jonas)
    before = jonas.told_at
    assert news_gather(at=world.now) == 1
    assert "12 things happened" in summary_for(world.cast.elena).body
    jonas.refresh_from_db()
    elena.refresh_from_db()
    assert jonas.told_at == before
    assert elena.told_at == world.now - SETTLE


@R337
@pytest.mark.parametrize("fault", ["words", "database"])
def test_when_what_was_gathered_cannot_be_told_then_the_incident_is_resolved_and_the_next_minute_tells_it(
    world: World,
    incident: Incident,
    gathers: Callable[..., Follower],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    jonas = gathers(world.cast.jonas)
    gathers(world.cast.elena)
    world.jump(minutes=1)
    says(world, incident, "Changed the certificate.")
    world.jump(minutes=1)
    before = jonas.told_at

    def broken_for_jonas(found: Incident, *, reader: User, **when: Any) -> News:
        if reader == world.cast.jonas:
            if fault == "words":
                raise ValueError("no words for this")
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")
        return news_of(found, reader=reader, **when)

    with monkeypatch.context() as patched:
        patched.setattr("incidents.services.telling.news_of", broken_for_jonas)
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, resolution="A new certificate.", at=world.now)

    incident.refresh_from_db()
    assert incident.resolved_at == world.now
    bodies = dict(Message.objects.filter(idempotency_key__startswith="resolved:").values_list("recipient", "body"))
    assert "Changed the certificate." in bodies[world.cast.elena.pk]
    assert bodies[world.cast.jonas.pk].startswith("It is resolved.\nA new certificate.\n\nCard payments fail")
    jonas.refresh_from_db()
    assert jonas.told_at == before
    world.jump(minutes=15)
    assert news_gather(at=world.now) == 1
    assert "Changed the certificate." in summary_for(world.cast.jonas).body
