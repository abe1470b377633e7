"""Swaps: asking, the first to accept gets it, exchanges, a manager's word, reminders and expiry."""

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall.models import Membership, Override, Swap, SwapAsk, User
from oncall.selectors import holders_at
from oncall.services import override_create, schedule_publish
from oncall.swap_links import ask_link
from oncall.swaps import (
    swap_accept,
    swap_approve,
    swap_cancel,
    swap_create,
    swap_decline,
    swap_refuse,
    swaps_check,
)
from tests.world.harness import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def weekly(world: World) -> World:
    """Marta, Jonas and Elena take turns by the week; Marta's lasts until Monday 23 November, 09:00 in Rome."""
    people = world.cast.people
    definition = {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Weekly",
                "start": "2026-11-16T09:00",
                "rotation": "weekly",
                "participants": [people[name].pk for name in ("marta", "jonas", "elena")],
            }
        ],
    }
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.hugo, at=world.now, accept_gaps=True
    )
    heard(world)
    return world


def on_call(world: World, at: datetime) -> list[str]:
    return [one.user.username for one in holders_at(schedules=[world.cast.schedule], at=at)[world.cast.schedule.pk]]


def jonas_week(world: World) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat("2026-11-23T08:00+00:00")
    return start, start + timedelta(weeks=1)


def asked(world: World, *names: str, **changes: Any) -> Swap:
    """Jonas asks these people (Marta and Elena) to take the Tuesday of his week."""
    start = jonas_week(world)[0] + DAY
    values: dict[str, Any] = {
        "schedule": world.cast.schedule,
        "role": "primary",
        "requester": world.cast.jonas,
        "start": start,
        "end": start + DAY,
        "asked": [world.cast.people[name] for name in names or ("marta", "elena")],
        "at": world.now,
    }
    return swap_create(**{**values, **changes})


def heard(world: World) -> list[tuple[str, str]]:
    world.advance(seconds=1)
    return world.notices()


def test_when_a_shift_is_offered_then_those_asked_are_told_with_a_link_of_their_own(weekly: World) -> None:
    swap = asked(weekly)
    assert heard(weekly) == [
        ("elena", "Can you take a shift of Jonas de Wit?"),
        ("marta", "Can you take a shift of Jonas de Wit?"),
    ]
    links = {ask_link(ask) for ask in swap.asks.all()}
    assert len(links) == 2
    assert {link for link in links for message in weekly.email.got if message.link.endswith(link)} == links
    assert LedgerEntry.objects.filter(action="swap.create", object_id=str(swap.pk)).count() == 1


def test_when_somebody_accepts_then_that_part_is_theirs_the_rest_stays_and_everybody_is_told(weekly: World) -> None:
    swap = asked(weekly)
    heard(weekly)
    swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    start, end = swap.start, swap.end
    assert [on_call(weekly, at) for at in (start - HOUR, start, end - HOUR, end)] == [
        ["jonas"],
        ["marta"],
        ["marta"],
        ["jonas"],
    ]
    holder = holders_at(schedules=[weekly.cast.schedule], at=start)[weekly.cast.schedule.pk][0]
    assert (holder.why, holder.instead_of) == ("swap", weekly.cast.jonas.pk)
    assert heard(weekly) == [
        ("elena", "Not needed any more: the shift of Jonas de Wit"),
        ("jonas", "The swap is done: Payments (primary)"),
        ("marta", "The swap is done: Payments (primary)"),
    ]
    swap.refresh_from_db()
    assert (swap.state, list(swap.overrides.all())) == ("done", list(Override.objects.all()))


def test_when_a_second_one_accepts_then_they_are_told_that_it_is_taken(weekly: World) -> None:
    swap = asked(weekly)
    swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    with pytest.raises(Conflict, match="Marta Ferri was faster"):
        swap_accept(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    assert Override.objects.count() == 1
    heard(weekly)


@pytest.mark.django_db(transaction=True)
def test_when_two_accept_at_the_same_moment_then_one_gets_it(weekly: World) -> None:
    swap = asked(weekly)
    at, said = weekly.now, list[str]()

    def accept(user: User) -> None:
        try:
            swap_accept(swap_id=swap.pk, user=user, at=at)
            said.append("taken")
        except Conflict:
            said.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=(user,)) for user in (weekly.cast.marta, weekly.cast.elena)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["taken", "too late"]
    assert Override.objects.count() == 1
    heard(weekly)


