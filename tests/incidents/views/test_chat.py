"""Acting from inside a chat message (R260): the three ways, who may, and what is on record."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident, TimelineEvent
from notifications.channels import channel_register
from notifications.channels.chat.tokens import LIFETIME
from notifications.channels.chat.transport import ChatChannel
from notifications.models import ChatAccount, Destination, Message
from notifications.services.destinations import destination_set
from policies.services import policy_publish
from tests.incidents.mattermost import HOOK, HOST, Mattermost
from tests.incidents.mattermost import mattermost as mattermost
from tests.world.harness import World

Browser = Callable[[str], Client]
OPS: dict[str, Any] = {"kind": "chat_channel", "ref": "ops"}
MARTA: dict[str, Any] = {"kind": "user", "ref": "marta"}


@pytest.fixture
def ringing(night: World, mattermost: Mattermost) -> Incident:
    """An incident that pages Marta and is posted in #ops, whose messages have buttons."""
    channel_register("chat", ChatChannel())
    channel_open(night)
    levels = [{"name": "First", "targets": [MARTA, OPS], "ack_timeout": "5m"}]
    policy_publish(policy=night.cast.policy, definition={"levels": levels}, author=night.cast.elena, at=night.now)
    night.alert()
    night.settle()
    return night.incident


def channel_open(night: World, **values: Any) -> Destination:
    return destination_set(
        destination=Destination(),
        values={"name": "#ops", "slug": "ops", "kind": "chat", "buttons": True, **values},
        address=HOOK,
        at=night.now,
        actor=None,
    )


def known(night: World, *usernames: str) -> None:
    """These people have said who they are in chat."""
    for username in usernames:
        user = night.cast.people[username]
        ChatAccount.objects.create(
            user=user, host=HOST, account=f"id-of-{username}", handle=username, linked_at=night.now
        )


def sources(incident: Incident, action: str) -> list[tuple[str, str]]:
    """Who did it and by which way, on ledger and timeline alike."""
    entries = LedgerEntry.objects.filter(subject=incident.subject, action=action, object_type="incident")
    lines = TimelineEvent.objects.filter(incident=incident, kind=action)
    in_ledger = [(entry.actor_label, entry.source) for entry in entries]
    assert in_ledger == [(line.actor.name if line.actor else "", line.data["source"]) for line in lines]
    return in_ledger


@pytest.mark.requirement("R260")
def test_when_the_three_are_done_from_a_chat_message_then_each_works_and_is_logged_with_its_source(
    night: World, ringing: Incident, mattermost: Mattermost
) -> None:
    known(night, "marta", "jonas")
    assert mattermost.buttons() == ["Acknowledge", "Hand it over to …", "Resolve"]

    assert mattermost.press("Acknowledge", by="marta").status_code == 200
    ringing.refresh_from_db()
    assert (ringing.state, ringing.owner) == ("acknowledged", night.cast.marta)
    assert sources(ringing, "incident.acknowledge") == [("Marta Ferri", "chat")]
    assert "Marta Ferri has it." in mattermost.posts[0]["message"]
    assert mattermost.buttons() == ["Hand it over to …", "Resolve"]

    assert night.cast.payments.name not in mattermost.choices("Hand it over to …"), "the team that has it"
    mattermost.press("Hand it over to …", by="jonas", choose=night.cast.platform.name)
    ringing.refresh_from_db()
    assert ringing.team == night.cast.platform
    assert sources(ringing, "incident.team") == [("Jonas de Wit", "chat")]
    assert f"Team: {night.cast.platform.name}" in mattermost.posts[0]["message"]

    mattermost.press("Resolve", by="marta")
    ringing.refresh_from_db()
    assert (ringing.state, ringing.resolved_by) == ("resolved", night.cast.marta)
    assert "#ops" in ringing.resolution
    assert sources(ringing, "incident.resolve") == [("Marta Ferri", "chat")]
    assert "Marta Ferri resolved it." in mattermost.posts[0]["message"]
    assert (mattermost.buttons(), mattermost.whispers) == ([], [])


