"""Writes of the oncall app: people, teams, schedules, overrides. Each enters the ledger in its own transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from oncall import ports
from oncall.gaps import GapsOpened, gaps_opened
from oncall.loading import schedules_load
from oncall.models import CalendarSource, GapAcceptance, Override, Schedule, ScheduleVersion, User
from oncall.notices import shifts_watched
from oncall.rota import Gap, ScheduleSpec
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
    accept_gaps: bool = False,
) -> ScheduleVersion:
    """Give ``schedule`` a new version in force from ``effective_from`` (now, unless said otherwise); the past stays as it was.

    A version that was planned for a later instant is replaced with it: an urgent change never waits for a planned one, nor is
    undone by it. Returns the last version when nothing would change. Raises DomainError (a RotaError) naming the field at fault, or
    when the instant is over (``effective_from``; only a first version may tell of a past that nobody has planned here). Raises
    GapsOpened where a path in use would lead to nobody at some time to come, unless ``accept_gaps`` says that this is known (R004);
    it is kept who said so.
    """
    spec = document_load(definition)
    effective_from = effective_from or at
    last = ScheduleVersion.objects.select_for_update().filter(schedule=schedule).order_by("-number").first()
    if last is not None and last.definition == definition and last.effective_from <= effective_from:
        return last
    if last is not None and effective_from < at:
        raise DomainError(_("That is over; the past is not rewritten."), field="effective_from")
    opened = _gaps_of_edit(schedule, spec, effective_from=effective_from, at=at)
    if opened and not accept_gaps:
        raise GapsOpened(opened)
    with shifts_watched([schedule], actor=author, at=at):
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
    gaps_accept(schedule=schedule, gaps=opened, actor=author, at=at, reason=reason)
    return version


def _gaps_of_edit(schedule: Schedule, spec: ScheduleSpec, *, effective_from: datetime, at: datetime) -> tuple[Gap, ...]:
    """The gaps to come that a definition would open on a path in use; none where no policy leads to the schedule."""
    before = schedules_load([schedule], since=at)[schedule.pk]
    # Also refuses a schedule that would follow itself.
    after = before.with_definition(spec, effective_from=effective_from)
    return gaps_opened(before, after, at=at) if ports.paths_of([schedule.pk]) else ()


@transaction.atomic
def gaps_accept(
    *, schedule: Schedule, gaps: Sequence[Gap], actor: User | None, at: datetime, reason: str = ""
) -> list[GapAcceptance]:
    """Keep that somebody knows of these gaps: they are shown with that name from now on, and nobody is nagged about them."""
    accepted = [
        GapAcceptance(
            schedule=schedule,
            role=gap.role,
            start=gap.start,
            end=gap.end,
            reason=reason,
            accepted_by=actor,
            accepted_at=at,
        )
        for gap in gaps
    ]
    GapAcceptance.objects.bulk_create(accepted)
    if accepted:
        spans = [{"role": gap.role, "start": gap.start.isoformat(), "end": gap.end.isoformat()} for gap in gaps]
        entry_append(
            EntryValue(
                at=at,
                action="schedule.accept_gaps",
                object_type="schedule",
                object_id=str(schedule.pk),
                object_label=schedule.name,
                subject=f"schedule:{schedule.pk}",
                actor=actor_of(actor),
                after={"gaps": spans, "reason": reason},
            )
        )
    return accepted


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
    role: str = "",
    reason: str = "",
    cause: str = Override.Cause.OVERRIDE,
    source: CalendarSource | None = None,
    source_uid: str = "",
) -> Override:
    """Let ``user`` take a window of ``schedule``, in one ``role`` or, where that is empty, as ``rota.Override`` says.

    A window that has begun counts from ``at`` on. Raises DomainError for one that is empty or already over, and for somebody
    whose account is switched off.
    """
    if end <= start:
        raise DomainError(_("The end must come after the start."), field="end")
    if end <= at:
        raise DomainError(_("The window is over; the past is not rewritten."), field="end")
    if not user.is_active and kind != Override.Kind.REMOVE:
        raise DomainError(_("This account is switched off: nobody would be reached."), field="user")
    if kind == Override.Kind.REPLACE and replaces is None:
        raise DomainError(_("Say whom it replaces."), field="replaces")
    if kind == Override.Kind.REPLACE and replaces == user:
        raise DomainError(_("Nobody replaces themselves."), field="replaces")
    with shifts_watched([schedule], actor=actor, at=at):
        override = Override.objects.create(
            schedule=schedule,
            user=user,
            start=max(start, at),
            end=end,
            kind=kind,
            replaces=replaces if kind == Override.Kind.REPLACE else None,
            role=role,
            cause=cause,
            reason=reason,
            created_by=actor,
            created_at=at,
            source=source,
            source_uid=source_uid,
        )
    entry_append(_override_entry(override, "override.create", actor=actor, at=at))
    return override


@transaction.atomic
def override_cancel(*, override: Override, actor: User | None, at: datetime) -> Override:
    """End an override: from now on where it is under way, altogether where it has not begun. What was, stays.

    Taking it back twice does nothing. Raises DomainError once its window is over.
    """
    # Of two who end it at once, the second finds it ended.
    override = (
        Override.objects.select_for_update(of=("self",))
        .select_related("schedule", "user", "replaces")
        .get(pk=override.pk)
    )
    if override.cancelled_at is not None:
        return override
    if override.end <= at:
        raise DomainError(_("The window is over; the past is not rewritten."), field="end")
    with shifts_watched([override.schedule], actor=actor, at=at):
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
            "role": override.role,
            "cause": override.cause,
            "start": override.start.isoformat(),
            "end": override.end.isoformat(),
            "reason": override.reason,
        },
    )
