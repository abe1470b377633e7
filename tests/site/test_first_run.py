"""From an empty installation to a page that reaches the primary and then the backup."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from escalation_site.first_run.steps import next_step
from escalation_site.kernel.instants import now
from incidents.engine.loop import Engine
from incidents.engine.outcomes import page_report
from incidents.models import Incident, Page, Service
from incidents.services.lifecycle import incident_acknowledge
from notifications.channels import channels_replaced
from notifications.testing import FakeChannel
from oncall.models import Schedule, Team, User
from oncall.selectors import holders_at
from policies.models import EscalationPolicy
from tests.world.harness import InlineSender

START = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)  # a Wednesday
ADMINISTRATOR = {
    "first_name": "Hugo",
    "last_name": "Brandt",
    "email": "hugo@brightquay.example",
    "time_zone": "Europe/Rome",
    "username": "hugo",
    "password": "correct horse battery staple",
}
TEAM = {
    "name": "Operations",
    "zone": "Europe/Rome",
    "first_name": "Marta",
    "last_name": "Ferri",
    "email": "marta@brightquay.example",
    "time_zone": "Europe/Rome",
}


class Empty:
    """An installation in which nothing is yet, a browser, and an engine on a clock that stands still."""

    def __init__(self, traveller: "time_machine.Traveller", email: FakeChannel) -> None:
        self._traveller, self.email, self.client = traveller, email, Client()
        self._engine = Engine(clock=now, sender=InlineSender(clock=now, on_settled=page_report))

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, **data: Any) -> Any:
        return self.client.post(path, data)

    def advance(self, **span: float) -> None:
        self._traveller.move_to(now() + timedelta(**span))
        for _turn in range(200):
            if not self._engine.turn():
                return

    def addresses(self) -> list[str]:
        return [message.address for message in self.email.got]

    # --- the steps, each with the least that it asks

    def administrator(self, **changes: str) -> Any:
        return self.post("/welcome/", **{**ADMINISTRATOR, **changes})

    def team(self, **changes: str) -> Any:
        return self.post("/welcome/team/", **{**TEAM, **changes})

    def schedule(self, **changes: Any) -> Any:
        values = {"name": "Operations", "first": User.objects.get(username="hugo").pk, "weekday": 0, "handoff": "09:00"}
        return self.post("/welcome/schedule/", **{**values, **changes})

    def policy(self) -> Any:
        return self.post("/welcome/policy/", name="Primary, then backup", answer=30)

    def service(self) -> Any:
        return self.post("/welcome/service/", name="Website")

    def all_steps(self) -> None:
        for step in (self.administrator, self.team, self.schedule, self.policy, self.service):
            assert step().status_code == 302


@pytest.fixture
def empty(db: None) -> Iterator[Empty]:
    email = FakeChannel()
    with time_machine.travel(START, tick=False) as traveller, channels_replaced({"email": email}):
        yield Empty(traveller, email)


@pytest.mark.requirement("R001")
def test_the_first_run_alone_leads_to_a_test_that_pages_the_primary_and_then_the_backup(empty: Empty) -> None:
    """One rotation, one channel, one backup, made through the pages and nothing else."""
    empty.all_steps()
    assert empty.post("/welcome/test/").status_code == 302
    empty.advance(seconds=1)
    assert empty.addresses() == ["hugo@brightquay.example"]
    assert "Hugo Brandt" in empty.get("/welcome/test/").content.decode()
    empty.advance(seconds=30)
    assert empty.addresses() == ["hugo@brightquay.example", "marta@brightquay.example"]
    assert [page.level for page in Page.objects.order_by("pk")] == [0, 1]
    assert Incident.objects.get().is_test


@pytest.mark.requirement("R001")
def test_when_the_primary_acknowledges_the_test_then_the_backup_is_left_in_peace(empty: Empty) -> None:
    empty.all_steps()
    empty.post("/welcome/test/")
    empty.advance(seconds=1)
    incident_acknowledge(incident_id=Incident.objects.get().pk, actor=User.objects.get(username="hugo"), at=now())
    empty.advance(minutes=5)
    assert empty.addresses() == ["hugo@brightquay.example"]
    assert "Hugo Brandt has it. It works." in empty.get("/welcome/test/").content.decode()


@pytest.mark.parametrize("path", ["/", "/incidents/", "/oncall/", "/reports/", "/accounts/login/"])
def test_while_nobody_exists_every_page_leads_to_the_first_run(empty: Empty, path: str) -> None:
    response = empty.client.get(path, follow=True)
    assert response.redirect_chain[-1][0] == "/welcome/"
    assert "Welcome to Watchbell" in response.content.decode()


def test_each_step_leads_to_the_next(empty: Empty) -> None:
    steps = (
        (empty.administrator, "team"),
        (empty.team, "schedule"),
        (empty.schedule, "policy"),
        (empty.policy, "service"),
        (empty.service, "test"),
    )
    for step, following in steps:
        step()
        response = empty.client.get("/welcome/", follow=True)
        assert response.redirect_chain[-1][0] == f"/welcome/{following}/"
        assert response.status_code == 200


def test_when_it_was_interrupted_then_it_goes_on_where_it_stopped(empty: Empty) -> None:
    empty.administrator()
    empty.team()
    empty.client.logout()
    assert next_step() == "schedule"
    assert empty.get("/welcome/")["Location"] == "/accounts/login/"
    empty.client.force_login(User.objects.get(username="hugo"))
    assert empty.get("/welcome/test/")["Location"] == "/welcome/"


def test_the_first_account_is_an_administrator_who_is_signed_in_and_can_be_reached(empty: Empty) -> None:
    empty.administrator()
    user = User.objects.get()
    assert user.is_administrator
    assert user.check_password("correct horse battery staple")
    assert [method.address for method in user.contact_methods.all()] == ["hugo@brightquay.example"]
    assert empty.client.session["_auth_user_id"] == str(user.pk)


def test_when_there_is_an_account_then_nobody_gets_another_this_way(empty: Empty) -> None:
    empty.administrator()
    stranger = Client()
    response: Any = stranger.post("/welcome/", {**ADMINISTRATOR, "username": "mallory", "email": "mallory@example.com"})
    assert response.status_code == 302
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "hugo-brandt"}, "too similar"),
        ({"email": "nonsense"}, "valid email"),
        ({"username": ""}, "required"),
        ({"time_zone": "Mars/Olympus"}, "valid choice"),
    ],
)
def test_when_the_first_account_makes_no_sense_then_the_form_says_so(
    empty: Empty, changes: dict[str, str], said: str
) -> None:
    response = empty.administrator(**changes)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not User.objects.exists()


def test_when_the_backup_has_the_administrators_address_then_the_form_says_so(empty: Empty) -> None:
    empty.administrator()
    response = empty.team(email="HUGO@brightquay.example")
    assert response.status_code == 422
    assert "another person" in response.content.decode()
    assert not Team.objects.exists()


def test_the_backup_is_a_responder_with_a_name_of_their_own_and_no_password(empty: Empty) -> None:
    empty.administrator()
    empty.team(email="hugo@elsewhere.example")
    backup = User.objects.get(email="hugo@elsewhere.example")
    assert (backup.username, backup.role) == ("hugo2", "responder")
    assert not backup.has_usable_password()


def test_the_one_chosen_is_first_from_now_on_and_they_change_at_the_handoff(empty: Empty) -> None:
    empty.administrator()
    empty.team()
    marta = User.objects.get(username="marta")
    empty.schedule(first=marta.pk, weekday=3, handoff="15:30")  # Thursdays

    def standing(at: datetime) -> dict[str, str]:
        schedule = Schedule.objects.get()
        return {holder.role: holder.user.username for holder in holders_at(schedules=[schedule], at=at)[schedule.pk]}

    assert standing(START) == {"primary": "marta", "secondary": "hugo"}
    handoff = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
    assert standing(handoff - timedelta(seconds=1)) == {"primary": "marta", "secondary": "hugo"}
    assert standing(handoff) == {"primary": "hugo", "secondary": "marta"}


def test_when_it_is_the_day_of_the_handoff_before_its_hour_then_the_turn_began_a_week_ago(empty: Empty) -> None:
    empty.administrator()
    empty.team()
    hugo = User.objects.get(username="hugo")
    empty.schedule(first=hugo.pk, weekday=2, handoff="23:00")  # today, still to come
    schedule = Schedule.objects.get()
    holders = holders_at(schedules=[schedule], at=START)[schedule.pk]
    assert holders[0].user == hugo
    assert holders[0].until == datetime(2026, 11, 18, 22, 0, tzinfo=UTC)


def test_everything_enters_the_ledger(empty: Empty) -> None:
    empty.all_steps()
    actions = set(LedgerEntry.objects.values_list("action", flat=True))
    assert {
        "user.create",
        "team.create",
        "schedule.create",
        "schedule.publish",
        "policy.publish",
        "service.create",
    } <= actions
    assert EscalationPolicy.objects.get().current_version
    assert Service.objects.get().policy == EscalationPolicy.objects.get()


@pytest.mark.parametrize("step", ["team", "schedule", "policy", "service", "test"])
def test_only_administrators_set_up(empty: Empty, step: str) -> None:
    empty.administrator()
    empty.team()
    empty.client.force_login(User.objects.get(username="marta"))
    assert empty.get(f"/welcome/{step}/").status_code == 403
    assert empty.get("/welcome/")["Location"] == "/"


def test_once_set_up_the_first_run_leads_home(empty: Empty) -> None:
    empty.all_steps()
    empty.post("/welcome/test/")
    assert next_step() == ""
    assert empty.get("/welcome/")["Location"] == "/"
    assert empty.get("/welcome/team/")["Location"] == "/welcome/"


def test_the_test_page_takes_at_most_fifteen_queries(
    empty: Empty, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    empty.all_steps()
    empty.post("/welcome/test/")
    empty.advance(seconds=31)
    with django_assert_max_num_queries(15):
        assert empty.get("/welcome/test/").status_code == 200
