"""Writes of exports: what is taken out is put on record before the first byte goes; what is sent regularly is sent once."""

from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from audit.rows import refusal_of, row_set
from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User
from oncall.rota.clock import zone_named
from oncall.services import actor_of
from oncall.telling import as_read_by
from reports.exports.asking import query_kept
from reports.exports.making import TYPES, Made, file_made
from reports.exports.sources import query_require, source_of
from reports.exports.table import Table
from reports.models.exports import ExportFile, ExportSchedule, Format
from reports.regular import Cadence, Regular

State = ExportFile.State
KEPT = timedelta(days=7)
LEASE = timedelta(minutes=15)
TASK_SECONDS = 840
"""How long a task may make one file: below what the cluster waits before it hands a task out again."""
MOST_TRIES = 3
OVERLOOKED = timedelta(minutes=2)
"""A file that waits longer has lost its task."""
ATTACHED = 5 * 1024 * 1024
"""Bytes of a file that travels with the mail; a larger one is fetched by its link."""
MOST_SCHEDULES = 30
MOST_WAITING = 5
LONGEST_QUERY = 4_000
NOTICE_PRIORITY = 70
"""After every page and every other notice."""
NOUN = "export_schedule"


# --- taking out


@transaction.atomic
def export_enter(*, user: User, source: str, query: str, format: str, table: Table, at: datetime) -> None:
    """Who took how many rows of what out, by which filters; in the ledger before the first byte goes."""
    _enter(user, source, query, format, at, count=table.count, more=table.more)


def _enter(user: User, source: str, query: str, format: str, at: datetime, **data: Any) -> None:
    entry_append(
        EntryValue(
            at=at,
            action="data_export.take",
            object_type="data_export",
            object_id=source,
            object_label=f"{source_of(source, user).label} ({format.upper()})",
            subject=f"user:{user.pk}",
            actor=actor_of(user),
            data={"source": source, "filters": query, "format": format, **data},
        )
    )


@transaction.atomic
def export_request(*, user: User, source: str, query: str, format: str, at: datetime) -> ExportFile:
    """Have a file made for ``user``; they are told when it is there. Raises DomainError naming the field at fault."""
    found = source_of(source, user)
    _require_format(format)
    query_require(source, query)
    waiting = ExportFile.objects.filter(owner=user, state__in=(State.WAITING, State.MAKING)).count()
    if waiting >= MOST_WAITING:
        raise DomainError(_("%(number)d exports of yours are being made. Wait for one of them.") % {"number": waiting})
    row = ExportFile.objects.create(
        owner=user,
        name=str(found.label)[:80],
        source=source,
        query=_query(query),
        format=format,
        asked_at=at,
    )
    _start(row)
    return row


def _require_format(format: str) -> None:
    if format not in Format.values:
        raise DomainError(_("Choose a format."), field="format")


def _query(text: str) -> str:
    kept = query_kept(text)
    if len(kept) > LONGEST_QUERY:
        raise DomainError(_("These are too many filters to keep."), field="query")
    return kept


def _start(row: ExportFile) -> None:
    task = partial(async_task, "reports.exports.tasks.export_make", row.pk, timeout=TASK_SECONDS)
    transaction.on_commit(task)


# --- making


def export_make(*, export_id: int, at: datetime) -> ExportFile | None:
    """Make one file and tell its owner; None where another task has it or it is made already. Late or twice does no harm.

    What the owner may not see any more is not in it: rights are those of this moment. A refusal ends it with its reason; any
    other error leaves it to be tried again, three times at most, and is raised.
    """
    row = _claim(export_id, at)
    if row is None:
        return None
    try:
        if not row.owner.is_active:
            raise NotAllowed(_("The person has left."))
        with file_made(user=row.owner, source=row.source, query=row.query, format=row.format, at=at) as made:
            _settle(row, made, at=at)
    except DomainError as error:
        with as_read_by(row.owner):
            _fail(row, str(error.message), at=at)
    except Exception as error:
        if row.tries >= MOST_TRIES:
            _fail(row, f"{type(error).__name__}", at=at)
        raise
    return row


