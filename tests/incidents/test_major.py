"""A major incident is declared once, by a person, a rule or a level; somebody oversees it and is told at once."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.models import LedgerEntry
from audit.values import Actor
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.changes import Changes, lock_one
from incidents.models import Incident, Page
from incidents.services.describing import incident_bridge
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.services.major import MajorOrder, incident_major, incident_major_end, majors_declare
from notifications.models import ContactMethod
from oncall.models import Membership
from oncall.tokens import token_create
from policies.definition import policy_parse
from policies.models import PolicyReview
from policies.services import policy_publish
from policies.targets import TargetResolver
from reports.care.reviews import reviews_check
from tests.incidents.asking import filed, lines
from tests.world.cast import levels
from tests.world.harness import World

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def ringing(world: World) -> Incident:
    """A SEV-1 alert under the policy of Payments; Marta is paged."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    return world.incident


def declare(world: World, incident: Incident, *, by: str = "marta", reason: str = "Every shop is down") -> Incident:
    return incident_major(incident_id=incident.pk, actor=world.cast.people[by], at=world.now, reason=reason)


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


# --- who oversees it


@pytest.mark.requirement("R098")
def test_when_a_major_incident_is_declared_then_the_manager_on_level_3_oversees_it_and_is_told_at_once(
    world: World, ringing: Incident
) -> None:
    declare(world, ringing)
    world.settle()

    message = world.expect_notice("elena")
    assert message.urgency == "high"
    assert message.body.startswith("This is a major incident, and you oversee it.")
    assert "Why: Every shop is down" in message.body
    ringing.refresh_from_db()
    assert (ringing.major_at, ringing.overseer) == (world.now, world.cast.elena)
    assert lines(ringing)[-2:] == ["incident.major_person", "incident.overseer"]
    entry = LedgerEntry.objects.get(action="incident.major")
    assert entry.actor_label == "Marta Ferri"
    assert entry.after is not None
    assert entry.after["overseer"] == world.cast.elena.pk
    assert not Page.objects.filter(recipient=world.cast.elena).exists()


@pytest.mark.requirement("R098")
def test_where_the_policy_names_an_overseer_then_that_one_is_told(world: World) -> None:
    definition = {**levels(), "overseer": {"kind": "user", "ref": "hugo"}}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)

    declare(world, world.incident)
    world.settle()

    world.expect_notice("hugo")
    assert world.incident.overseer == world.cast.hugo


def test_where_a_policy_has_fewer_levels_the_people_of_the_last_oversee(world: World) -> None:
    definition = {"levels": levels()["levels"][:2]}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)

    declare(world, world.incident)
    world.settle()

    world.expect_notice("jonas")


def test_where_nobody_is_there_to_oversee_it_the_incident_says_so(world: World, ringing: Incident) -> None:
    Membership.objects.filter(user=world.cast.elena).delete()

    declare(world, ringing)

    ringing.refresh_from_db()
    assert ringing.major_at is not None
    assert ringing.overseer is None
    assert "incident.no_overseer" in lines(ringing)
    assert "Nobody oversees it" in text_of(browser(world, "marta").get(ringing.get_absolute_url()))


def test_where_the_overseer_cannot_be_reached_the_incident_says_so(world: World, ringing: Incident) -> None:
    ContactMethod.objects.filter(user=world.cast.elena).delete()

    declare(world, ringing)

    assert "incident.overseer_unreached" in lines(ringing)


def test_an_overseer_sees_a_restricted_incident_of_another_team(world: World) -> None:
    policy = policy_parse({"levels": levels()["levels"][:1], "overseer": {"kind": "user", "ref": "tomas"}})
    incident = filed(world, restricted=True)
    with transaction.atomic():
        changes = Changes(at=world.now, actor=Actor.system("routing"))
        order = MajorOrder(incident=lock_one(incident.pk), by="rule", policy=policy, reason="A rule")
        majors_declare([order], changes=changes, resolver=TargetResolver(at=world.now))
        changes.write()
    world.settle()

    world.expect_notice("tomas")
    assert browser(world, "tomas").get(incident.get_absolute_url()).status_code == 200
    assert browser(world, "nils").get(incident.get_absolute_url()).status_code == 404


# --- once


@pytest.mark.requirement("R135")
def test_when_the_escalation_reaches_a_level_that_makes_it_major_then_it_is_declared_once(world: World) -> None:
    definition = {**levels(), "cycles": 2}
    definition["levels"][1]["major"] = True
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    assert world.incident.major_at is None

    world.advance(minutes=5)

    world.expect_page("jonas", level=2)
    world.expect_notice("elena")
    declared = world.incident.major_at
    assert declared == world.now
    assert "incident.major_level" in lines(world.incident)
    world.advance(minutes=5)
    world.expect_page("elena", level=3)
    world.advance(minutes=5)
    world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    assert world.incident.major_at == declared
    assert LedgerEntry.objects.filter(action="incident.major").count() == 1


