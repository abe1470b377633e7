"""Handing over: who is told when, the brief and what it lists, accepting, rating, notes, reminders, the list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, Service
from incidents.services.lifecycle import incident_acknowledge
from notifications.channels import Outgoing
from oncall.handoff_check import handoffs_check, handoffs_remind
from oncall.handoffs import handoff_accept, handoff_accepted, handoff_note_create, handoff_rate
from oncall.models import DutyClock, Handoff, HandoffNote, Override, Schedule, User
from oncall.services import override_cancel, override_create, schedule_publish
from oncall.tasks import duties_check
from tests.world.harness import World

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""09:00 in Rome: Jonas comes on call in Marta's place."""


def turns(*people: User, **layer: Any) -> dict[str, Any]:
    """A week each, changing on Mondays at 09:00 in Rome; the first has the week of Monday 16 November 2026."""
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Weeks",
                "start": "2026-11-16T09:00",
                "rotation": "weekly",
                "participants": [person.pk for person in people],
                **layer,
            }
        ],
    }


@pytest.fixture
def weeks(world: World) -> World:
    """Marta and Jonas take turns, and the minute's task has looked once."""
    publish(world, turns(world.cast.marta, world.cast.jonas))
    handoffs_check(at=world.now)
    return world


def heard(world: World) -> dict[str, list[Outgoing]]:
    """Send what is due and take all notices since the last look, by user name."""
    world.settle()
    count = len(world.notices())
    got = world.email.got
    found: dict[str, list[Outgoing]] = {}
    for message in got[len(got) - count :]:
        found.setdefault(message.address.partition("@")[0], []).append(message)
    return found


def publish(world: World, definition: dict[str, Any]) -> None:
    schedule_publish(schedule=world.cast.schedule, definition=definition, author=None, at=world.now, accept_gaps=True)
    heard(world)


def minute(world: World) -> dict[str, list[str]]:
    """The minute's task runs; returns the subjects people get."""
    handoffs_check(at=world.now)
    handoffs_remind(at=world.now)
    return {name: [message.subject for message in found] for name, found in heard(world).items()}


def handed_over(world: World) -> Handoff:
    """Monday's handoff, half a minute after it, with both sides told."""
    world.jump_to(MONDAY + timedelta(seconds=30))
    minute(world)
    return Handoff.objects.get()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


# --- when somebody comes on call


@pytest.mark.requirement("R016")
def test_when_the_shift_changes_then_both_are_told_once_with_a_link(weeks: World) -> None:
    weeks.jump_to(MONDAY + timedelta(seconds=30))
    handoffs_check(at=weeks.now)
    handoffs_check(at=weeks.now)
    told = heard(weeks)
    handoff = Handoff.objects.get()
    assert (handoff.at, handoff.outgoing, handoff.incoming) == (MONDAY, weeks.cast.marta, weeks.cast.jonas)
    (came,), (went,) = told["jonas"], told["marta"]
    assert came.subject == "You are on call: Payments (primary)"
    assert "until Mon 30 Nov, 09:00" in came.body
    assert came.link.endswith(f"/oncall/handoffs/{handoff.pk}/")
    assert went.subject == "Your shift has ended: Payments (primary)"
    assert "Jonas de Wit has it now." in went.body


def test_when_the_task_has_not_looked_before_then_it_begins_now_and_tells_nobody_of_the_past(world: World) -> None:
    assert handoffs_check(at=world.now) == 0
    assert DutyClock.objects.get().checked_until == world.now
    assert not Handoff.objects.exists()


def test_when_nothing_changes_then_looking_writes_nothing(weeks: World) -> None:
    weeks.jump(hours=5)
    assert minute(weeks) == {}
    assert not Handoff.objects.exists()


def test_when_a_turn_changes_to_the_same_person_then_there_is_no_handoff(weeks: World) -> None:
    publish(weeks, turns(weeks.cast.marta))
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {}


def test_when_the_task_is_late_then_it_catches_up_but_tells_only_of_the_last_day(weeks: World) -> None:
    weeks.jump_to(MONDAY + timedelta(days=7, hours=3))
    told = minute(weeks)
    assert [handoff.at for handoff in Handoff.objects.order_by("at")] == [MONDAY, MONDAY + timedelta(days=7)]
    assert told == {
        "marta": ["You are on call: Payments (primary)"],
        "jonas": ["Your shift has ended: Payments (primary)"],
    }


