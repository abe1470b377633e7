"""Makes a database with the cast and incidents in every state, in a process of its own.

    python -m tests.browser.organisation

Prints one line of JSON: a session key for each person, and the addresses that hold a number or a token.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    sys.stdout.write(json.dumps(populate()) + "\n")


@dataclass
class Night:
    """What happens at Brightquay, written through the services; mail goes nowhere."""

    cast: Any
    engine: Any
    at: datetime

    def file(self, title: str, **values: Any) -> Any:
        from incidents.services.lifecycle import incident_open

        given = {"summary": "Every card is declined.", "severity": 1, "service": self.cast.gateway}
        incident = incident_open(**{**given, "title": title, "reporter": self.cast.sofie, "at": self.at, **values})
        while self.engine.turn():
            pass
        return incident


def populate() -> dict[str, Any]:
    from escalation_site.kernel.instants import now
    from incidents.engine.loop import Engine
    from incidents.engine.outcomes import page_report
    from notifications.channels import channels_replaced
    from notifications.testing import FakeChannel
    from tests.world.cast import cast_make
    from tests.world.harness import InlineSender

    at = now()
    with channels_replaced({"email": FakeChannel()}):
        engine = Engine(clock=now, sender=InlineSender(clock=now, on_settled=page_report))
        night = Night(cast_make(at=at - timedelta(days=3)), engine, at)
        return {"places": _happen(night), "sessions": _sessions(night.cast)}


def _happen(night: Night) -> dict[str, Any]:
    """Something in every state, and somewhere to go for every page."""
    from incidents.links import page_url
    from incidents.models import Service
    from incidents.services import lifecycle
    from oncall.calendars.feeds import feed_create
    from oncall.calendars.sources import source_add
    from oncall.models import CalendarSource
    from oncall.services import override_create
    from oncall.tokens import token_create

    cast, at = night.cast, night.at
    for person in (cast.marta, cast.elena):
        feed_create(owner=person, schedule=None, actor=person, at=at - timedelta(days=2))
        feed_create(owner=person, schedule=cast.schedule, actor=person, at=at)
        source_add(url="https://calendar.example.org/x.ics", actor=person, at=at, user=person)
    broken = source_add(url="https://wiki.example.org/x.ics", actor=cast.elena, at=at, schedule=cast.schedule)
    # No engine reads them: nobody's server is asked by a test.
    CalendarSource.objects.update(read_next_at=None, read_at=at)
    CalendarSource.objects.filter(pk=broken.pk).update(problem="“Maria” (5 Dec) is nobody here.")
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=cast.platform, description="Knowledge for everybody")
    ringing = night.file("Card payments fail in Italy", customer_impact="Cards are declined at the till.")
    taken = night.file("Refunds are slow", severity=3)
    lifecycle.incident_acknowledge(incident_id=taken.pk, actor=cast.marta, at=at)
    lifecycle.incident_comment(
        incident_id=taken.pk, text="The queue grows. Looking at the database.", actor=cast.marta, at=at
    )
    done = night.file("Receipts are late", severity=4)
    lifecycle.incident_acknowledge(incident_id=done.pk, actor=cast.jonas, at=at)
    lifecycle.incident_resolve(
        incident_id=done.pk, actor=cast.jonas, at=at, resolution="Restarted the printer service."
    )
    night.file("Customer data in a log", severity=2, restricted=True)
    night.file("Wiki search is empty", severity=5, service=wiki)
    snoozed = night.file("Certificate expires soon", severity=4)
    lifecycle.incident_snooze(incident_id=snoozed.pk, until=at + timedelta(hours=8), actor=cast.marta, at=at)
    override_create(
        schedule=cast.schedule,
        user=cast.elena,
        start=at + timedelta(days=1),
        end=at + timedelta(days=2),
        actor=cast.elena,
        at=at,
    )
    handoffs = _hand_over(night)
    plans = _plan_ahead(night)
    review = _look_after(night)
    token_create(owner=cast.marta, name="deploy script", actor=cast.marta, at=at)
    page, used = ringing.pages.get(), taken.pages.get()
    return {
        "ringing": ringing.pk,
        "taken": taken.pk,
        "done": done.pk,
        "link": page_url(page.link_nonce).split("/p/")[1].strip("/"),
        "used_link": page_url(used.link_nonce).split("/p/")[1].strip("/"),
        "marta": cast.marta.pk,
        "review": review,
        **handoffs,
        **plans,
    }


def _hand_over(night: Night) -> dict[str, Any]:
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


def _plan_ahead(night: Night) -> dict[str, Any]:
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
        "swap": exchanges[0].pk,
        "swap_token": ask_link(exchanges[1].asks.get(user=cast.marta)).split("/answer/")[1].strip("/"),
        "shift_at": quote((at + 3 * day).isoformat()),
    }


def _look_after(night: Night) -> int:
    """What the linter finds, a review that was closed and one that is overdue."""
    from policies.models import PolicyReview
    from reports.care.findings import findings_check
    from reports.care.reviews import review_close, review_open

    elena, at = night.cast.elena, night.at
    findings_check(at=at)
    asked = {"policy": night.cast.policy, "cause": PolicyReview.Cause.BY_HAND, "actor": elena}
    done = review_open(**asked, at=at - timedelta(days=60))
    review_close(review_id=done.pk, outcome="kept", note="Both levels answered.", actor=elena, at=at)
    waiting = review_open(**asked, at=at)
    PolicyReview.objects.filter(pk=waiting.pk).update(due_at=at - timedelta(days=1))
    return int(waiting.pk)


def _sessions(cast: Any) -> dict[str, str]:
    from django.test import Client

    sessions = {}
    for username, person in cast.people.items():
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        sessions[username] = str(client.session.session_key)
    return sessions


if __name__ == "__main__":
    main()
