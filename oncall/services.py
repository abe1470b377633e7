"""Writes of the oncall app: people, teams, schedules, overrides. Each enters the ledger in its own transaction."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from oncall.models import Override, Schedule, ScheduleVersion, User
from oncall.rota_document import document_load


def actor_of(user: User | None) -> Actor:
    """The ledger's name for a person; None is the system."""
    return Actor("user", str(user.pk), user.name) if user else Actor.system("system")


@transaction.atomic
def schedule_publish(
    *,
    schedule: Schedule,
    definition: dict[str, Any],
    author: User | None,
    at: datetime,
    effective_from: datetime | None = None,
    reason: str = "",
) -> ScheduleVersion:
    """Give ``schedule`` a new version in force from ``effective_from`` (now, unless said otherwise); the past stays as it was.

    Returns the version in force when nothing would change. Raises DomainError (a RotaError) naming the field at fault, or when the
    instant lies before a version that is already in force: that would rewrite the past.
    """
    document_load(definition)
    effective_from = effective_from or at
    last = ScheduleVersion.objects.select_for_update().filter(schedule=schedule).order_by("-number").first()
    if last is not None and last.definition == definition:
        return last
    if last is not None and effective_from < last.effective_from:
        raise DomainError(_("A version cannot begin before the one it follows."), field="effective_from")
    version = ScheduleVersion.objects.create(
        schedule=schedule,
        number=last.number + 1 if last else 1,
        effective_from=effective_from,
        definition=definition,
        author=author,
        reason=reason,
        created_at=at,
    )
    entry_append(
        EntryValue(
            at=at,
            action="schedule.publish",
            object_type="schedule",
            object_id=str(schedule.pk),
            object_label=f"{schedule.name} v{version.number}",
            subject=f"schedule:{schedule.pk}",
            actor=actor_of(author),
            before={"definition": last.definition} if last else None,
            after={"definition": definition, "effective_from": effective_from.isoformat()},
            data={"reason": reason} if reason else None,
        )
    )
    return version


@transaction.atomic
def override_create(
    *,
    schedule: Schedule,
    user: User,
    start: datetime,
    end: datetime,
    actor: User | None,
    at: datetime,
    kind: str = Override.Kind.COVER,
    replaces: User | None = None,
    reason: str = "",
) -> Override:
    """Let ``user`` take a window of ``schedule``. Raises DomainError for a window that is empty or already over."""
    if end <= start:
        raise DomainError(_("The end must come after the start."), field="end")
    if end <= at:
        raise DomainError(_("The window is over; the past is not rewritten."), field="end")
    if kind == Override.Kind.REPLACE and replaces is None:
        raise DomainError(_("Say whom it replaces."), field="replaces")
    override = Override.objects.create(
        schedule=schedule,
        user=user,
        start=start,
        end=end,
        kind=kind,
        replaces=replaces,
        reason=reason,
        created_by=actor,
        created_at=at,
    )
    entry_append(_override_entry(override, "override.create", actor=actor, at=at))
    return override


@transaction.atomic
def override_cancel(*, override: Override, actor: User | None, at: datetime) -> Override:
    """End an override: from now on where it is under way, altogether where it has not begun. What was, stays."""
    if override.end <= at:
        raise DomainError(_("The window is over; the past is not rewritten."), field="end")
    if override.start < at:
        override.end = at
        override.save(update_fields=["end"])
    else:
        override.cancelled_at = at
        override.save(update_fields=["cancelled_at"])
    entry_append(_override_entry(override, "override.cancel", actor=actor, at=at))
    return override


def _override_entry(override: Override, action: str, *, actor: User | None, at: datetime) -> EntryValue:
    return EntryValue(
        at=at,
        action=action,
        object_type="override",
        object_id=str(override.pk),
        object_label=str(override),
        subject=f"schedule:{override.schedule_id}",
        actor=actor_of(actor),
        after={
            "kind": override.kind,
            "user": override.user.name,
            "replaces": override.replaces.name if override.replaces else None,
            "start": override.start.isoformat(),
            "end": override.end.isoformat(),
            "reason": override.reason,
        },
    )