def test_when_two_roles_are_exchanged_then_each_hears_of_the_new_one_and_not_of_the_end_of_the_old(
    weeks: World,
) -> None:
    both = turns(weeks.cast.marta, weeks.cast.jonas)
    other = turns(weeks.cast.jonas, weeks.cast.marta, name="Second", role="secondary")
    both["layers"] += other["layers"]
    publish(weeks, both)
    minute(weeks)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {
        "jonas": ["You are on call: Payments (primary)"],
        "marta": ["You are on call: Payments (backup)"],
    }


def test_when_a_schedule_pauses_over_night_then_the_same_person_is_not_told_every_morning(weeks: World) -> None:
    office = [{"days": "mon-fri", "start": "09:00", "end": "18:00"}]
    publish(weeks, turns(weeks.cast.marta, weeks.cast.jonas, restrictions=office))
    minute(weeks)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert minute(weeks) == {"jonas": ["You are on call: Payments (primary)"]}
    weeks.jump(days=4, hours=8)
    assert minute(weeks) == {"jonas": ["Not accepted yet: your handoff of Payments (primary)"]}
    weeks.jump(hours=2)
    ended = minute_bodies(weeks)
    assert "Nobody has it until Mon 30 Nov, 09:00, then Marta Ferri." in ended["jonas"]


def minute_bodies(world: World) -> dict[str, str]:
    handoffs_check(at=world.now)
    return {name: found[-1].body for name, found in heard(world).items()}


def test_when_somebody_takes_over_on_the_spot_then_the_handoff_is_made_and_nobody_is_told_again(weeks: World) -> None:
    weeks.jump(minutes=1)
    minute(weeks)
    override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.jonas,
        start=weeks.now,
        end=weeks.now + timedelta(hours=2),
        actor=weeks.cast.jonas,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump(seconds=40)
    told = minute(weeks)
    handoff = Handoff.objects.get()
    assert (handoff.incoming, handoff.outgoing) == (weeks.cast.jonas, weeks.cast.marta)
    assert "jonas" not in told
    weeks.jump(minutes=20)
    assert minute(weeks) == {}


def test_when_a_takeover_is_committed_just_after_the_look_that_passed_it_then_the_next_look_finds_it(
    weeks: World,
) -> None:
    began = weeks.now + timedelta(minutes=5)
    weeks.jump(minutes=5, seconds=1)
    minute(weeks)
    Override.objects.create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=began,
        end=began + timedelta(hours=1),
        created_at=began,
    )
    weeks.jump(minutes=1)
    minute(weeks)
    weeks.jump(minutes=1)
    minute(weeks)
    assert [(one.at, one.incoming) for one in Handoff.objects.all()] == [(began, weeks.cast.nils)]


def test_when_an_override_planned_before_begins_then_both_are_told(weeks: World) -> None:
    start = weeks.now + timedelta(hours=2)
    override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=start,
        end=start + timedelta(hours=1),
        actor=weeks.cast.elena,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump_to(start + timedelta(seconds=10))
    assert minute(weeks) == {
        "nils": ["You are on call: Payments (primary)"],
        "marta": ["Your shift has ended: Payments (primary)"],
    }
    weeks.jump(hours=1)
    assert minute(weeks) == {
        "marta": ["You are on call: Payments (primary)"],
        "nils": ["Your shift has ended: Payments (primary)"],
    }


def test_when_the_incoming_person_has_left_then_there_is_nobody_to_hand_over_to(weeks: World) -> None:
    User.objects.filter(pk=weeks.cast.jonas.pk).update(is_active=False)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    minute(weeks)
    assert not Handoff.objects.exists()


def test_when_one_schedule_cannot_be_read_then_the_others_are_looked_at(weeks: World) -> None:
    broken = Schedule.objects.create(name="Broken", slug="broken")
    broken.versions.create(number=1, effective_from=weeks.now, definition={"nonsense": 1}, created_at=weeks.now)
    DutyClock.objects.create(schedule=broken, checked_until=weeks.now)
    weeks.jump_to(MONDAY + timedelta(minutes=1))
    assert handoffs_check(at=weeks.now) == 1
    assert DutyClock.objects.get(schedule=broken).checked_until < weeks.now
    heard(weeks)


