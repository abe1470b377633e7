"""Which tables only ever grow, discovered from the models, and a row in each of them."""

from datetime import time, timedelta

from django.apps import apps
from django.db import models

from audit.models import LedgerEntry
from incidents.models import (
    ActionPlan,
    Attachment,
    Category,
    Complaint,
    Customer,
    CustomField,
    Document,
    Incident,
    IncidentLink,
    Objective,
    PlanTemplate,
    ResponseRole,
    Review,
    RoleDuty,
    RoutingDecision,
    SavedView,
    Stage,
    StageGuard,
    Survey,
    Task,
    TimeEntry,
    TimelineEvent,
    Transition,
    Vendor,
    VendorCase,
)
from notifications.models import Destination
from oncall.models import Absence, CalendarSource, Handoff, HandoffNote, Skill, Swap
from oncall.services import override_create
from policies.books import ROUTING, book_publish
from policies.models import Guideline, PolicyReview, WorkCalendar
from reports.models import Dashboard, Digest, DigestReader, ExportSchedule, LedgerView
from tests.world.harness import World

FACTS: tuple[type[models.Model], ...] = (LedgerEntry, RoutingDecision, TimelineEvent)


def is_history(model: type[models.Model]) -> bool:
    """Whether django-simple-history made this model: its rows say what another model's row was."""
    return hasattr(model, "instance_type") and hasattr(model, "history_type")


def is_version(model: type[models.Model]) -> bool:
    """Whether the model keeps numbered readings of something, as PolicyVersion does."""
    return model.__name__.endswith("Version") and not is_history(model)


def append_only_models() -> list[type[models.Model]]:
    """The ledger, the timeline, every history and every version table: a new one is in the list by existing."""
    found = [model for model in apps.get_models(include_auto_created=True) if is_history(model) or is_version(model)]
    return sorted({*FACTS, *found}, key=lambda model: model._meta.db_table)


def populate(world: World) -> None:
    """Let something happen that leaves a row in every append-only table."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    Stage.objects.get(key="new").save()
    _plan(world)
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.jonas,
        start=world.now,
        end=world.now + timedelta(hours=1),
        actor=world.cast.jonas,
        at=world.now,
    )


def _plan(world: World) -> None:
    """One of everything people plan around a schedule."""
    marta, now, later = world.cast.marta, world.now, world.now + timedelta(hours=1)
    span = {"start": now, "end": later, "created_at": now}
    Absence.objects.create(user=marta, **span)
    Swap.objects.create(schedule=world.cast.schedule, role="primary", requester=marta, expires_at=later, **span)
    Skill.objects.create(name="PostgreSQL", slug="postgresql")
    Handoff.objects.create(schedule=world.cast.schedule, role="primary", at=now, incoming=marta, created_at=now)
    HandoffNote.objects.create(schedule=world.cast.schedule, author=marta, text="Quiet night.", created_at=now)
    CalendarSource.objects.create(user=marta, created_by=marta, created_at=now)
    _care(world)
    _books(world)
    _workspace(world)


def _books(world: World) -> None:
    """One of everything that holds for the whole house."""
    rules = {"rules": [], "otherwise": {"timers_percent": 50}}
    version = book_publish(shape=ROUTING, definition=rules, author=world.cast.marta, at=world.now)
    incident = Incident.objects.get()
    RoutingDecision.objects.create(incident=incident, at=world.now, book_version=version, decision={})
    WorkCalendar.objects.create(name="Office", slug="office")
    Destination.objects.create(name="Operations", slug="ops", kind="chat", address_sealed="sealed")


def _care(world: World) -> None:
    """One of everything that looks after policies."""
    policy, now, later = world.cast.policy, world.now, world.now + timedelta(hours=1)
    Guideline.objects.create(policy=policy, title="Runbook", url="https://docs.brightquay.example/runbook")
    PolicyReview.objects.create(policy=policy, cause=PolicyReview.Cause.QUARTER, opened_at=now, due_at=later)


def _workspace(world: World) -> None:
    """One of everything people add around an incident."""
    marta, now, later = world.cast.marta, world.now, world.now + timedelta(hours=1)
    incident, service = Incident.objects.get(), world.cast.gateway
    service.save()
    category = Category.objects.create(name="Outage", slug="outage")
    Customer.objects.create(name="Northgate", slug="northgate")
    CustomField.objects.create(key="ward", label="Ward")
    SavedView.objects.create(owner=marta, name="Mine", created_at=now)
    Document.objects.create(title="Restart the gateway", slug="restart", text="Turn it off.")
    made = {"incident": incident, "created_at": now}
    Attachment.objects.create(name="a.log", content_type="text/plain", size=1, sha256="0" * 64, **made)
    Complaint.objects.create(text="Again.", received_at=now, created_by=marta, **made)
    Objective.objects.create(text="Payments work again", **made)
    Task.objects.create(title="Restart it", **made)
    ActionPlan.objects.create(edited_at=now, **made)
    Review.objects.create(author=marta, edited_at=now, **made)
    PlanTemplate.objects.create(name="Flood at the desk", slug="flood-at-the-desk")
    LedgerView.objects.create(owner=world.cast.amara, name="Sign-ins", created_at=now)
    Dashboard.objects.create(owner=world.cast.elena, name="Nights", created_at=now)
    digest = Digest.objects.create(kind="standup", team=world.cast.payments, send_at=time(8), next_due_at=now)
    DigestReader.objects.create(digest=digest, user=marta, wanted=True)
    ExportSchedule.objects.create(
        owner=marta, name="Mine", source="incidents", send_at=time(8), next_due_at=now, created_at=now
    )
    role = ResponseRole.objects.create(key="driver", name="Driver")
    RoleDuty.objects.create(role=role, user=marta)
    TimeEntry.objects.create(incident=incident, user=marta, minutes=5, at=now)
    Survey.objects.create(incident=incident, user=marta, score=5, at=now)
    other = Incident.objects.create(
        title="Another",
        severity=3,
        stage=incident.stage,
        service=service,
        team=incident.team,
        source="person",
        started_at=now,
    )
    IncidentLink.objects.create(source=incident, target=other, kind=IncidentLink.Kind.RELATED, at=now)
    vendor = Vendor.objects.create(name="Acme", slug="acme")
    VendorCase.objects.create(incident=incident, vendor=vendor, opened_at=now, due_at=later)
    first, second = Stage.objects.order_by("position")[:2]
    Transition.objects.create(before=second, after=first)
    StageGuard.objects.create(stage=second, kind=StageGuard.Kind.OWNER)
    category.save()