@pytest.mark.requirement("R135")
def test_when_stage_three_makes_it_major_then_its_channel_is_opened_once_and_linked(world: World) -> None:
    world.cast.gateway.bridge_url = "https://meet.example/{incident}"
    world.cast.gateway.save()
    definition = {**levels(), "cycles": 2}
    definition["levels"][2]["major"] = True
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    assert world.incident.bridge_url == ""

    world.advance(minutes=10)

    room = f"https://meet.example/inc-{world.incident.pk}"
    world.expect_page("jonas", level=2)
    told = [world.email.got[-1].body, world.email.got[-2].body]
    assert sum(f"Bridge: {room}" in body for body in told) == 1
    assert world.incident.bridge_url == room
    assert f'href="{room}"' in text_of(browser(world, "marta").get(world.incident.get_absolute_url()))
    world.advance(minutes=20)
    assert lines(world.incident).count("incident.bridge_major") == 1
    assert LedgerEntry.objects.filter(action="incident.bridge").count() == 1
    world.email.got.clear()
    world._expected = 0


def test_when_people_talk_somewhere_already_then_a_major_incident_stays_there(world: World, ringing: Incident) -> None:
    world.cast.gateway.bridge_url = "https://meet.example/payments"
    world.cast.gateway.save()
    here = "https://meet.example/here"
    incident_bridge(incident_id=ringing.pk, url=here, actor=world.cast.marta, at=world.now)

    declare(world, ringing)
    world.settle()

    assert f"Bridge: {here}" in world.expect_notice("elena").body
    assert world.incident.bridge_url == here


def test_declaring_it_again_is_refused_and_tells_nobody(world: World, ringing: Incident) -> None:
    declare(world, ringing)
    world.settle()
    world.expect_notice("elena")

    with pytest.raises(Conflict, match="major incident already"):
        declare(world, ringing, by="jonas")
    world.settle()
    world.expect_silence()


def test_a_mistake_is_taken_back_with_a_reason_and_a_true_one_tells_again(world: World, ringing: Incident) -> None:
    declare(world, ringing)
    world.settle()
    world.expect_notice("elena")
    world.advance(seconds=30)

    incident_major_end(incident_id=ringing.pk, actor=world.cast.marta, at=world.now, reason="Wrong shop")
    ringing.refresh_from_db()
    assert (ringing.major_at, ringing.overseer) == (None, None)
    assert LedgerEntry.objects.get(action="incident.major_end").data == {"reason": "Wrong shop"}

    declare(world, ringing)
    world.settle()
    world.expect_notice("elena")


def test_without_a_reason_by_a_stranger_or_when_it_is_over_nothing_is_declared(world: World, ringing: Incident) -> None:
    with pytest.raises(DomainError) as refused:
        declare(world, ringing, reason=" ")
    assert refused.value.field == "reason"
    with pytest.raises(NotAllowed):
        declare(world, ringing, by="sofie")
    with pytest.raises(Conflict, match="no major incident"):
        incident_major_end(incident_id=ringing.pk, actor=world.cast.marta, at=world.now, reason="None")
    incident_resolve(incident_id=ringing.pk, actor=world.cast.marta, at=world.now)
    with pytest.raises(Conflict, match="resolved already"):
        declare(world, ringing)
    assert Incident.objects.get().major_at is None


# --- where it shows


def test_the_page_the_list_and_the_api_say_that_it_is_major(world: World, ringing: Incident) -> None:
    marta = browser(world, "marta")
    assert "Declare a major incident" in text_of(marta.get(ringing.get_absolute_url()))

    response = marta.post(f"{ringing.get_absolute_url()}major/", {"reason": "Every shop is down"})
    world.settle()

    assert response.status_code == 303
    world.expect_notice("elena")
    page = text_of(marta.get(ringing.get_absolute_url()))
    assert "Major incident" in page
    assert "No major incident" in page
    assert "Elena Conti" in page
    assert ">major<" in text_of(marta.get("/incidents/")).replace(" ", "").replace("</svg>", ">")
    assert ringing.title in text_of(marta.get("/incidents/?major=yes"))
    person = world.cast.marta
    _token, plain = token_create(owner=person, name="test", actor=person, at=world.now)
    found = Client(headers={"authorization": f"Bearer {plain}"}).get(f"/api/v1/incidents/{ringing.pk}/").json()
    assert found["major_at"] == "2026-11-22T02:09:00Z"
    assert found["overseer"]["username"] == "elena"


def test_it_is_declared_and_taken_back_over_the_api(world: World, ringing: Incident) -> None:
    person = world.cast.marta
    _token, plain = token_create(owner=person, name="test", actor=person, at=world.now)
    client = Client(headers={"authorization": f"Bearer {plain}"})

    def post(verb: str) -> int:
        body = {"reason": "Every shop is down"}
        return int(client.post(f"/api/v1/incidents/{ringing.pk}/{verb}/", body, "application/json").status_code)

    assert [post("major"), post("major"), post("major-end"), post("major-end")] == [200, 409, 200, 409]
    world.settle()
    world.expect_notice("elena")


def test_a_major_incident_of_any_severity_asks_for_a_review_of_its_policy(world: World) -> None:
    world.alert(severity="sev3")
    world.settle()
    world.expect_page("marta", level=1)
    incident = world.incident
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    declare(world, incident)
    world.settle()
    world.expect_notice("elena")
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    reviews_check(at=world.now)

    review = PolicyReview.objects.get(cause=PolicyReview.Cause.MAJOR_INCIDENT)
    assert review.subject == incident.subject
