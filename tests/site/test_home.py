"""The home page of each role, and "Page me as a test"."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.models import EscalationRun, InboxSignal, Incident, ProcessBeat
from incidents.services.lifecycle import incident_acknowledge, incident_open
from incidents.services.merging import incident_merge
from notifications.channels.base import channel_labels
from notifications.models import ContactMethod, Message
from reports.figures.keeping import figures_follow
from tests.world.harness import World

HOME = "/"
TEST_PAGE = "/test-page/"


def home_of(world: World, username: str) -> str:
    client = Client()
    client.force_login(world.cast.people[username])
    response: Any = client.get(HOME)
    assert response.status_code == 200
    return str(response.content.decode())


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 1, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def paged(world: World) -> Incident:
    """An incident for which Marta has been paged a minute ago."""
    incident = opened(world)
    world.advance(minutes=1)
    world.expect_page("marta")
    return incident


def test_support_staff_see_how_to_file_and_what_they_filed(world: World) -> None:
    opened(world, title="Refunds stuck")
    opened(world, title="Filed by somebody else", reporter=world.cast.marta)
    page = home_of(world, "sofie")
    assert "File an incident" in page
    assert "Refunds stuck" in page
    assert "Filed by somebody else" not in page


def test_a_responder_on_call_sees_the_duty_and_who_stands_beside_them(world: World) -> None:
    page = home_of(world, "marta")
    assert "You are primary on Payments" in page
    assert "Beside you: Jonas de Wit (backup)." in page


def test_a_responder_who_is_not_on_call_sees_that(world: World) -> None:
    assert "You are not on call" in home_of(world, "nils")


def test_a_responder_sees_the_incident_they_were_paged_for_and_its_next_step(world: World) -> None:
    paged(world)
    page = home_of(world, "marta")
    assert "Card payments failing" in page
    assert "to Level 2: Backup and senior" in page
    assert "nobody has it" in page
    assert "Card payments failing" not in home_of(world, "jonas")


def test_when_somebody_has_acknowledged_then_it_waits_for_the_owner_alone(world: World) -> None:
    incident = paged(world)
    world.advance(minutes=5)
    world.expect_page("jonas")
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    assert "Card payments failing" in home_of(world, "jonas")
    assert "Card payments failing" not in home_of(world, "marta")


def test_a_responder_sees_how_the_last_delivery_by_each_contact_method_went(world: World) -> None:
    assert "never tried" in home_of(world, "marta")
    paged(world)
    assert "Delivered" in home_of(world, "marta")


def test_a_manager_sees_the_figures_what_is_open_and_who_carried_it(world: World) -> None:
    incident = paged(world)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=3))
    page = home_of(world, "elena")
    assert "MTTA, time to acknowledge" in page
    assert "4:00" in page
    assert "1 still open" in page
    assert "0 unanswered" in page
    assert "1 at night" in page
    behind = f"period=28d&amp;which=pages.went&amp;person={world.cast.marta.username}"
    assert f'<a class="link" href="/reports/pages/?{behind}"><b class="med">1</b></a>' in page


def test_the_managers_home_and_the_dashboard_say_the_same(world: World, client: Client) -> None:
    """One definition of each metric: a test and a merged incident are in neither."""
    incident = paged(world)
    opened(world, is_test=True)
    other = opened(world)
    incident_merge(incident_id=other.pk, other_id=incident.pk, actor=world.cast.marta, at=world.now, reason="One.")
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=3))
    client.force_login(world.cast.elena)
    home: Any = client.get(HOME)
    dashboard: Any = client.get("/reports/")
    shown = {card.key: card for card in dashboard.context["board"].cards}
    for card in home.context["management"].cards:
        assert (card.parts, card.aside) == (shown[card.key].parts, shown[card.key].aside)


def test_a_manager_sees_the_incidents_that_nobody_answered(world: World) -> None:
    assert "No open incident has run out of levels." in home_of(world, "elena")
    incident = opened(world)
    Incident.objects.filter(pk=incident.pk).update(exhausted_at=world.now)
    page = home_of(world, "elena")
    assert "Card payments failing" in page
    assert "Exhausted" in page


def test_an_auditor_sees_that_nobody_can_change_the_ledger_and_what_happened_today(world: World) -> None:
    opened(world)
    page = home_of(world, "amara")
    assert "Nobody can change the ledger" in page
    assert "Opened" in page
    assert "Browse the ledger" in page


def test_an_administrator_sees_that_everything_works(world: World) -> None:
    paged(world)
    for name in ("engine", "cluster"):
        ProcessBeat.objects.create(name=name, host="alpha", pid=1, started_at=world.now, beat_at=world.now)
    page = home_of(world, "hugo")
    assert "Everything works" in page
    assert f">{channel_labels()['email']}</th>" in page


def test_an_administrator_sees_what_is_silent_overdue_or_set_aside(world: World) -> None:
    paged(world)
    ProcessBeat.objects.create(
        name="engine", host="alpha", pid=1, started_at=world.now, beat_at=world.now - timedelta(minutes=5)
    )
    EscalationRun.objects.update(next_due_at=world.now - timedelta(minutes=2))
    InboxSignal.objects.create(
        integration=world.cast.alertmanager, received_at=world.now, body=b"{", set_aside_at=world.now, error="no JSON"
    )
    page = home_of(world, "hugo")
    assert "Something needs you" in page
    assert "No cluster has shown a sign of life in the last day." in page
    assert "An escalation step is overdue since" in page
    assert "1 signal could not be read and was set aside." in page


def test_when_there_never_was_an_incident_then_the_administrator_is_led_on_with_the_set_up(world: World) -> None:
    assert "Watchbell is not set up yet." in home_of(world, "hugo")
    opened(world)
    assert "Watchbell is not set up yet." not in home_of(world, "hugo")


def test_when_i_page_myself_then_a_test_message_comes_by_my_own_first_method(world: World, client: Client) -> None:
    client.force_login(world.cast.sofie)
    assert client.post(TEST_PAGE).status_code == 302
    world.settle()
    message = world.email.got[-1]
    assert message.address == "sofie@brightquay.example"
    assert message.subject.startswith("[TEST]")
    world._expected = len(world.email.got)
    assert Message.objects.get().kind == Message.Kind.NOTICE


def test_when_i_press_twice_within_a_minute_then_one_message_is_sent(world: World, client: Client) -> None:
    client.force_login(world.cast.sofie)
    client.post(TEST_PAGE)
    client.post(TEST_PAGE)
    assert Message.objects.count() == 1


def test_when_i_have_no_contact_method_then_i_am_told(world: World, client: Client) -> None:
    ContactMethod.objects.filter(user=world.cast.sofie).delete()
    client.force_login(world.cast.sofie)
    response: Any = client.post(TEST_PAGE, follow=True)
    assert "You cannot be reached" in response.content.decode()


@pytest.mark.parametrize("username", ["sofie", "marta", "elena", "amara", "hugo"])
def test_a_home_page_takes_at_most_fifteen_queries(
    world: World, client: Client, username: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    paged(world)
    figures_follow(at=world.now)
    client.force_login(world.cast.people[username])
    with django_assert_max_num_queries(15):
        assert client.get(HOME).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("post", HOME), ("get", TEST_PAGE)])
def test_the_wrong_method_is_refused(world: World, client: Client, method: str, path: str) -> None:
    client.force_login(world.cast.marta)
    assert getattr(client, method)(path).status_code == 405


def test_a_stranger_is_sent_to_sign_in(world: World, client: Client) -> None:
    assert client.get(HOME)["Location"].startswith("/accounts/login/")
