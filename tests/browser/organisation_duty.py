"""Duty at Brightquay: handoffs, days off, swaps, chat."""

from datetime import timedelta
from typing import Any

from tests.browser.night import Night


def hand_over(night: Night) -> dict[str, Any]:
    """A handoff that Marta accepted and found wanting, and one that waits for Jonas; a note and two watch items."""
    from incidents.selectors.brief import brief_dump, brief_of
    from oncall.handoffs import handoff_accept, handoff_note_create, handoff_rate
    from oncall.models import Handoff

    cast, at = night.cast, night.at
    both = {"schedule": cast.schedule, "created_at": at}
    past = Handoff.objects.create(
        **both,
        role="primary",
        at=at - timedelta(days=2),
        outgoing=cast.jonas,
        incoming=cast.marta,
        until=at + timedelta(days=5),
    )
    for text, watch in (
        ("Disk of db3 is at 80 % and grows by a point a day.", True),
        ("The bank restarts its gateway on Monday at 12:00. Declines of some ten minutes are normal then.", False),
        ("Certificate of the reporting host ends on 4 December.", True),
    ):
        handoff_note_create(schedule=cast.schedule, author=cast.jonas, text=text, watch=watch, at=at)
    handoff_accept(handoff=past, actor=cast.marta, at=at, brief=brief_dump(brief_of(past, reader=cast.marta, at=at)))
    handoff_rate(
        handoff=past, actor=cast.marta, complete=False, remark="Nobody said that the cache had been moved.", at=at
    )
    waiting = Handoff.objects.create(
        **both, role="secondary", at=at - timedelta(minutes=10), outgoing=cast.marta, incoming=cast.jonas
    )
    return {"handoff_kept": past.pk, "handoff_waiting": waiting.pk}


def _in_chat(night: Night) -> str:
    """Marta is somebody in chat; the token of a second account that she is asked about."""
    from notifications.channels.chat.tokens import claim_sign
    from notifications.models import ChatAccount

    host = "chat.brightquay.example"
    ChatAccount.objects.create(user=night.cast.marta, host=host, account="one", handle="marta", linked_at=night.at)
    # However long the pages are looked at.
    return claim_sign(host=host, account="two", handle="marta.ferri", at=night.at + timedelta(days=1))


def plan_ahead(night: Night) -> dict[str, Any]:
    """Marta keeps Italy's holidays, will be away and asks for a swap; Jonas waits for a manager's word and asks too."""
    from urllib.parse import quote

    from oncall.absences import absence_create
    from oncall.holidays_sync import holiday_calendar_choose
    from oncall.swap_links import ask_link
    from oncall.swaps import swap_create

    cast, at = night.cast, night.at
    holiday_calendar_choose(user=cast.marta, calendar="IT", at=at)
    day = timedelta(days=1)
    absence_create(user=cast.marta, start=at + 9 * day, end=at + 11 * day, reason="A wedding", actor=cast.marta, at=at)
    cast.payments.approves_absences = True
    cast.payments.save()
    absence_create(user=cast.jonas, start=at + 5 * day, end=at + 6 * day, reason="The dentist", actor=cast.jonas, at=at)
    exchanges = [
        swap_create(
            schedule=cast.schedule,
            role=role,
            requester=requester,
            start=at + 3 * day,
            end=at + 4 * day,
            asked=[taker, cast.elena],
            note="My sister visits.",
            at=at,
        )
        for role, requester, taker in (("primary", cast.marta, cast.jonas), ("secondary", cast.jonas, cast.marta))
    ]
    return {
        "chat_claim": _in_chat(night),
        "swap": exchanges[0].pk,
        "swap_token": ask_link(exchanges[1].asks.get(user=cast.marta)).split("/answer/")[1].strip("/"),
        "shift_at": quote((at + 3 * day).isoformat()),
    }