def test_looking_takes_as_many_queries_for_many_schedules_as_for_one(
    weeks: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        schedule = Schedule.objects.create(name=f"S{number}", slug=f"s{number}")
        schedule_publish(schedule=schedule, definition=turns(weeks.cast.nils), author=None, at=weeks.now)
    handoffs_check(at=weeks.now)
    weeks.jump(minutes=1)
    with django_assert_max_num_queries(11):
        handoffs_check(at=weeks.now)


# --- reminders


def test_when_nobody_accepts_then_they_are_reminded_four_times_and_the_manager_hears_of_it(weeks: World) -> None:
    handed_over(weeks)
    reminder = ["Not accepted yet: your handoff of Payments (primary)"]
    weeks.jump(minutes=14)
    assert minute(weeks) == {}
    weeks.jump(minutes=1)
    assert minute(weeks) == {"jonas": reminder}
    for _hour in range(2):
        weeks.jump(hours=1)
        assert minute(weeks) == {"jonas": reminder}
    weeks.jump(hours=1)
    assert minute(weeks) == {"jonas": reminder, "elena": ["Handoff not accepted: Payments (primary)"]}
    weeks.jump(hours=2)
    assert minute(weeks) == {}


def test_when_it_is_accepted_or_somebody_else_took_the_role_then_nobody_is_reminded(weeks: World) -> None:
    handoff = handed_over(weeks)
    override = override_create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=weeks.now,
        end=weeks.now + timedelta(hours=8),
        actor=weeks.cast.nils,
        at=weeks.now,
    )
    heard(weeks)
    weeks.jump(minutes=15)
    minute(weeks)
    handoff.refresh_from_db()
    assert (handoff.reminders, handoff.remind_at) == (0, None)
    override_cancel(override=override, actor=weeks.cast.nils, at=weeks.now)
    weeks.jump(minutes=1)
    minute(weeks)
    back = Handoff.objects.latest("at")
    handoff_accept(handoff=back, actor=weeks.cast.jonas, at=weeks.now, brief={})
    weeks.jump(minutes=30)
    assert minute(weeks) == {}


# --- the brief


@pytest.mark.requirement("R016")
def test_when_incidents_are_open_at_a_shift_change_then_the_page_lists_timer_path_and_last_notes_and_is_accepted(
    weeks: World,
) -> None:
    weeks.jump_to(MONDAY - timedelta(minutes=10))
    weeks.alert()
    weeks.settle()
    weeks.expect_page("marta", level=1)
    incident_acknowledge(incident_id=weeks.incident.pk, actor=weeks.cast.marta, at=weeks.now)
    browser(weeks.cast.marta).post(
        f"/incidents/{weeks.incident.pk}/comment/", {"text": "Restarted the gateway, watch the queue"}
    )
    handoff = handed_over(weeks)
    client = browser(weeks.cast.jonas)
    page = shown(client.get(f"/oncall/handoffs/{handoff.pk}/"))
    assert "PaymentErrorRateHigh" in page
    assert "Marta Ferri" in page
    assert "No further step by itself" in page
    assert "/policies/critical-payments/" in page
    assert "Restarted the gateway, watch the queue" in page
    answer = client.post(f"/oncall/handoffs/{handoff.pk}/accept/")
    assert answer.status_code == 303
    handoff.refresh_from_db()
    assert handoff.accepted_at == weeks.now
    entry = LedgerEntry.objects.get(action="handoff.accept")
    assert (entry.actor_label, entry.subject) == ("Jonas de Wit", f"schedule:{weeks.cast.schedule.pk}")


def test_when_an_incident_rings_then_the_brief_says_who_is_called_next_and_when(weeks: World) -> None:
    weeks.jump_to(MONDAY + timedelta(seconds=10))
    weeks.alert()
    weeks.settle()
    weeks.expect_page("jonas", level=1)
    handoff = handed_over(weeks)
    page = shown(browser(weeks.cast.jonas).get(f"/oncall/handoffs/{handoff.pk}/"))
    assert "Level 2: Backup and senior is called in 4 min 40 s" in page


def test_when_accepted_then_the_brief_stays_readable_as_it_was(weeks: World) -> None:
    weeks.alert()
    weeks.settle()
    weeks.expect_page("marta", level=1)
    incident_acknowledge(incident_id=weeks.incident.pk, actor=weeks.cast.marta, at=weeks.now)
    handoff = handed_over(weeks)
    client = browser(weeks.cast.jonas)
    client.post(f"/oncall/handoffs/{handoff.pk}/accept/")
    Incident.objects.update(title="Something else altogether", owner=weeks.cast.jonas)
    page = shown(client.get(f"/oncall/handoffs/{handoff.pk}/"))
    assert "This is what Jonas de Wit was shown when accepting." in page
    assert "PaymentErrorRateHigh" in page
    assert "Something else altogether" not in page


