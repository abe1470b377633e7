"""Makes a database with the cast and incidents in every state, in a process of its own.

    python -m tests.browser.organisation

Prints one line of JSON: a session key for each person, and the addresses that hold a number or a token.
"""

import json
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import django
from django.core.management import call_command

from tests.browser.night import Night
from tests.browser.organisation_duty import hand_over, plan_ahead
from tests.browser.organisation_house import arrange, look_after, promise, send_out


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    sys.stdout.write(json.dumps(populate()) + "\n")


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
        places = {**_happen(night), "sealed_entry": _seal(at)}
        return {"places": places, "sessions": _sessions(night.cast)}


def _seal(at: datetime) -> int:
    """Put everything into the ledger's tree; gives an entry that is in it."""
    from audit.models import LedgerEntry
    from audit.sealing import ledger_seal

    ledger_seal(at=at)
    return LedgerEntry.objects.filter(action="incident.open").order_by("pk")[0].pk


def _ask(night: Night) -> dict[str, Any]:
    """An unclear incident that asks Marta and Elena, one that Elena decided about, and a major one."""
    from incidents.routing import Wish
    from incidents.services.deciding import checkpoint_decide
    from incidents.services.major import incident_major
    from policies.definition import TargetDef, TargetKind
    from policies.routing import Ask

    cast = night.cast
    people = tuple(TargetDef(TargetKind.USER, ref=name) for name in ("marta", "elena"))
    wish = Wish(ask=Ask(people, within_seconds=1800), reason="Two answers contradict each other.")
    asking, asking_too, decided = (
        night.file(f"Odd figures at checkout {number}", severity=3, wish=wish).checkpoints.get()
        for number in range(1, 4)
    )
    checkpoint_decide(
        checkpoint_id=decided.pk, verdict="decline", note="It is the weekly test.", actor=cast.elena, at=night.at
    )
    major = night.file("Every shop is down")
    incident_major(incident_id=major.pk, actor=cast.marta, at=night.at, reason="Nobody can pay.")
    return {
        "asking": asking.incident_id,
        "asking_too": asking_too.incident_id,
        "question": asking.pk,
        "answered": decided.incident_id,
        "answer": decided.pk,
        "major": major.pk,
    }


def _ask_besides(night: Night) -> None:
    """What the house asks of security incidents, one question only after the answer to another."""
    from incidents.models import Category, CustomField
    from incidents.services.categories import category_set
    from incidents.services.fields import field_set

    by: dict[str, Any] = {"actor": night.cast.hugo, "at": night.at}
    security = category_set(category=Category(), values={"name": "Security", "slug": "security"}, **by)
    category_set(category=Category(), values={"name": "Data breach", "slug": "breach", "parent": security}, **by)
    category_set(category=Category(), values={"name": "Outage", "slug": "outage"}, **by)
    asked = (
        {"key": "records", "label": "Records affected", "kind": "number", "group": "business", "required": True},
        {
            "key": "told",
            "label": "Is the authority told?",
            "kind": "flag",
            "group": "business",
            "shown_if": {"fact": "custom.records", "operator": "gt", "value": 0},
        },
    )
    for values in asked:
        field_set(field=CustomField(), values=values, categories=[security], **by)


def _under_command(night: Night, major: int) -> dict[str, Any]:
    """The major incident under a plan: roles held and vacant, a task with time and an approval, a vendor called, documents."""
    from incidents.models import Document, PlanTemplate, ResponseRole, Task, Vendor
    from incidents.services.plans import plan_apply
    from incidents.services.roles import role_give
    from incidents.services.tasks import task_approve, task_state
    from incidents.services.time import time_log
    from incidents.services.vendors import vendor_call

    cast, at = night.cast, night.at
    asked: dict[str, Any] = {"incident_id": major, "at": at}
    for key, user in (("commander", cast.elena), ("mitigation", cast.marta), ("communications", cast.jonas)):
        role_give(**asked, role=ResponseRole.objects.get(key=key), user=user, actor=cast.elena)
    plan_apply(**asked, template=PlanTemplate.objects.get(slug="data-breach"), actor=cast.elena)
    tasks = {task.title: task for task in Task.objects.filter(incident=major)}
    task_state(task_id=tasks["Close the way by which it leaked"].pk, state="done", actor=cast.marta, at=at)
    task_state(task_id=tasks["Keys and tokens of services"].pk, state="doing", actor=cast.marta, at=at)
    clean = tasks["Clean and restore what was entered"]
    task_approve(task_id=clean.pk, reason="The backup of yesterday is clean.", actor=cast.elena, at=at)
    time_log(**asked, minutes=35, task_id=tasks["Contain the leak"].pk, note="Firewall", actor=cast.marta)
    contract: dict[str, Any] = {"contract": "CL-2291", "support_level": "Gold", "phone": "+31 20 555 0101"}
    for name, slug in (("Cardlink", "cardlink"), ("Northwind Hosting", "northwind")):
        Vendor.objects.create(name=name, slug=slug, response_minutes=30, **contract).services.add(cast.gateway)
    called = Vendor.objects.get(slug="cardlink")
    vendor_call(**asked, vendor=called, reason="No authorisations since 03:09.", actor=cast.elena)
    text = "# Before\n\nTell the till.\n\n1. **Drain** the gateway\n2. Restart it\n\n```\nmake drain\n```"
    runbook = Document.objects.create(title="Restart the gateway", slug="restart", kind="runbook", text=text)
    runbook.services.add(cast.gateway)
    hints: dict[str, Any] = {"keywords": "card declined", "for_requesters": True}
    Document.objects.create(title="When cards are declined", slug="declined", url="https://wiki.example.org/", **hints)
    return {"task": clean.pk}