@pytest.mark.requirement("R260")
def test_when_somebody_unknown_presses_then_nothing_happens_until_they_signed_in_and_said_who_they_are(
    night: World, ringing: Incident, mattermost: Mattermost, browser_of: Browser
) -> None:
    mattermost.press("Acknowledge", by="jonas")
    ringing.refresh_from_db()
    assert ringing.state == "triggered"
    [(whom, text)] = mattermost.whispers
    place = re.sub(r"^https?://[^/]+", "", text.split()[-1])
    assert whom == "jonas"
    assert Client().get(place).headers["Location"].startswith("/accounts/login/")

    jonas = browser_of("jonas")
    assert f"@jonas on {HOST}" in jonas.get(place).content.decode()
    assert not ChatAccount.objects.exists(), "looking says nothing"
    assert jonas.post(place).status_code == 303
    mattermost.press("Acknowledge", by="jonas")

    ringing.refresh_from_db()
    assert ringing.owner == night.cast.jonas
    assert LedgerEntry.objects.get(action="chat_account.link").actor_label == "Jonas de Wit"
    marta = browser_of("marta").post(place)
    assert marta.status_code == 409, "an account is one person's"
    row = ChatAccount.objects.get()
    assert browser_of("marta").post(f"/accounts/chat/{row.pk}/end/").status_code == 404
    assert jonas.post(f"/accounts/chat/{row.pk}/end/").status_code == 303
    mattermost.press("Resolve", by="jonas")
    ringing.refresh_from_db()
    assert ringing.state == "acknowledged"


@pytest.mark.requirement("R260")
def test_when_a_press_may_not_act_then_only_whoever_pressed_is_told_why(
    night: World, ringing: Incident, mattermost: Mattermost
) -> None:
    known(night, "marta", "jonas", "sofie", "nils")
    mattermost.press("Acknowledge", by="sofie")
    assert mattermost.whispers[-1][1].startswith("Only responders of this incident may do that.")
    Incident.objects.update(restricted=True)
    mattermost.press("Acknowledge", by="nils")
    assert mattermost.whispers[-1] == ("nils", "You may not see this incident.")
    Incident.objects.update(restricted=False)
    before = dict(mattermost.posts[0])
    mattermost.press("Acknowledge", by="marta")
    mattermost.posts.append(before)
    mattermost.press("Acknowledge", by="jonas")

    assert mattermost.whispers[-1][1].startswith("Marta Ferri has it already.")
    assert "Marta Ferri has it." in mattermost.posts[-1]["message"], "the message says how it stands"
    ringing.refresh_from_db()
    assert ringing.owner == night.cast.marta


@pytest.mark.requirement("R260")
def test_when_buttons_are_forged_old_or_taken_away_then_they_do_nothing(
    night: World, ringing: Incident, mattermost: Mattermost
) -> None:
    known(night, "marta")
    shown = dict(mattermost.posts[0])

    for context in (
        {"token": "forged", "verb": "resolve"},
        {"token": "", "verb": "resolve"},
        {"verb": "resolve"},
        "resolve",
    ):
        assert mattermost.press("Resolve", by="marta", context=context).status_code in (400, 403)
    assert mattermost.press("Resolve", by="marta", user_id="").status_code == 400
    assert Client().get("/chat/act/").status_code == 405
    night.cast.marta.is_active = False
    night.cast.marta.save()
    mattermost.press("Resolve", by="marta")
    night.cast.marta.is_active = True
    night.cast.marta.save()
    Destination.objects.update(buttons=False)
    mattermost.press("Resolve", by="marta")
    Destination.objects.update(buttons=True)
    night.jump_to(night.now + LIFETIME + timedelta(seconds=1))
    mattermost.press("Resolve", by="marta")

    ringing.refresh_from_db()
    assert ringing.state == "triggered"
    assert [text.split(" http")[0] for _whom, text in mattermost.whispers[1:]] == [
        "This channel shows no buttons any more.",
        "These buttons are too old.",
    ]
    assert shown["attachments"], "there were some"


@pytest.mark.requirement("R260")
def test_when_a_message_has_buttons_then_what_stands_behind_them_is_kept_nowhere_here(
    ringing: Incident, mattermost: Mattermost
) -> None:
    [shown] = mattermost.posts[0]["attachments"]
    token = shown["actions"][0]["integration"]["context"]["token"]
    post = Message.objects.get(kind="post")
    assert token not in str(post.context)
    assert token not in post.body


@pytest.mark.requirement("R260")
def test_when_it_becomes_restricted_then_a_channel_that_may_not_know_is_not_told_how_it_stands(
    night: World, ringing: Incident, mattermost: Mattermost
) -> None:
    known(night, "marta")
    Incident.objects.update(restricted=True)
    answer = mattermost.press("Acknowledge", by="marta")
    ringing.refresh_from_db()
    assert (ringing.state, answer.json()) == ("acknowledged", {})


@pytest.mark.requirement("R260")
def test_when_a_channel_has_no_buttons_then_its_message_is_text_alone(night: World, mattermost: Mattermost) -> None:
    channel_register("chat", ChatChannel())
    channel_open(night, buttons=False)
    levels = [{"name": "First", "targets": [MARTA, OPS], "ack_timeout": "5m"}]
    policy_publish(policy=night.cast.policy, definition={"levels": levels}, author=night.cast.elena, at=night.now)
    night.alert()
    night.settle()
    assert mattermost.posts[0]["attachments"] == []