def test_a_restricted_incident_is_in_nobodys_brief_who_may_not_see_it_also_not_in_a_kept_one(weeks: World) -> None:
    publish(weeks, turns(weeks.cast.marta, weeks.cast.nils))
    weeks.alert()
    weeks.settle()
    weeks.expect_page("marta", level=1)
    incident_acknowledge(incident_id=weeks.incident.pk, actor=weeks.cast.marta, at=weeks.now)
    handoff = handed_over(weeks)
    handoff_page = f"/oncall/handoffs/{handoff.pk}/"
    assert "PaymentErrorRateHigh" in shown(browser(weeks.cast.nils).get(handoff_page))
    Incident.objects.update(restricted=True)
    assert "PaymentErrorRateHigh" not in shown(browser(weeks.cast.nils).get(handoff_page))
    Incident.objects.update(restricted=False)
    browser(weeks.cast.nils).post(f"{handoff_page}accept/")
    Incident.objects.update(restricted=True)
    assert "PaymentErrorRateHigh" not in shown(browser(weeks.cast.nils).get(handoff_page))
    assert "PaymentErrorRateHigh" in shown(browser(weeks.cast.marta).get(handoff_page))


def test_an_incident_of_another_path_is_not_in_the_brief(weeks: World) -> None:
    Service.objects.update(policy=None)
    weeks.alert()
    weeks.settle()
    heard(weeks)
    page = shown(browser(weeks.cast.marta).get("/oncall/payments/handoff/"))
    assert "PaymentErrorRateHigh" not in page
    assert "Nothing is open." in page


def test_the_next_brief_names_who_comes_next_gaps_and_the_counts_of_the_shift(weeks: World) -> None:
    office = [{"days": "mon-fri", "start": "09:00", "end": "18:00"}]
    publish(weeks, turns(weeks.cast.marta, weeks.cast.jonas, restrictions=office))
    page = shown(browser(weeks.cast.marta).get("/oncall/payments/handoff/"))
    assert "Jonas de Wit" in page
    assert "Nobody is primary" in page
    assert "every layer is closed then" in page


