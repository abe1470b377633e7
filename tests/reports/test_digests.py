"""Digests: what a stand-up, a week and a month say, who gets them, and that each comes once."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from notifications.models import Destination, Message
from oncall.models import User
from reports.digests.making import content_for, mail_for
from reports.digests.rights import audience, teams_below
from reports.digests.services import digest_reader_set, digest_send, digest_set, digests_check
from reports.digests.value import Content
from reports.models import Digest
from tests.world.harness import World

EIGHT_IN_ROME = datetime(2026, 11, 22, 7, tzinfo=UTC)


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {
        "summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie, "at": world.now,
    }  # fmt: skip
    return incident_open(title=title, **{**values, **more})


def standup(world: World, **more: Any) -> Digest:
    """Payments' stand-up at eight in Rome, switched on by Elena in the night before."""
    values: dict[str, Any] = {
        "kind": "standup", "team": world.cast.payments, "send_at": time(8), "actor": world.cast.elena, "at": world.now,
    }  # fmt: skip
    return digest_set(**{**values, **more})


def told(world: World, digest: Digest, reader: User) -> Content:
    with translation.override("en"), timezone.override("Europe/Rome"):
        return content_for(digest, reader, teams_below(digest), at=world.now)


def section(content: Content, title: str) -> dict[str, str]:
    (found,) = (one for one in content.sections if one.title == title)
    return {line.head: line.text for line in found.lines}


# --- the stand-up


@pytest.mark.requirement("R163")
@pytest.mark.requirement("R164")
def test_when_incidents_are_open_then_the_standup_counts_them_and_lists_each_with_age_and_owner(world: World) -> None:
    for number in range(6):
        opened(world, f"Trouble {number}")
    taken = opened(world, "Card payments failing", severity=1)
    incident_acknowledge(incident_id=taken.pk, actor=world.cast.marta, at=world.now)
    world.jump(hours=2, minutes=5)
    content = told(world, standup(world), world.cast.jonas)
    assert (content.figures[0].label, content.figures[0].value) == ("Open", "7")
    assert content.figures[0].link == "/incidents/?team=payments&is_test=no"
    unresolved = section(content, "Still unresolved")
    assert len(unresolved) == 7
    assert unresolved[f"{taken.reference} Card payments failing"] == "SEV-1 · for 2 h 5 min · Marta Ferri"
    assert list(unresolved.values())[1] == "SEV-2 · for 2 h 5 min · nobody owns it · not acknowledged"


@pytest.mark.requirement("R165")
def test_when_a_day_is_over_then_the_standup_says_what_changed_in_it_and_nothing_older(world: World) -> None:
    opened(world, "An old one")
    world.jump(hours=30)
    fresh = opened(world, "A fresh one")
    incident_acknowledge(incident_id=fresh.pk, actor=world.cast.marta, at=world.now)
    incident_resolve(incident_id=fresh.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=9))
    world.jump(hours=1)
    content = told(world, standup(world), world.cast.jonas)
    changed = section(content, "What changed in the last 24 hours")
    said = "Opened by Sofie van Dijk; Marta Ferri acknowledged; Resolved by Marta Ferri"
    assert changed == {f"{fresh.reference} A fresh one": said}
    recorded = LedgerEntry.objects.filter(at__gt=world.now - timedelta(hours=24), subject=fresh.subject)
    assert {"incident.open", "incident.acknowledge", "incident.resolve"} <= set(
        recorded.values_list("action", flat=True)
    )
    assert (content.figures[1].value, content.figures[2].value) == ("1", "1")
    assert section(content, "On call today") == {"Payments": "primary: Marta Ferri · backup: Jonas de Wit"}


def test_when_an_incident_is_restricted_then_only_those_who_may_see_it_are_told_of_it(world: World) -> None:
    opened(world, "Payroll leak", restricted=True)
    digest = standup(world)
    digest_reader_set(digest=digest, user=world.cast.tomas, wanted=True, at=world.now)
    assert "Payroll leak" in mail_for(digest, world.cast.jonas, teams_below(digest), at=world.now)[1]
    subject, text, html = mail_for(digest, world.cast.tomas, teams_below(digest), at=world.now)
    assert "Payroll leak" not in subject + text + html


def test_when_a_title_holds_markup_then_the_mail_shows_it_and_links_in_full(world: World) -> None:
    incident = opened(world, "<b>Bold</b> & brave")
    digest = standup(world)
    _subject, text, html = mail_for(digest, world.cast.jonas, teams_below(digest), at=world.now)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; brave" in html
    address = f"{settings.PUBLIC_URL.rstrip('/')}/incidents/{incident.pk}/"
    assert address in text
    assert f'href="{address}"' in html


# --- who gets it, and when


@pytest.mark.requirement("R162")
def test_when_it_is_eight_where_the_team_is_then_each_of_them_gets_one_mail(world: World) -> None:
    opened(world)
    standup(world)
    world.jump_to(EIGHT_IN_ROME - timedelta(seconds=1))
    assert digests_check(at=world.now) == 0
    world.jump_to(EIGHT_IN_ROME + timedelta(seconds=40))
    assert digests_check(at=world.now) == 1
    assert digests_check(at=world.now) == 0
    names = set(Message.objects.filter(subject="Stand-up: Payments").values_list("recipient__username", flat=True))
    assert names == {"marta", "jonas", "elena"}
    entry = LedgerEntry.objects.get(action="digest.send")
    assert entry.data is not None
    assert sorted(entry.data["told"]) == sorted(
        one.pk for one in (world.cast.marta, world.cast.jonas, world.cast.elena)
    )
    assert Digest.objects.get().next_due_at == EIGHT_IN_ROME + timedelta(days=1)
    Message.objects.filter(subject="Stand-up: Payments").update(
        state="cancelled", state_reason="seen", settled_at=world.now
    )


