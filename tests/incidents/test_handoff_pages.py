"""The brief of a handoff: what it lists and to whom, accepting and rating it, notes and watch items, the list."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, Service
from incidents.services.lifecycle import incident_acknowledge
from oncall.handoffs import handoff_accept, handoff_accepted, handoff_note_create, handoff_rate
from oncall.models import Handoff, HandoffNote
from tests.incidents.handing_over import MONDAY, browser, handed_over, heard, minute, publish, shown, turns
from tests.incidents.handing_over import weeks as weeks
from tests.world.harness import World

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


def test_when_a_handoff_waits_for_somebody_then_their_own_page_leads_to_it_until_they_accept(weeks: World) -> None:
    handoff = handed_over(weeks)
    client = browser(weeks.cast.jonas)
    assert f"/oncall/handoffs/{handoff.pk}/" in shown(client.get("/oncall/mine/"))
    client.post(f"/oncall/handoffs/{handoff.pk}/accept/")
    assert f"/oncall/handoffs/{handoff.pk}/" not in shown(client.get("/oncall/mine/"))
    assert "/oncall/payments/handoff/" in shown(client.get("/oncall/payments/"))


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