def test_when_it_is_an_exchange_then_both_windows_change_hands_together(weekly: World) -> None:
    elena_from = jonas_week(weekly)[1]
    swap = asked(weekly, "elena", return_start=elena_from, return_end=elena_from + DAY)
    swap_accept(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    assert on_call(weekly, swap.start) == ["elena"]
    assert on_call(weekly, elena_from) == ["jonas"]
    assert on_call(weekly, elena_from + DAY) == ["elena"]
    assert swap.overrides.count() == 2
    heard(weekly)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"asked": []}, "asked"),
        ({"asked": ["tomas"]}, "asked"),
        ({"start": timedelta(days=-8)}, "start"),
        ({"end": timedelta(0)}, "end"),
        ({"role": "secondary"}, "start"),
        ({"requester": "elena"}, "start"),
        ({"return_start": timedelta(days=-8)}, "back"),
        ({"return_start": timedelta(days=1), "return_end": timedelta(days=2)}, "asked"),
        ({"return_start": timedelta(days=1), "return_end": timedelta(days=2), "asked": ["elena"]}, "back"),
    ],
)
def test_when_what_is_asked_makes_no_sense_then_the_field_at_fault_is_named(
    weekly: World, changes: dict[str, Any], field: str
) -> None:
    people, start = weekly.cast.people, jonas_week(weekly)[0] + DAY
    for name, value in changes.items():
        if isinstance(value, timedelta):
            changes = {**changes, name: start + value}
        elif name == "requester":
            changes = {**changes, name: people[value]}
        elif name == "asked":
            changes = {**changes, name: [people[one] for one in value]}
    with pytest.raises(DomainError) as refused:
        asked(weekly, **changes)
    assert refused.value.field == field
    assert not Swap.objects.exists()


def test_when_the_same_time_is_on_offer_already_then_it_is_not_offered_twice(weekly: World) -> None:
    asked(weekly)
    with pytest.raises(Conflict):
        asked(weekly)
    heard(weekly)


def test_when_the_shift_is_no_longer_the_askers_then_nobody_can_take_it_from_them(weekly: World) -> None:
    swap = asked(weekly)
    override_create(
        schedule=weekly.cast.schedule,
        user=weekly.cast.elena,
        start=swap.start,
        end=swap.start + HOUR,
        actor=weekly.cast.elena,
        at=weekly.now,
    )
    with pytest.raises(Conflict, match="no longer that of Jonas de Wit"):
        swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    assert Swap.objects.get().state == "open"
    heard(weekly)