def test_when_two_tasks_send_the_same_morning_then_one_of_them_does(world: World) -> None:
    digest = standup(world)
    world.jump_to(EIGHT_IN_ROME)
    same = Digest.objects.get(pk=digest.pk)
    assert digest_send(digest=digest, at=world.now)
    assert not digest_send(digest=same, at=world.now)
    world.settle()
    assert [name for name, _subject in world.notices()] == ["elena", "jonas", "marta"]


@pytest.mark.requirement("R162")
def test_when_a_channel_is_named_then_one_post_is_made_there_without_what_is_restricted(world: World) -> None:
    opened(world, "Card payments failing")
    opened(world, "Payroll leak", restricted=True)
    channel = Destination.objects.create(name="Production", slug="production", kind="chat", host="chat.example")
    standup(world, destination=channel)
    world.jump_to(EIGHT_IN_ROME)
    digests_check(at=world.now)
    digests_check(at=world.now)
    (post,) = Message.objects.filter(destination=channel)
    assert "Card payments failing" in post.body
    assert "Payroll leak" not in post.body
    entry = LedgerEntry.objects.get(action="digest.send")
    assert entry.data is not None
    assert entry.data["posted"] == ["production"]


def test_when_the_house_was_down_all_morning_then_the_standup_is_left_out_and_said_to_be(world: World) -> None:
    standup(world)
    world.jump_to(EIGHT_IN_ROME + timedelta(hours=7))
    assert digests_check(at=world.now) == 0
    assert LedgerEntry.objects.filter(action="digest.skip").count() == 1
    assert not Message.objects.exists()


def test_when_somebody_switches_it_off_or_asks_for_it_then_their_word_counts(world: World) -> None:
    digest = standup(world)
    digest_reader_set(digest=digest, user=world.cast.marta, wanted=False, at=world.now)
    digest_reader_set(digest=digest, user=world.cast.amara, wanted=True, at=world.now)
    assert [one.username for one in audience(digest, teams_below(digest))] == ["amara", "elena", "jonas"]
    with pytest.raises(NotAllowed):
        digest_reader_set(digest=digest, user=world.cast.sofie, wanted=True, at=world.now)


def test_when_somebody_does_not_manage_the_team_then_they_switch_nothing_on(world: World) -> None:
    with pytest.raises(NotAllowed):
        standup(world, actor=world.cast.marta)
    with pytest.raises(NotAllowed):
        standup(world, team=world.cast.platform)
    with pytest.raises(DomainError) as refused:
        standup(world, kind="month", actor=world.cast.hugo)
    assert refused.value.field == "team"


def test_when_it_is_set_again_then_there_is_one_digest_and_what_changed_is_on_record(world: World) -> None:
    standup(world)
    changed = standup(world, send_at=time(9, 30), active=False)
    assert Digest.objects.get() == changed
    assert LedgerEntry.objects.get(action="digest.change").after == {"send_at": "09:30:00", "active": False}


# --- the week and the month


def test_when_the_week_is_over_then_managers_read_how_fast_it_was_and_where_it_hurt(world: World) -> None:
    slow = opened(world, "Slow one")
    incident_acknowledge(incident_id=slow.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=30))
    world.jump_to(datetime(2026, 11, 23, 7, tzinfo=UTC))
    opened(world, "This week already")
    week = digest_set(
        kind="week",
        team=world.cast.payments,
        send_at=time(8),
        actor=world.cast.elena,
        at=world.now - timedelta(hours=1),
    )
    content = told(world, week, world.cast.elena)
    assert content.about.startswith("16 Nov 2026 to 22 Nov 2026")
    figures = {one.label: one.value for one in content.figures}
    assert figures["Incidents"] == "1"
    assert figures["MTTA, time to acknowledge"] == "30:00"
    assert "first=2026-11-16&last=2026-11-22" in content.figures[0].link
    assert section(content, "Longest without an answer") == {
        f"{slow.reference} Slow one": "SEV-2 · acknowledged after 30 min"
    }
    assert [one.username for one in audience(week, teams_below(week))] == ["elena"]


def test_when_the_month_is_over_then_auditors_read_what_the_ledger_holds_of_it(world: World) -> None:
    severe = opened(world, "Nobody reviewed it", severity=1)
    incident_acknowledge(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    incident_resolve(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    month = digest_set(kind="month", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    expected = LedgerEntry.objects.filter(at__lt=datetime(2026, 12, 1, tzinfo=UTC)).count()
    world.jump_to(datetime(2026, 12, 1, 8, tzinfo=UTC))
    with translation.override("en"), timezone.override("UTC"):
        content = content_for(month, world.cast.amara, None, at=world.now)
    assert content.title == "Month: November 2026"
    assert content.figures[0].value == str(expected)
    assert f"{severe.reference} Nobody reviewed it" in section(content, "Severe incidents without a review")
    assert "action=policy.publish" in str(content.sections)
    assert [one.username for one in audience(month, None)] == ["amara"]