def test_the_brief_takes_as_many_queries_for_many_incidents_as_for_one(
    weeks: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        weeks.alert(f"Alert{number}")
    weeks.settle()
    for _number in range(8):
        weeks.expect_page("marta", level=1)
    client = browser(weeks.cast.marta)
    with django_assert_max_num_queries(34):
        page = shown(client.get("/oncall/payments/handoff/"))
    assert all(f"Alert{number}" in page for number in range(8))


# --- accepting and rating


def test_when_anybody_else_accepts_then_they_are_refused(weeks: World) -> None:
    handoff = handed_over(weeks)
    for who in (weeks.cast.marta, weeks.cast.elena, weeks.cast.hugo):
        assert browser(who).post(f"/oncall/handoffs/{handoff.pk}/accept/").status_code == 403
    for who in (weeks.cast.sofie, weeks.cast.amara):
        assert browser(who).post(f"/oncall/handoffs/{handoff.pk}/accept/").status_code == 403
    handoff.refresh_from_db()
    assert handoff.accepted_at is None


def test_accepting_needs_a_post(weeks: World) -> None:
    handoff = handed_over(weeks)
    assert browser(weeks.cast.jonas).get(f"/oncall/handoffs/{handoff.pk}/accept/").status_code == 405


def test_when_accepted_twice_then_the_first_brief_stays(weeks: World) -> None:
    handoff = handed_over(weeks)
    handoff_accept(handoff=handoff, actor=weeks.cast.jonas, at=weeks.now, brief={"incidents": []})
    handoff_accept(handoff=handoff, actor=weeks.cast.jonas, at=weeks.now, brief={})
    handoff.refresh_from_db()
    assert handoff.brief == {"incidents": []}
    assert LedgerEntry.objects.filter(action="handoff.accept").count() == 1


def test_when_the_shift_is_over_then_it_can_no_longer_be_accepted_and_the_page_says_so(weeks: World) -> None:
    handoff = handed_over(weeks)
    weeks.jump(days=8)
    with pytest.raises(Conflict):
        handoff_accept(handoff=handoff, actor=weeks.cast.jonas, at=weeks.now, brief={})
    page = shown(browser(weeks.cast.jonas).get(f"/oncall/handoffs/{handoff.pk}/"))
    assert "Never accepted" in page
    assert "Accept the handoff" not in page


@pytest.mark.requirement("R016")
def test_when_something_was_missing_then_the_outgoing_person_hears_what_and_managers_see_it(weeks: World) -> None:
    handoff = handed_over(weeks)
    client = browser(weeks.cast.jonas)
    client.post(f"/oncall/handoffs/{handoff.pk}/accept/")
    answer = client.post(
        f"/oncall/handoffs/{handoff.pk}/rate/", {"complete": "no", "remark": "The failover of the cache"}
    )
    assert answer.status_code == 303
    (message,) = heard(weeks)["marta"]
    assert "The failover of the cache" in message.body
    assert "The failover of the cache" in shown(browser(weeks.cast.elena).get("/oncall/handoffs/?show=incomplete"))
    assert "failover" not in shown(browser(weeks.cast.tomas).get(f"/oncall/handoffs/{handoff.pk}/"))
    entry = LedgerEntry.objects.get(action="handoff.rate")
    assert entry.after == {"complete": False, "remark": "The failover of the cache"}


def test_when_nothing_is_said_about_what_was_missing_then_the_form_asks(weeks: World) -> None:
    handoff = handed_over(weeks)
    client = browser(weeks.cast.jonas)
    client.post(f"/oncall/handoffs/{handoff.pk}/accept/")
    answer = client.post(f"/oncall/handoffs/{handoff.pk}/rate/", {"complete": "no"})
    assert answer.status_code == 422
    assert "Say what was missing" in shown(answer)
    assert client.post(f"/oncall/handoffs/{handoff.pk}/rate/", {}).status_code == 422


def test_rating_is_for_the_incoming_person_and_only_after_accepting(weeks: World) -> None:
    handoff = handed_over(weeks)
    with pytest.raises(Conflict):
        handoff_rate(handoff=handoff, actor=weeks.cast.jonas, complete=True, remark="", at=weeks.now)
    with pytest.raises(NotAllowed):
        handoff_rate(handoff=handoff, actor=weeks.cast.marta, complete=True, remark="", at=weeks.now)


@pytest.mark.requirement("R296")
def test_the_engine_can_ask_which_handoffs_have_been_accepted(weeks: World) -> None:
    handoff, schedule = handed_over(weeks), weeks.cast.schedule
    since = MONDAY - timedelta(minutes=30)
    assert handoff_accepted([schedule.pk], since=since, at=weeks.now) == set()
    handoff_accept(handoff=handoff, actor=weeks.cast.jonas, at=weeks.now, brief={})
    assert handoff_accepted([schedule.pk], since=since, at=weeks.now) == {(schedule.pk, "primary", weeks.cast.jonas.pk)}
    assert handoff_accepted([schedule.pk], since=since, at=weeks.now - timedelta(seconds=1)) == set()
    assert handoff_accepted([schedule.pk], since=weeks.now, at=weeks.now) == set()


# --- notes and watch items


def test_when_the_outgoing_person_leaves_a_note_then_it_is_in_the_brief_and_the_incoming_hears_of_it(
    weeks: World,
) -> None:
    handoff = handed_over(weeks)
    answer = browser(weeks.cast.marta).post(
        "/oncall/payments/handoff/note/", {"text": "The bank restarts at noon", "handoff": str(handoff.pk)}
    )
    assert (answer.status_code, answer["Location"]) == (303, f"/oncall/handoffs/{handoff.pk}/")
    (message,) = heard(weeks)["jonas"]
    assert "The bank restarts at noon" in message.body
    assert "The bank restarts at noon" in shown(browser(weeks.cast.jonas).get(f"/oncall/handoffs/{handoff.pk}/"))


def test_when_a_watch_item_is_left_then_it_stays_in_every_brief_until_it_is_ticked_off(weeks: World) -> None:
    handoff_note_create(
        schedule=weeks.cast.schedule, author=weeks.cast.marta, text="Disk of db3", watch=True, at=weeks.now
    )
    weeks.jump(days=40)
    minute(weeks)
    client = browser(weeks.cast.jonas)
    assert "Disk of db3" in shown(client.get("/oncall/payments/handoff/"))
    note = HandoffNote.objects.get()
    assert client.post(f"/oncall/handoffs/notes/{note.pk}/done/").status_code == 303
    assert "Disk of db3" not in shown(client.get("/oncall/payments/handoff/"))
    note.refresh_from_db()
    assert (note.done_by, note.done_at) == (weeks.cast.jonas, weeks.now)
    assert LedgerEntry.objects.filter(action="handoff_note.done").count() == 1


def test_when_the_note_is_empty_then_the_form_says_so(weeks: World) -> None:
    answer = browser(weeks.cast.marta).post("/oncall/payments/handoff/note/", {"text": "  "})
    assert answer.status_code == 422
    assert "Write what the next person should know." in shown(answer)
    with pytest.raises(DomainError):
        handoff_note_create(
            schedule=weeks.cast.schedule, author=weeks.cast.marta, text="x" * 2001, watch=False, at=weeks.now
        )


def test_notes_are_for_the_team_and_for_whoever_was_on_call_there(weeks: World) -> None:
    note = {"text": "From outside"}
    assert browser(weeks.cast.tomas).post("/oncall/payments/handoff/note/", note).status_code == 403
    assert browser(weeks.cast.amara).post("/oncall/payments/handoff/note/", note).status_code == 403
    Handoff.objects.create(
        schedule=weeks.cast.schedule,
        role="primary",
        at=weeks.now - timedelta(days=3),
        incoming=weeks.cast.tomas,
        until=weeks.now - timedelta(days=2),
        created_at=weeks.now,
    )
    assert browser(weeks.cast.tomas).post("/oncall/payments/handoff/note/", note).status_code == 303


# --- pages


def test_support_staff_see_no_handoff_page(weeks: World) -> None:
    handoff = handed_over(weeks)
    client = browser(weeks.cast.sofie)
    for page in ("/oncall/handoffs/", f"/oncall/handoffs/{handoff.pk}/", "/oncall/payments/handoff/"):
        assert client.get(page).status_code == 403
    assert Client().get(f"/oncall/handoffs/{handoff.pk}/").status_code == 302


def test_managers_see_the_unaccepted_and_others_their_own(weeks: World) -> None:
    handed_over(weeks)
    assert "Not accepted yet" in shown(browser(weeks.cast.elena).get("/oncall/handoffs/?show=unaccepted"))
    assert "Jonas de Wit" in shown(browser(weeks.cast.amara).get("/oncall/handoffs/?schedule=payments"))
    assert "No handoff here" in shown(browser(weeks.cast.tomas).get("/oncall/handoffs/"))


def test_the_list_takes_as_many_queries_for_many_handoffs_as_for_one(
    weeks: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        Handoff.objects.create(
            schedule=weeks.cast.schedule,
            role="primary",
            at=weeks.now - timedelta(days=number),
            incoming=weeks.cast.jonas,
            outgoing=weeks.cast.marta,
            created_at=weeks.now,
        )
    client = browser(weeks.cast.elena)
    with django_assert_max_num_queries(12):
        assert client.get("/oncall/handoffs/").status_code == 200


# --- the task


def test_the_minutes_task_does_every_step_and_one_that_fails_stops_no_other(
    weeks: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks.jump_to(MONDAY + timedelta(seconds=30))

    def fails(**_given: Any) -> int:
        raise RuntimeError

    monkeypatch.setattr("oncall.tasks.swaps_check", fails)
    done = duties_check()
    assert done["handoffs"] == 1
    assert "swaps" not in done
    assert "holidays" in done
    heard(weeks)


def test_the_notices_are_written_on_the_readers_clock(weeks: World) -> None:
    User.objects.filter(pk=weeks.cast.jonas.pk).update(time_zone="Asia/Kathmandu")
    weeks.jump_to(MONDAY + timedelta(seconds=30))
    handoffs_check(at=weeks.now)
    (message,) = heard(weeks)["jonas"]
    assert "until Mon 30 Nov, 13:45" in message.body
    assert timezone.get_current_timezone_name() == "UTC"


def test_an_override_that_is_over_leaves_no_handoff_open(weeks: World) -> None:
    start = weeks.now + timedelta(minutes=1)
    Override.objects.create(
        schedule=weeks.cast.schedule,
        user=weeks.cast.nils,
        start=start,
        end=start + timedelta(minutes=5),
        created_at=weeks.now,
    )
    weeks.jump(minutes=10)
    minute(weeks)
    first, second = Handoff.objects.order_by("at")
    assert (first.incoming, first.remind_at) == (weeks.cast.nils, None)
    assert second.incoming == weeks.cast.marta
    assert second.remind_at is not None
