"""`manage.py demo`: what it loads, what it says, and what it refuses. A small year stands for the whole one."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from audit.models import LedgerEntry
from escalation_site.demo import loading
from escalation_site.demo.present import PRESENT
from incidents.models import EscalationRun, Incident, Page, Service, TimelineEvent
from incidents.services.watch import stalled
from notifications.models import Message
from oncall.models import (
    Absence,
    GapAcceptance,
    Handoff,
    HandoffNote,
    Override,
    Schedule,
    ScheduleVersion,
    Swap,
    SwapAsk,
    User,
)
from oncall.rota import HandoverPage, Limits
from oncall.selectors import duties, holders_at, schedules_load
from policies.models import EscalationPolicy
from reports.boards import boards_of
from reports.cards import cards_parse
from reports.models import Dashboard

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)


@pytest.fixture
def printed() -> str:
    """The demo, loaded with a small year."""
    out = StringIO()
    call_command("demo", until=UNTIL.isoformat(), incidents=150, stdout=out)
    return out.getvalue()


def logins() -> list[str]:
    out = StringIO()
    call_command("demo", logins=True, stdout=out)
    return out.getvalue().splitlines()


def test_when_the_demo_is_loaded_then_there_is_a_whole_organisation_with_a_year_behind_it(printed: str) -> None:
    assert "The demo organisation is loaded" in printed
    assert Service.objects.count() >= 50
    assert set(Service.objects.values_list("region", flat=True)) == {"eu-south-1", "eu-north-1", "us-east-1"}
    assert Incident.objects.count() >= 130 + len(PRESENT)
    first = Incident.objects.earliest("started_at").started_at
    assert UNTIL - timedelta(days=366) < first < UNTIL - timedelta(days=330)
    assert {policy.current_version is None for policy in EscalationPolicy.objects.all()} == {False}
    assert set(Incident.objects.values_list("severity", flat=True)) == {1, 2, 3, 4, 5}
    assert Page.objects.filter(level__gte=2).exists()
    assert TimelineEvent.objects.filter(kind="incident.comment").exists()
    assert Incident.objects.exclude(resolution="").exists()


def test_when_the_demo_is_loaded_then_the_open_incidents_are_those_of_the_design(printed: str) -> None:
    open_ones = Incident.objects.exclude(state="resolved")

    assert sorted(open_ones.values_list("title", flat=True)) == sorted(one.title for one in PRESENT)
    states = dict(open_ones.values_list("state").annotate(count=Count("id")))
    assert states["triggered"] >= 5
    assert states["acknowledged"] >= 5
    assert open_ones.filter(exhausted_at__isnull=False).exists()
    assert open_ones.filter(snoozed_until__gt=UNTIL).exists()
    assert not stalled(at=UNTIL).exists()
    # The worst of them is worked on: a commander, tasks three deep, a vendor that answered; nobody is told of it.
    worked = open_ones.get(role_holders__role__key="commander")
    assert set(worked.tasks.values_list("depth", flat=True)) == {1, 2, 3}
    assert worked.vendor_cases.get().answered_at == UNTIL
    assert not Message.objects.filter(kind="notice", context__subject=worked.subject, state="pending").exists()


def test_when_the_demo_is_loaded_then_nothing_in_it_is_later_than_its_present(printed: str) -> None:
    assert not LedgerEntry.objects.filter(at__gt=UNTIL).exists()
    assert not TimelineEvent.objects.filter(at__gt=UNTIL).exists()
    assert not EscalationRun.objects.filter(next_due_at__lt=UNTIL).exists()
    assert not Message.objects.filter(state=Message.State.PENDING).exists()
    instants = list(LedgerEntry.objects.order_by("id").values_list("at", flat=True))
    assert len(instants) > 500
    assert instants == sorted(instants)


def test_when_the_demo_is_loaded_then_somebody_is_on_call_everywhere_in_working_hours(printed: str) -> None:
    monday = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    on_call = holders_at(schedules=list(Schedule.objects.all()), at=monday)

    assert all(on_call.values())


def test_when_the_logins_are_asked_for_then_there_is_one_per_role_and_each_opens(printed: str) -> None:
    lines = logins()

    people = [User.objects.get(username=line.split()[-2]) for line in lines]
    assert {user.role for user in people} == set(User.Role.values)
    assert len(lines) == 5
    assert all(user.check_password(line.split()[-1]) for user, line in zip(people, lines, strict=True))


def test_when_no_demo_is_loaded_then_there_are_no_logins() -> None:
    assert logins() == []


def test_when_it_is_loaded_already_then_it_says_so_and_changes_nothing(printed: str) -> None:
    entries, out = LedgerEntry.objects.count(), StringIO()

    call_command("demo", stdout=out)

    assert out.getvalue() == "The demo organisation is loaded already.\n"
    assert LedgerEntry.objects.count() == entries


def test_when_somebody_is_in_the_database_already_then_it_refuses() -> None:
    User.objects.create_user("marta")

    with pytest.raises(CommandError, match="into an empty one only"):
        call_command("demo")


def test_when_the_present_is_no_instant_then_it_says_what_one_looks_like() -> None:
    with pytest.raises(CommandError, match="example: 2026-11-22"):
        call_command("demo", until="yesterday")


def test_when_a_password_is_given_in_the_environment_then_the_logins_have_it() -> None:
    environ = {loading.PASSWORD_VARIABLE: "nine-bells-are-too-many"}

    loading.demo_load(until=UNTIL, incidents=3, environ=environ)

    assert {login.password for login in loading.demo_logins(environ)} == {"nine-bells-are-too-many"}
    assert User.objects.get(username="jonas").check_password("nine-bells-are-too-many")


@pytest.mark.requirement("R016")
def test_when_the_demo_is_loaded_then_the_last_weeks_of_duty_are_there(printed: str) -> None:
    handoffs = Handoff.objects.all()

    assert handoffs.filter(accepted_at=None).exists()
    assert handoffs.exclude(accepted_at=None).count() > 12
    assert handoffs.filter(complete=True).exists()
    assert handoffs.filter(complete=False).exclude(remark="").exists()
    assert not handoffs.exclude(accepted_at=None).filter(brief={}).exists()
    assert HandoffNote.objects.filter(watch=True, done_at=None).exists()
    assert HandoffNote.objects.filter(watch=True, done_at__isnull=False).exists()
    assert all(handoff.accepted_at is None or handoff.at < handoff.accepted_at <= UNTIL for handoff in handoffs)


@pytest.mark.requirement("R294")
def test_when_the_demo_is_loaded_then_people_have_planned_around_the_rota(printed: str) -> None:
    absences = Absence.objects.filter(kind=Absence.Kind.AWAY)

    assert absences.filter(state=Absence.State.APPROVED, start__lte=UNTIL, end__gt=UNTIL).exists()
    assert absences.filter(state=Absence.State.APPROVED, start__gt=UNTIL).exists()
    assert absences.filter(state=Absence.State.PENDING).exists()
    assert Absence.objects.filter(kind=Absence.Kind.HOLIDAY, start__gt=UNTIL).exists()
    assert set(Swap.objects.values_list("state", flat=True)) == {"open", "waiting", "done"}
    assert SwapAsk.objects.filter(user__username="jonas", answer="").exists()
    assert GapAcceptance.objects.filter(start__gt=UNTIL).exists()
    desk = schedules_load([Schedule.objects.get(slug="support-desk")], since=UNTIL)
    assert [gap for loaded in desk.values() for gap in loaded.gaps(since=UNTIL, until=UNTIL + timedelta(days=14))]


def test_when_the_demo_is_loaded_then_every_kind_of_schedule_is_there(printed: str) -> None:
    loaded = schedules_load(list(Schedule.objects.all()), since=UNTIL)
    latest = {item.schedule.slug: item.spec_at(UNTIL) for item in loaded.values()}

    specs = [spec for spec in latest.values() if spec is not None]
    assert {spec.handover.page for spec in specs} >= {HandoverPage.BOTH}
    assert any(spec.limits != Limits() for spec in specs)
    assert ScheduleVersion.objects.filter(definition__has_key="everyone_in").exists()
    assert ScheduleVersion.objects.filter(definition__has_key="follow").exists()
    assert Service.objects.filter(required_skills__isnull=False).exists()


def test_what_people_planned_lately_never_changes_who_was_on_call(printed: str) -> None:
    """The year of incidents was told before; it would name other people than the calendar does."""
    plans = Absence.objects.filter(start__lt=UNTIL)

    for plan in plans:
        assert not [duty for duty in duties(plan.user, since=plan.start, until=UNTIL) if duty.start < UNTIL]
    assert not Override.objects.exclude(cause=Override.Cause.OVERRIDE).filter(start__lt=UNTIL).exists()


@pytest.mark.parametrize(
    "until", ["2026-02-28T23:50Z", "2026-03-29T01:30Z", "2026-10-25T00:30Z", "2026-12-25T12:00Z", "2028-02-29T08:00Z"]
)
def test_the_demo_loads_on_any_day(until: str) -> None:
    loading.demo_load(until=datetime.fromisoformat(until), incidents=3)

    assert Swap.objects.count() == 3
    assert Absence.objects.filter(kind=Absence.Kind.AWAY).count() >= 4


@pytest.mark.requirement("R263")
def test_when_the_demo_is_loaded_then_managers_and_team_leads_have_a_dashboard_ready(printed: str) -> None:
    elena, jonas = User.objects.get(username="elena"), User.objects.get(username="jonas")

    seen = {board.name: board for board in boards_of(elena)}
    house, team = seen["Managers: the month"], seen["Team lead: Payments"]
    assert house.shared == Dashboard.Shared.EVERYBODY
    assert (team.shared, team.team and team.team.slug) == (Dashboard.Shared.TEAM, "payments")
    assert set(boards_of(jonas)) == {house, team}
    for board in seen.values():
        assert len(cards_parse(board.cards)) == len(board.cards) > 5
