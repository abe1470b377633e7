"""The world of the crawl: one of everything that an address may be about."""

from datetime import time, timedelta
from typing import Any

from django.core.cache import cache
from django.core.files.base import ContentFile

from incidents.checkpoint_words import SEVERITY
from incidents.models import (
    ActionPlan,
    Alarm,
    Category,
    Customer,
    CustomField,
    Document,
    Incident,
    IncidentLink,
    Objective,
    RespondingTeam,
    ResponseRole,
    Review,
    RoleDuty,
    RoleHolder,
    RoutingDecision,
    SavedView,
    Task,
    TaskWait,
    TimeEntry,
    Vendor,
    VendorCase,
)
from incidents.services.attachments import attachment_add
from incidents.services.complaints import complaint_log
from incidents.services.lifecycle import incident_open
from notifications.models import ChatAccount, Destination
from oncall.calendars.feeds import feed_create
from oncall.models import (
    Absence,
    CalendarSource,
    DutyClock,
    GapAcceptance,
    Handoff,
    HandoffNote,
    Skill,
    Swap,
    SwapAsk,
)
from oncall.services import override_create
from oncall.tokens import token_create
from policies.books import ROUTING, book_publish
from policies.models import Guideline, PolicyReview, WorkCalendar
from reports.care.findings import findings_check
from reports.care.reviews import review_open
from reports.figures.keeping import figures_follow_all
from reports.models import AuditPack, Dashboard, Digest, ExportFile, ExportSchedule, LedgerView
from tests.incidents.asking import asked
from tests.world.harness import World

FEED = "crawl-feed"
"""Where the cache keeps the address of the calendar feed: the database has its digest alone."""


def populate(world: World) -> None:
    """One of everything: an alert that pages Marta, a restricted incident of another team, an override, a token."""
    world.alert()
    world.settle()
    world.expect_page("marta")
    cast = world.cast
    asked(world, world.incident, cast.jonas, action=SEVERITY, data={"severity": 4})
    world.settle()
    world.expect_notice("jonas")
    gateway = cast.gateway
    secret = type(gateway).objects.create(name="Vault", slug="vault", team=cast.platform)
    incident_open(
        title="Keys leaked", summary="", severity=1, service=secret, reporter=cast.nils, at=world.now, restricted=True
    )
    override_create(
        schedule=cast.schedule,
        user=cast.jonas,
        start=world.now + timedelta(days=1),
        end=world.now + timedelta(days=2),
        actor=cast.jonas,
        at=world.now,
    )
    token_create(owner=cast.hugo, name="script", actor=cast.hugo, at=world.now)
    Destination.objects.create(
        name="Operations", slug="ops", kind="chat", host="hooks.example", address_sealed="sealed"
    )
    ChatAccount.objects.create(
        user=cast.hugo, host="chat.example", account="of-hugo", handle="hugo", linked_at=world.now
    )
    due = {"send_at": time(8), "next_due_at": world.now + timedelta(hours=6)}
    Digest.objects.create(kind="standup", team=cast.payments, **due)
    ExportSchedule.objects.create(owner=cast.elena, name="Weekly", source="report", created_at=world.now, **due)
    ExportFile.objects.create(owner=cast.elena, name="Weekly", source="report", format="csv", asked_at=world.now)
    _plan(world)


def _plan(world: World) -> None:
    """What people plan around a schedule, mostly Jonas's: an absence, a swap Marta is asked for, a handoff to him, a feed."""
    cast, now, later = world.cast, world.now + timedelta(days=3), world.now + timedelta(days=4)
    made = {"created_at": world.now}
    Skill.objects.create(name="PostgreSQL", slug="postgresql")
    Absence.objects.create(user=cast.jonas, start=now, end=later, state=Absence.State.PENDING, **made)
    swap = Swap.objects.create(
        schedule=cast.schedule, role="secondary", requester=cast.jonas, start=now, end=later, expires_at=now, **made
    )
    SwapAsk.objects.create(swap=swap, user=cast.marta, asked_at=world.now)
    Handoff.objects.create(
        schedule=cast.schedule, role="secondary", at=world.now, outgoing=cast.marta, incoming=cast.jonas, **made
    )
    HandoffNote.objects.create(schedule=cast.schedule, author=cast.jonas, text="Quiet night.", watch=True, **made)
    GapAcceptance.objects.create(
        schedule=cast.schedule, role="primary", start=now, end=later, accepted_by=cast.elena, accepted_at=world.now
    )
    DutyClock.objects.create(schedule=cast.schedule, checked_until=world.now)
    CalendarSource.objects.create(user=cast.jonas, created_by=cast.jonas, **made)
    _feed, plain = feed_create(owner=cast.jonas, schedule=None, actor=cast.jonas, at=world.now)
    cache.set(FEED, plain)
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}]
    WorkCalendar.objects.create(name="Office", slug="office", zone="Europe/Rome", windows=hours)
    Guideline.objects.create(policy=cast.policy, title="How to declare", url="https://docs.brightquay.example/")
    review_open(policy=cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=cast.elena, at=world.now)
    findings_check(at=world.now)
    _house(world)
    _form(world)
    _work(world)
    _waiting(world)
    # Kept figures are counted on by whoever asks for them, where the task of each minute has not been there yet.
    figures_follow_all(at=world.now)