@transaction.atomic
def _claim(export_id: int, at: datetime) -> ExportFile | None:
    free = Q(state=State.WAITING) | Q(state=State.MAKING, lease_until__lt=at)
    row = (
        ExportFile.objects.select_for_update(of=("self",))
        .select_related("owner", "schedule")
        .filter(free, pk=export_id)
        .first()
    )
    if row is None:
        return None
    row.state, row.lease_until, row.tries = State.MAKING, at + LEASE, row.tries + 1
    row.save(update_fields=["state", "lease_until", "tries"])
    return row


def _settle(row: ExportFile, made: Made, *, at: datetime) -> None:
    """The file is there: keep it, put it on record, tell the owner; all or nothing."""
    with made.path.open("rb") as content, transaction.atomic():
        row.file.save(made.filename, File(content), save=False)
        row.rows, row.size = made.rows, made.path.stat().st_size
        row.state, row.ready_at, row.expires_at, row.lease_until = State.READY, at, at + KEPT, None
        row.save()
        by = {"export": row.pk, "schedule": row.schedule_id} if row.schedule_id else {"export": row.pk}
        _enter(row.owner, row.source, row.query, row.format, at, count=made.rows, bytes=row.size, **by)
        _tell(row, made.title, at=at)


@transaction.atomic
def _fail(row: ExportFile, reason: str, *, at: datetime) -> None:
    row.state, row.reason, row.lease_until = State.FAILED, reason[:200], None
    row.save()
    entry_append(
        EntryValue(
            at=at,
            action="data_export.fail",
            object_type="data_export",
            object_id=str(row.pk),
            object_label=row.name,
            subject=f"user:{row.owner_id}",
            data={"source": row.source, "format": row.format, "reason": row.reason},
        )
    )
    _tell(row, row.name, at=at)


def _tell(row: ExportFile, title: str, *, at: datetime) -> None:
    """A mail for each file, once: with it where it is small enough, with a link always."""
    if not row.owner.is_active:
        return
    base = settings.PUBLIC_URL.rstrip("/")
    ready = row.state == State.READY
    link = base + (reverse("exports:file", args=(row.pk,)) if ready else reverse("exports:list"))
    attached = ready and (row.size or 0) <= ATTACHED and row.schedule_id is not None
    with as_read_by(row.owner):
        subject = (_("%(name)s is ready") if ready else _("%(name)s could not be made")) % {"name": row.name}
        lines = [title, ""]
        if ready:
            lines += [_("%(rows)d rows, %(format)s.") % {"rows": row.rows, "format": row.format.upper()}]
            lines += [_("The file is attached.")] if attached else [_("Fetch it here within seven days:")]
        else:
            lines += [row.reason]
        if row.schedule_id is not None:
            lines += [
                "",
                _("You get it regularly. Change or stop it here: %(link)s") % {"link": base + reverse("exports:list")},
            ]
    value = MessageValue(
        recipient_id=row.owner_id,
        kind="notice",
        urgency="low",
        subject=subject,
        body="\n".join(lines),
        link=link,
        idempotency_key=f"export:{row.pk}",
        priority=NOTICE_PRIORITY,
        context={"subject": f"export:{row.schedule_id or row.pk}", **({"files": [_enclosed(row)]} if attached else {})},
    )
    messages_create([value], at=at)


def _enclosed(row: ExportFile) -> dict[str, str]:
    """The file as the mail's context names it."""
    path = str(row.file.name)
    return {"path": path, "name": path.rsplit("/", 1)[1], "type": TYPES[Format(row.format)]}


# --- regularly


def regular_of(row: ExportSchedule) -> Regular:
    """When it is due, on its owner's clock."""
    zone = zone_named(row.owner.time_zone)
    return Regular(Cadence(row.cadence), row.send_at, zone, weekday=row.weekday, day=row.day)