def _ask_for_pack(night: Night, taken: Any) -> int:
    """Evidence that Amara asked for and that no task has made yet."""
    from reports.audit.packs import pack_ask

    return pack_ask(actor=night.cast.amara, incident=taken, at=night.at).pk


def _hang_together(night: Night, taken: Any) -> int:
    """An incident merged into one that is taken, another one that blocks it, and views kept by Marta."""
    from incidents.models import SavedView
    from incidents.services import lifecycle
    from incidents.services.linking import incident_link
    from incidents.services.merging import incident_merge
    from incidents.services.saved_views import view_save

    marta, at = night.cast.marta, night.at
    noise, queue = night.file("Refunds time out", severity=3), night.file("The payout queue is full", severity=3)
    lifecycle.incident_comment(incident_id=noise.pk, text="The same queue again.", actor=marta, at=at)
    incident_merge(incident_id=noise.pk, other_id=taken.pk, actor=marta, at=at, reason="One queue, two symptoms.")
    incident_link(incident_id=queue.pk, other_id=taken.pk, kind="blocks", actor=marta, at=at)
    kept: dict[str, Any] = {"owner": marta, "place": SavedView.Place.LIST, "at": at}
    view_save(name="Bad and ours", query="severity=1&severity=2&whose=team", shared="everybody", **kept)
    return view_save(name="Runs out soon", query="sla=soon&sort=sla", **kept).pk


def _happen(night: Night) -> dict[str, Any]:
    """Something in every state, and somewhere to go for every page."""
    from incidents.links import page_url
    from incidents.models import Service
    from incidents.services import lifecycle, talk
    from oncall.calendars.feeds import feed_create
    from oncall.calendars.sources import source_add
    from oncall.models import CalendarSource
    from oncall.services import override_create
    from oncall.tokens import token_create

    cast, at = night.cast, night.at
    promise(night)
    _ask_besides(night)
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
        incident_id=taken.pk, text="The queue grows. **Looking** at `db3`, @jonas.", actor=cast.marta, at=at
    )
    talk.decision_record(incident_id=taken.pk, text="No deploys until refunds work.", actor=cast.marta, at=at)
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
    _schedule_work(night, taken, wiki)
    questions = _ask(night)
    command = _under_command(night, questions["major"])
    handoffs = hand_over(night)
    plans = plan_ahead(night)
    walks = _walk(night)
    review = look_after(night)
    complaint = _wait(night, ringing, taken)
    token_create(owner=cast.marta, name="deploy script", actor=cast.marta, at=at)
    page, used = ringing.pages.get(), taken.pages.get()
    return {
        "ringing": ringing.pk,
        "complaint": complaint,
        "taken": taken.pk,
        "said": taken.timeline.get(kind="incident.comment").pk,
        "done": done.pk,
        "link": page_url(page.link_nonce).split("/p/")[1].strip("/"),
        "used_link": page_url(used.link_nonce).split("/p/")[1].strip("/"),
        "marta": cast.marta.pk,
        "review": review,
        "routed": _route(night),
        "saved_view": _hang_together(night, taken),
        "dashboard": arrange(night),
        "pack": _ask_for_pack(night, taken),
        **questions,
        **command,
        **handoffs,
        **plans,
        **walks,
        **send_out(night),
    }


def _walk(night: Night) -> dict[str, Any]:
    """What the walks find, for each size of screen: something a colleague filed, something that rings, something to lead."""
    from incidents.links import page_url

    places: dict[str, Any] = {}
    of_elena: dict[str, Any] = {"reporter": night.cast.elena, "severity": 3}
    for size, known in (("desktop", "Parcel tracking shows no dates"), ("phone", "Invoices print without a logo")):
        night.file(known, **of_elena)
        ringing = night.file(f"Card terminals are silent, says the {size}", **{**of_elena, "severity": 2})
        lead = night.file(f"Shops cannot close their day, says the {size}", **of_elena)
        nonce = ringing.pages.get().link_nonce
        places[f"walk_{size}"] = {"link": page_url(nonce).split("/p/")[1].strip("/"), "lead": lead.pk}
    return places