def _form(world: World) -> None:
    """What the house asks besides, and a review of Marta's incident."""
    Category.objects.create(name="Security", slug="security")
    Customer.objects.create(name="Northwind", slug="northwind")
    CustomField.objects.create(key="loss", label="Loss per hour", kind=CustomField.Kind.NUMBER)
    made = {"created_at": world.now, "edited_at": world.now}
    Review.objects.create(
        incident=Incident.objects.earliest("pk"), author=world.cast.marta, root_cause="A full disk", **made
    )


def _waiting(world: World) -> None:
    """What people add to Marta's incident who only wait for its end: a file that is not for requesters, a complaint."""
    number = Incident.objects.earliest("pk").pk
    given: dict[str, Any] = {"incident_id": number, "actor": world.cast.jonas, "at": world.now}
    attachment_add(upload=ContentFile(b"Out of memory", name="boot.log"), **given)
    complaint_log(text="We lose money.", complainant="Northwind", **given)


def _work(world: World) -> None:
    """The work on Marta's incident: a task, a plan, a vendor that was called and one that was not, a document."""
    incident, now = Incident.objects.earliest("pk"), world.now
    made = {"incident": incident, "created_at": now}
    first = Task.objects.create(title="Restart it", **made)
    TaskWait.objects.create(task=Task.objects.create(title="Look again", **made), waits_on=first)
    Objective.objects.create(text="Payments work again", **made)
    ActionPlan.objects.create(edited_at=now, sections=[{"title": "Known", "text": "Nothing."}], **made)
    commander = ResponseRole.objects.get(key="commander")
    RoleHolder.objects.create(incident=incident, role=commander, user=world.cast.jonas, since=now)
    RoleDuty.objects.create(role=ResponseRole.objects.get(key="scribe"), user=world.cast.jonas)
    TimeEntry.objects.create(incident=incident, user=world.cast.jonas, minutes=5, at=now)
    for name in ("Acme", "Cardlink"):
        Vendor.objects.create(name=name, slug=name.lower()).services.add(incident.service)
    cardlink = Vendor.objects.get(slug="cardlink")
    VendorCase.objects.create(incident=incident, vendor=cardlink, opened_at=now, due_at=now)
    Document.objects.create(title="Restart the gateway", slug="restart", text="Turn it off.")


def _house(world: World) -> None:
    """What holds for the whole house, and what it noticed of itself."""
    incident, now = Incident.objects.earliest("pk"), world.now
    vip: dict[str, Any] = {"key": "vip", "name": "VIP", "when": {"fact": "vip"}, "then": {"problem": True}}
    rules = {"rules": [vip], "otherwise": {"timers_percent": 50}}
    version = book_publish(shape=ROUTING, definition=rules, author=world.cast.elena, at=now)
    RoutingDecision.objects.create(incident=incident, at=now, book_version=version, decision={})
    SavedView.objects.create(owner=world.cast.marta, name="Mine", query="whose=mine", created_at=now)
    Dashboard.objects.create(owner=world.cast.elena, name="Nights", created_at=now)
    AuditPack.objects.create(asked_by=world.cast.amara, asked_at=now, incident=incident)
    LedgerView.objects.create(owner=world.cast.amara, name="Pages", query="action=page.", created_at=now)
    secret = Incident.objects.get(restricted=True)
    IncidentLink.objects.create(source=incident, target=secret, kind=IncidentLink.Kind.RELATED, at=now)
    RespondingTeam.objects.create(incident=incident, team=world.cast.platform, joined_at=now)
    Alarm.objects.create(code="engine_silent", data={"seconds": 90}, opened_at=now)