def test_when_one_was_not_asked_then_one_cannot_accept(weekly: World) -> None:
    swap = asked(weekly, "marta")
    with pytest.raises(NotAllowed):
        swap_accept(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    heard(weekly)


def test_when_everybody_declines_then_whoever_asked_is_told_and_keeps_the_shift(weekly: World) -> None:
    swap = asked(weekly)
    heard(weekly)
    swap_refuse(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    assert heard(weekly) == []
    swap_refuse(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    assert heard(weekly) == [("jonas", "Nobody can take your shift")]
    assert on_call(weekly, swap.start) == ["jonas"]


def test_when_somebody_refuses_then_the_ledger_says_who_once_each_and_when_nobody_is_left_that_it_is_declined(
    weekly: World,
) -> None:
    swap = asked(weekly)

    def kept() -> list[tuple[str, str]]:
        entries = LedgerEntry.objects.filter(object_type="swap", object_id=str(swap.pk)).exclude(action="swap.create")
        return [(entry.action, entry.actor_label) for entry in entries.order_by("id")]

    swap_refuse(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    swap_refuse(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    assert kept() == [("swap.refuse", "Marta Ferri")]
    swap_refuse(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    assert kept()[1:] == [("swap.refuse", "Elena Conti"), ("swap.decline", "Elena Conti")]
    heard(weekly)


def test_when_it_is_withdrawn_then_those_asked_are_told_and_cannot_accept(weekly: World) -> None:
    swap = asked(weekly)
    heard(weekly)
    with pytest.raises(NotAllowed):
        swap_cancel(swap_id=swap.pk, actor=weekly.cast.marta, at=weekly.now)
    swap_cancel(swap_id=swap.pk, actor=weekly.cast.jonas, at=weekly.now)
    assert [name for name, _subject in heard(weekly)] == ["elena", "marta"]
    with pytest.raises(Conflict, match="not needed any more"):
        swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)


# --- a manager's word


@pytest.fixture
def approving(weekly: World) -> World:
    """As weekly, with a team whose swaps a manager approves; Elena manages and is asked too."""
    weekly.cast.payments.approves_swaps = True
    weekly.cast.payments.save()
    return weekly


def test_when_the_team_wants_a_managers_word_then_the_swap_counts_once_approved(approving: World) -> None:
    swap = asked(approving, "marta")
    heard(approving)
    swap_accept(swap_id=swap.pk, user=approving.cast.marta, at=approving.now)
    assert on_call(approving, swap.start) == ["jonas"]
    assert heard(approving) == [
        ("elena", "A swap waits for your word: Payments (primary)"),
        ("jonas", "Marta Ferri would take your shift"),
    ]
    for nobody in (approving.cast.jonas, approving.cast.marta):
        with pytest.raises(NotAllowed):
            swap_approve(swap_id=swap.pk, actor=nobody, at=approving.now)
    swap_approve(swap_id=swap.pk, actor=approving.cast.elena, at=approving.now)
    assert on_call(approving, swap.start) == ["marta"]
    assert [name for name, _subject in heard(approving)] == ["jonas", "marta"]
    with pytest.raises(Conflict):
        swap_decline(swap_id=swap.pk, actor=approving.cast.elena, at=approving.now)


def test_when_the_manager_declines_then_everything_stays_and_both_are_told(approving: World) -> None:
    swap = asked(approving, "marta")
    swap_accept(swap_id=swap.pk, user=approving.cast.marta, at=approving.now)
    heard(approving)
    swap_decline(swap_id=swap.pk, actor=approving.cast.elena, at=approving.now)
    assert on_call(approving, swap.start) == ["jonas"]
    assert heard(approving) == [
        ("jonas", "The swap is declined: Payments (primary)"),
        ("marta", "The swap is declined: Payments (primary)"),
    ]


def test_when_a_manager_is_part_of_the_swap_then_another_one_decides(approving: World) -> None:
    swap = asked(approving, "elena")
    swap_accept(swap_id=swap.pk, user=approving.cast.elena, at=approving.now)
    with pytest.raises(NotAllowed):
        swap_approve(swap_id=swap.pk, actor=approving.cast.elena, at=approving.now)
    swap_approve(swap_id=swap.pk, actor=approving.cast.hugo, at=approving.now)
    assert on_call(approving, swap.start) == ["elena"]
    heard(approving)


# --- reminders and expiry


def checked(world: World, at: datetime) -> list[tuple[str, str]]:
    """What the minute's task tells at an instant; run twice, as a doubled task would."""
    world.jump_to(at)
    swaps_check(at=at)
    swaps_check(at=at)
    return heard(world)


def test_when_nobody_answers_then_they_are_reminded_half_way_and_a_day_before_and_then_it_expires(
    weekly: World,
) -> None:
    swap = asked(weekly)
    heard(weekly)
    swap_refuse(swap_id=swap.pk, user=weekly.cast.elena, at=weekly.now)
    half = swap.created_at + (swap.expires_at - swap.created_at) / 2
    again = [("marta", "Still open: can you take a shift of Jonas de Wit?")]
    assert checked(weekly, half - HOUR) == []
    assert sorted((half, swap.start - DAY))[0] == half
    assert checked(weekly, half) == again
    assert checked(weekly, swap.start - DAY) == again
    assert checked(weekly, swap.start) == [("jonas", "Your request for a swap has expired")]
    swap.refresh_from_db()
    assert (swap.state, swap.accepted_by) == ("expired", None)
    with pytest.raises(Conflict, match="too late"):
        swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    assert LedgerEntry.objects.filter(action="swap.expire").count() == 1


def test_when_the_shift_is_far_away_then_the_request_expires_after_a_week(weekly: World) -> None:
    start = jonas_week(weekly)[0] + timedelta(weeks=3)
    swap = asked(weekly, start=start, end=start + DAY)
    assert swap.expires_at == weekly.now + timedelta(days=7)
    heard(weekly)


def test_when_no_manager_decides_then_they_are_reminded_and_in_the_end_both_are_told(approving: World) -> None:
    swap = asked(approving, "marta")
    swap_accept(swap_id=swap.pk, user=approving.cast.marta, at=approving.now)
    heard(approving)
    swap.refresh_from_db()
    assert swap.remind_at is not None
    assert checked(approving, swap.remind_at) == [("elena", "A swap waits for your word: Payments (primary)")]
    assert [name for name, _subject in checked(approving, swap.start)] == ["jonas", "marta"]
    assert on_call(approving, swap.start) == ["jonas"]


def test_when_the_task_is_late_then_it_expires_all_the_same_and_reminds_nobody(weekly: World) -> None:
    swap = asked(weekly)
    heard(weekly)
    assert checked(weekly, swap.end) == [("jonas", "Your request for a swap has expired")]


def test_when_a_shift_has_begun_then_the_rest_of_it_can_be_given(weekly: World) -> None:
    weekly.jump_to(jonas_week(weekly)[0] + HOUR)
    at = weekly.now
    swap = asked(weekly, "marta", start=at - HOUR, end=at + 3 * HOUR)
    assert (swap.start, swap.expires_at) == (at, at + 3 * HOUR)
    weekly.jump(hours=1)
    swap_accept(swap_id=swap.pk, user=weekly.cast.marta, at=weekly.now)
    assert on_call(weekly, at + timedelta(minutes=59)) == ["jonas"]
    assert on_call(weekly, weekly.now) == ["marta"]
    heard(weekly)


# --- the link


@pytest.fixture
def link(weekly: World) -> str:
    """Where Marta answers Jonas."""
    swap = asked(weekly)
    heard(weekly)
    return ask_link(swap.asks.get(user=weekly.cast.marta))


def test_the_link_shows_the_question_without_signing_in_and_changes_nothing(
    weekly: World, client: Client, link: str
) -> None:
    response = client.get(link)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Can you take a shift of Jonas de Wit?" in page
    assert "on your clock, Europe/Rome" in page
    assert response["Referrer-Policy"] == "no-referrer"
    assert Swap.objects.get().state == "open"


def test_when_accepted_by_the_link_then_it_is_theirs_with_one_tap_and_no_cookie(weekly: World, link: str) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(f"{link}accept/")
    assert (response.status_code, response["Location"]) == (303, link)
    assert "It is yours." in client.get(link).content.decode()
    assert Swap.objects.get().accepted_by == weekly.cast.marta
    heard(weekly)


def test_when_another_was_faster_then_the_link_says_so(weekly: World, client: Client, link: str) -> None:
    swap_accept(swap_id=Swap.objects.get().pk, user=weekly.cast.elena, at=weekly.now)
    assert client.get(link).status_code == 410
    response = client.post(f"{link}accept/")
    assert response.status_code == 409
    assert "Elena Conti was faster: the shift is taken." in response.content.decode()
    heard(weekly)


def test_when_declined_by_the_link_then_it_may_still_be_accepted(weekly: World, client: Client, link: str) -> None:
    client.post(f"{link}refuse/")
    assert SwapAsk.objects.get(user=weekly.cast.marta).answer == "declined"
    assert "You may still accept." in client.get(link).content.decode()
    assert client.post(f"{link}accept/").status_code == 303
    heard(weekly)


@pytest.mark.parametrize("verb", ["cancel", "approve", "decline", "nonsense"])
def test_the_link_answers_and_does_nothing_else(client: Client, link: str, verb: str) -> None:
    assert client.post(f"{link}{verb}/").status_code == 404
    assert Swap.objects.get().state == "open"


def test_a_link_that_is_not_ours_or_of_somebody_who_left_leads_nowhere(
    weekly: World, client: Client, link: str
) -> None:
    assert client.get(re.sub(r"answer/\d+", "answer/7777", link)).status_code == 404
    User.objects.filter(username="marta").update(is_active=False)
    assert client.post(f"{link}accept/").status_code == 404


def test_answering_is_a_post(client: Client, link: str) -> None:
    assert client.get(f"{link}accept/").status_code == 405
    assert client.post(link).status_code == 405


# --- the pages


def new_page(world: World) -> str:
    at = (jonas_week(world)[0] + DAY).isoformat().replace("+", "%2B")
    return f"/oncall/payments/swap/?role=primary&at={at}"


def test_when_asked_on_the_page_then_everybody_of_the_team_is_asked(weekly: World, client: Client) -> None:
    client.force_login(weekly.cast.jonas)
    assert "Elena Conti" in client.get(new_page(weekly)).content.decode()
    response = client.post(new_page(weekly), {"everyone": "on", "start": "2026-11-24T09:00", "end": "2026-11-24T18:00"})
    swap = Swap.objects.get()
    assert response["Location"] == f"/oncall/swaps/{swap.pk}/"
    assert (swap.start.isoformat(), swap.end - swap.start) == ("2026-11-24T08:00:00+00:00", 9 * HOUR)
    assert {ask.user.username for ask in swap.asks.all()} == {"marta", "elena"}
    heard(weekly)


def test_when_a_shift_in_return_is_chosen_then_its_holder_alone_is_asked(weekly: World, client: Client) -> None:
    client.force_login(weekly.cast.jonas)
    page = client.get(new_page(weekly)).content.decode()
    offers = re.findall(rf'value="({weekly.cast.elena.pk}\|[^"]+)"', page)
    client.post(new_page(weekly), {"everyone": "on", "back": offers[0]})
    swap = Swap.objects.get()
    assert [ask.user.username for ask in swap.asks.all()] == ["elena"]
    assert swap.return_start == jonas_week(weekly)[1]
    heard(weekly)


def test_when_nobody_is_named_then_the_form_says_so(weekly: World, client: Client) -> None:
    client.force_login(weekly.cast.jonas)
    response = client.post(new_page(weekly), {"note": "kept words"})
    assert response.status_code == 422
    assert "Say whom to ask." in response.content.decode()
    assert "kept words" in response.content.decode()


def test_when_the_shift_is_anothers_then_there_is_nothing_to_offer(weekly: World, client: Client) -> None:
    client.force_login(weekly.cast.marta)
    assert client.get(new_page(weekly)).status_code == 404
    assert client.get("/oncall/payments/swap/?role=primary&at=soon").status_code == 404


@pytest.mark.parametrize(
    ("username", "verb", "status"),
    [
        ("marta", "accept", 302),
        ("marta", "refuse", 302),
        ("marta", "cancel", 403),
        ("jonas", "cancel", 302),
        ("jonas", "accept", 403),
        ("tomas", "accept", 403),
        ("marta", "approve", 403),
        ("elena", "approve", 409),
        ("amara", "cancel", 403),
        ("sofie", "accept", 403),
        ("marta", "nonsense", 404),
    ],
)
def test_who_may_do_what_on_the_page(weekly: World, client: Client, username: str, verb: str, status: int) -> None:
    swap = asked(weekly)
    client.force_login(weekly.cast.people[username])
    assert client.post(f"/oncall/swaps/{swap.pk}/{verb}/").status_code == status
    heard(weekly)


@pytest.mark.parametrize(
    ("username", "status"), [("jonas", 200), ("marta", 200), ("hugo", 200), ("tomas", 403), ("sofie", 403)]
)
def test_a_swap_is_shown_to_its_people_and_managers(weekly: World, client: Client, username: str, status: int) -> None:
    swap = asked(weekly)
    client.force_login(weekly.cast.people[username])
    assert client.get(f"/oncall/swaps/{swap.pk}/").status_code == status
    heard(weekly)


def test_when_accepted_on_my_duty_then_it_is_taken(weekly: World, client: Client) -> None:
    swap = asked(weekly)
    client.force_login(weekly.cast.marta)
    assert f"/oncall/swaps/{swap.pk}/accept/" in client.get("/oncall/mine/").content.decode()
    client.post(f"/oncall/swaps/{swap.pk}/accept/")
    assert on_call(weekly, swap.start) == ["marta"]
    heard(weekly)


def test_when_a_member_leaves_the_team_then_they_are_not_asked_again(weekly: World) -> None:
    Membership.objects.filter(user=weekly.cast.marta).delete()
    with pytest.raises(DomainError, match="Marta Ferri"):
        asked(weekly)
