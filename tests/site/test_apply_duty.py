"""`manage.py apply` and the duty life: skills, holidays, limits, approvals, accepted gaps, people who leave."""

from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.configuration.problems import ConfigurationInvalid
from incidents.models import Service
from oncall.models import Absence, ApiToken, GapAcceptance, Skill, Team, User
from oncall.selectors import holders_at
from oncall.tokens import token_create
from tests.site.test_apply import AT, apply, organisation
from tests.world.harness import World

pytestmark = pytest.mark.django_db

MORE = """
skills:
  postgresql: {name: PostgreSQL}
  acquiring: {name: Card acquiring}
users:
  jonas:
    name: Jonas de Wit
    holiday_calendar: NL
    skills: [postgresql, acquiring]
    capacity_hours: 120
    capacity_pages: 5
  lea: {name: Lea Roth, time_zone: Europe/Berlin, holiday_calendar: DE-BY}
teams:
  payments: {name: Payments, approves_absences: true, approves_swaps: true}
services:
  gateway: {name: Gateway, team: payments, required_skills: [acquiring]}
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        apply(text)
    return str(caught.value)


def test_skills_holidays_limits_and_approvals_are_set_and_a_second_run_changes_nothing() -> None:
    apply(MORE)
    jonas = User.objects.get(username="jonas")
    assert {skill.slug for skill in jonas.skills.all()} == {"postgresql", "acquiring"}
    assert (jonas.holiday_calendar, jonas.capacity_hours, jonas.capacity_pages) == ("NL", 120, 5)
    assert jonas.absences.filter(kind="holiday", reason__icontains="Christmas").exists()
    assert Team.objects.filter(approves_absences=True, approves_swaps=True).exists()
    assert [skill.slug for skill in Service.objects.get().required_skills.all()] == ["acquiring"]
    entries = LedgerEntry.objects.count()
    assert {change.step.name for change in apply(MORE).changes} == {"UNCHANGED"}
    assert LedgerEntry.objects.count() == entries
    apply("users: {jonas: {skills: null, holiday_calendar: null, capacity_hours: null}}")
    jonas.refresh_from_db()
    assert (jonas.skills.count(), jonas.holiday_calendar, jonas.capacity_hours) == (0, "", None)
    assert not jonas.absences.filter(kind="holiday", state="approved", start__gt=AT).exists()
    assert LedgerEntry.objects.filter(action="user.skills").count() == 2
    assert Skill.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users: {x: {name: X, skills: [nothing]}}", "“nothing” is not among the skills."),
        ("users: {x: {name: X, skills: [a, a]}}\nskills: {a: {name: A}}", "is listed twice"),
        ("users: {x: {name: X, holiday_calendar: Bavaria}}", "is no known holiday calendar"),
        ("users: {x: {name: X, holiday_calendar: DE-BYY}}", "DE-BY"),
        ("users: {x: {name: X, capacity_hours: 900}}", "must be a whole number from 1 to 672"),
        ("teams: {t: {name: T, approves_swaps: maybe}}", "must be true or false"),
        ("skills: {a: {}}", "“name” is missing"),
    ],
)
def test_when_something_is_wrong_then_it_says_where_and_what(text: str, said: str) -> None:
    assert said in refused(text)


def office(world: World, more: str = "") -> str:
    return f"""
schedules:
  payments:
    time_zone: Europe/Rome
    {more}
    layers:
      - name: primary
        role: primary
        start: 2025-01-06T09:00
        rotation: weekly
        participants: [marta]
        restrictions: [{{days: mon-fri, start: "09:00", end: "18:00"}}]
      - {{name: secondary, role: secondary, start: "2025-01-06T09:00", rotation: weekly, participants: [jonas]}}
"""


@pytest.mark.requirement("R004")
def test_when_a_change_opens_a_gap_then_it_is_named_and_made_once_accepted(world: World) -> None:
    def applying(text: str) -> Any:
        return apply(text, at=world.now)

    with pytest.raises(ConfigurationInvalid) as caught:
        applying(office(world))
    assert "schedules.payments.accept_gaps" in str(caught.value)
    assert "primary 2026-11-22 03:09 – 2026-11-23 09:00" in str(caught.value)
    accepting = office(world, "accept_gaps: true")
    applying(accepting)
    assert GapAcceptance.objects.exists()
    assert {change.step.name for change in applying(accepting).changes} == {"UNCHANGED"}


def test_when_somebody_is_switched_off_then_they_are_on_call_no_more_and_back_when_switched_on(world: World) -> None:
    marta, schedule = world.cast.marta, world.cast.schedule
    token_create(owner=marta, name="script", actor=marta, at=world.now)

    def held() -> set[str]:
        return {holder.user.username for holder in holders_at(schedules=[schedule], at=world.now)[schedule.pk]}

    apply("users: {marta: {active: false}}", at=world.now)
    assert held() == {"jonas"}
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert Absence.objects.get().kind == "left"
    apply("users: {marta: {active: true}}", at=world.now)
    assert held() == {"jonas", "marta"}
    assert "is the last administrator" in refused("users: {hugo: {active: false}}")


def test_the_documented_organisation_still_applies() -> None:
    assert apply(organisation()).changes