@transaction.atomic
def export_schedule_set(
    *,
    owner: User,
    at: datetime,
    name: str,
    source: str,
    query: str,
    format: str,
    cadence: str,
    send_at: time,
    weekday: int = 0,
    day: int = 1,
    active: bool = True,
    schedule: ExportSchedule | None = None,
    actor: Actor | None = None,
) -> ExportSchedule:
    """Send a list or report regularly, or change what is sent. ``actor`` is whoever does it where that is not the owner: a file
    that was applied. Raises DomainError naming the field at fault, NotAllowed where the owner's role does not see the source,
    or the schedule is another's."""
    source_of(source, owner)
    _require_format(format)
    query_require(source, query)
    if cadence not in ExportSchedule.Cadence.values:
        raise DomainError(_("Choose how often."), field="cadence")
    if schedule is not None and schedule.owner_id != owner.pk:
        raise NotAllowed(_("Only its owner changes it."))
    if schedule is None and ExportSchedule.objects.filter(owner=owner).count() >= MOST_SCHEDULES:
        raise DomainError(_("You have %(most)d regular exports already. Delete one first.") % {"most": MOST_SCHEDULES})
    row = schedule or ExportSchedule(owner=owner, created_at=at)
    row.owner = owner
    values = {
        "name": name.strip(), "source": source, "query": _query(query), "format": format, "cadence": cadence,
        "send_at": send_at, "weekday": weekday, "day": day, "active": active,
    }  # fmt: skip
    planned = Regular(Cadence(cadence), send_at, zone_named(owner.time_zone), weekday=weekday, day=day)
    row.next_due_at = planned.next_after(at)
    try:
        row_set(row, values, noun=NOUN, at=at, actor=actor or actor_of(owner), user=None if actor else owner)
    except ValidationError as error:
        raise refusal_of(error, taken=_("You have a regular export of that name already.")) from error
    return row


@transaction.atomic
def export_schedule_delete(*, schedule: ExportSchedule, actor: User, at: datetime) -> None:
    """Send it no more. What was made stays for its week. Raises NotAllowed for another's."""
    if schedule.owner_id != actor.pk:
        raise NotAllowed(_("Only its owner changes it."))
    pk, label = schedule.pk, schedule.name
    schedule.delete()
    entry_append(
        EntryValue(
            at=at,
            action="export_schedule.delete",
            object_type=NOUN,
            object_id=str(pk),
            object_label=label,
            subject=f"{NOUN}:{pk}",
            actor=actor_of(actor),
        )
    )


def exports_check(*, at: datetime) -> dict[str, int]:
    """Every minute: what is due is asked for, what lost its task gets another, what is over is deleted. Twice does no harm."""
    due = ExportSchedule.objects.filter(active=True, next_due_at__lte=at).order_by("next_due_at", "pk")
    asked = [pk for pk in due.values_list("pk", flat=True) if _ask(pk, at)]
    lost = Q(state=State.WAITING, asked_at__lt=at - OVERLOOKED) | Q(state=State.MAKING, lease_until__lt=at)
    again = list(ExportFile.objects.filter(lost).order_by("pk")[:50])
    for row in again:
        _again(row, at)
    return {"asked": len(asked), "again": len(again), "gone": _forget(at)}


@transaction.atomic
def _ask(schedule_id: int, at: datetime) -> bool:
    """Ask for the file of one due instant and move to the next one. What fell due while nobody looked is sent once."""
    row = (
        ExportSchedule.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(pk=schedule_id, active=True, next_due_at__lte=at)
        .first()
    )
    if row is None:
        return False
    due, row.next_due_at = row.next_due_at, regular_of(row).next_after(at)
    # Where it stands in time is no change of what somebody wanted: no row of history for it.
    ExportSchedule.objects.filter(pk=row.pk).update(next_due_at=row.next_due_at)
    if not row.owner.is_active:
        return False
    made, is_new = ExportFile.objects.get_or_create(
        schedule=row,
        due_at=due,
        defaults={
            "owner": row.owner, "name": row.name, "source": row.source, "query": row.query, "format": row.format,
            "asked_at": at,
        },
    )  # fmt: skip
    if is_new:
        _start(made)
    return is_new


def _again(row: ExportFile, at: datetime) -> None:
    if row.tries >= MOST_TRIES:
        _fail(row, _("It was begun three times and never ended."), at=at)
        return
    async_task("reports.exports.tasks.export_make", row.pk, timeout=TASK_SECONDS)


def _forget(at: datetime) -> int:
    """Delete the files whose week is over; the rows stay, with who had what made."""
    over = list(ExportFile.objects.filter(state=State.READY, expires_at__lte=at).order_by("pk")[:200])
    for row in over:
        row.file.delete(save=False)
        row.state, row.file = State.GONE, ""
        row.save(update_fields=["state", "file"])
    return len(over)
