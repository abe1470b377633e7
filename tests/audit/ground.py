"""Which tables only ever grow, discovered from the models, and a row in each of them."""

from datetime import timedelta

from django.apps import apps
from django.db import models

from audit.models import LedgerEntry
from incidents.models import Stage, TimelineEvent
from oncall.models import Absence, CalendarSource, Handoff, HandoffNote, Skill, Swap
from oncall.services import override_create
from policies.models import Guideline, PolicyReview
from tests.world.harness import World

FACTS: tuple[type[models.Model], ...] = (LedgerEntry, TimelineEvent)


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


def _care(world: World) -> None:
    """One of everything that looks after policies."""
    policy, now, later = world.cast.policy, world.now, world.now + timedelta(hours=1)
    Guideline.objects.create(policy=policy, title="Runbook", url="https://docs.brightquay.example/runbook")
    PolicyReview.objects.create(policy=policy, cause=PolicyReview.Cause.QUARTER, opened_at=now, due_at=later)