def _schedule_work(night: Night, taken: Any, wiki: Any) -> None:
    """Tasks that wait for each other, the first of them late; an incident that blocks it; two that were handed over."""
    from incidents.models import IncidentLink
    from incidents.services.handing import incident_reassign
    from incidents.services.task_waits import task_wait_add
    from incidents.services.tasks import task_create, task_state
    from incidents.services.teams import incident_team

    marta, jonas, at, hour = night.cast.marta, night.cast.jonas, night.at, timedelta(hours=1)
    made = []
    for title, kind, begin, end, who in (
        ("Restore the read replica", "task", -3, -1, marta),
        ("Replay the queue of refunds", "task", -1, 1, jonas),
        ("Tell the finance team", "task", 1, 2, None),
        ("Refunds are on time again", "milestone", 3, 3, None),
    ):
        planned: dict[str, Any] = {"starts_at": at + begin * hour, "due_at": at + end * hour, "kind": kind}
        made.append(
            task_create(incident_id=taken.pk, title=title, assignee=who, actor=marta, at=at - 4 * hour, **planned)
        )
    for before, after in pairwise(made):
        task_wait_add(task_id=after.pk, waits_on=before.pk, strict=after is not made[2], actor=marta, at=at)
    task_state(task_id=made[0].pk, state="doing", actor=marta, at=at - hour)
    block = night.file("Storage of the wiki is full", severity=3, service=wiki)
    IncidentLink.objects.create(source=block, target=taken, kind=IncidentLink.Kind.BLOCKS, by=marta, at=at)
    incident_team(incident_id=block.pk, team=night.cast.payments, actor=marta, reason="Our disk.", at=at)
    incident_reassign(incident_id=taken.pk, owner=jonas, actor=marta, at=at)


def _route(night: Night) -> int:
    """An incident that two rules sent another way than its service. Comes last: the rules hold for whatever is filed after."""
    from policies.books import ROUTING, book_publish

    rules = [
        {
            "key": "vip",
            "name": "VIP customers cannot pay",
            "reason": "A VIP customer cannot pay.",
            "when": {"all": [{"fact": "vip"}, {"any": [{"fact": "payment_failure"}, {"fact": "outage"}]}]},
            "then": {
                "severity_at_least": "SEV-1",
                "start_level": 2,
                "straight_to": [{"kind": "user", "ref": "tomas"}],
                "tell": [{"kind": "user", "ref": "elena"}],
                "protected": True,
            },
        },
        {
            "key": "gateway",
            "name": "The gateway earns the money",
            "when": {"fact": "service", "value": "payments-gateway"},
            "then": {"timers_percent": 50, "problem": True},
        },
    ]
    book_publish(shape=ROUTING, definition={"rules": rules}, author=night.cast.elena, at=night.at, reason="VIP first")
    facts = {"vip": True, "payment_failure": True, "customer": "Brightquay Retail"}
    return int(night.file("A VIP customer cannot pay", severity=3, facts=facts).pk)


def _wait(night: Night, ringing: Any, taken: Any) -> int:
    """Files and a complaint on Sofie's incidents, and what Jonas had begun to file."""
    from base64 import b64decode

    from django.core.files.base import ContentFile

    from incidents.models import Customer
    from incidents.services.attachments import attachment_add, draft_attachment_add
    from incidents.services.complaints import complaint_log
    from incidents.services.drafts import draft_save

    cast, at = night.cast, night.at
    shop = Customer.objects.create(name="Northwind Shops", slug="northwind-shops", tier=1, contract="Gold", vip=True)
    picture = b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    for content, name, actor, public in (
        (picture, "till-in-milan.png", cast.sofie, True),
        (b"02:09:11 carrier answered 503", "gateway.log", cast.marta, False),
    ):
        upload = ContentFile(content, name=name)
        attachment_add(incident_id=ringing.pk, upload=upload, actor=actor, at=at, public=public)
    draft = draft_save(user=cast.jonas, values={"title": ["Parcel labels do not print"]}, at=at)
    assert draft is not None
    draft_attachment_add(draft=draft, upload=ContentFile(picture, name="label.png"), actor=cast.jonas, at=at)
    return int(
        complaint_log(
            incident_id=taken.pk,
            text="We have waited for our refund for nine days and nobody calls us back.",
            complainant="Piet Bakker",
            customer=shop,
            received_at=at - timedelta(days=6),
            due_at=at - timedelta(days=1),
            owner=cast.elena,
            actor=cast.sofie,
            at=at,
        ).pk
    )


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
