"""Audit packs: asked for by a person, made by a task, kept for a set time. Services.

A pack that a crash left half made is made again: its file is named by its digest, so that nothing is half there.
"""

import hashlib
import tempfile
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from audit.bundles import MOST
from audit.sealing import ledger_seal
from audit.services import EntryValue, entry_append
from audit.values import Actor
from escalation_site.kernel.errors import DomainError
from incidents.changes import actor_of
from incidents.models import Incident
from oncall.models import User
from oncall.rota.clock import zone_named
from reports.audit.pack_tables import Scope, scope_count
from reports.audit.pack_writing import pack_write
from reports.models import AuditPack

log = structlog.get_logger(__name__)
TASK = "reports.tasks.pack_make"
TASK_SECONDS = 800
"""After so long the task is killed; below django-q2's own time for handing it out again."""
KEPT = timedelta(days=30)
STALE = timedelta(minutes=30)
"""A pack that has not come by then is made anew."""
MOST_OPEN = 3
"""Packs one person may have under way: each takes a worker's time."""
MAKER = Actor.system("audit-pack")
State = AuditPack.State


@transaction.atomic
def pack_ask(
    *,
    actor: User,
    at: datetime,
    incident: Incident | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    language: str = "en",
) -> AuditPack:
    """Ask for the evidence of an incident, or of a period (from ``since`` to before ``until``). A task makes it.

    Raises DomainError for a period that is none or that holds too much, and where too many are under way.
    """
    if incident is None and (since is None or until is None or until <= since):
        raise DomainError(_("The end must come after the start."), field="until")
    if AuditPack.objects.filter(asked_by=actor, state__in=(State.WAITING, State.MAKING)).count() >= MOST_OPEN:
        raise DomainError(_("Wait until the packs you asked for are made."))
    pack = AuditPack(
        asked_by=actor,
        asked_at=at,
        incident=incident,
        since=None if incident else since,
        until=None if incident else until,
        language=language,
        time_zone=actor.time_zone,
    )
    if scope_count(Scope.of(pack)) > MOST:
        raise DomainError(
            _("This holds more than %(most)d entries. Choose a shorter time.") % {"most": MOST}, field="until"
        )
    pack.save()
    _enter(pack, "pack.ask", actor_of(actor), at)
    _queue(pack)
    return pack


def pack_make(*, pack_id: int, at: datetime) -> str:
    """Make it now, unless that was done or is being done; returns its state. What fails is on record with its reason."""
    pack = _claimed(pack_id, at)
    if pack is None:
        return ""
    try:
        # What has happened by now is to be proved too.
        ledger_seal(at=at)
        with tempfile.TemporaryFile() as file:
            with translation.override(pack.language), timezone.override(zone_named(pack.time_zone)):
                pack_write(file, Scope.of(pack), at=at, progress=partial(_progress, pack))
            _finish(pack, file, at)
    except Exception as error:
        log.exception("packs.failed", pack=pack.pk)
        _fail(pack, type(error).__name__, at)
    return pack.state


def packs_tend(*, at: datetime) -> dict[str, int]:
    """Every hour: what is over its time goes, and what a crash left half made is made again."""
    stale = AuditPack.objects.filter(Q(begun_at=None) | Q(begun_at__lt=at - STALE), asked_at__lt=at - STALE)
    lost = list(stale.filter(state__in=(State.WAITING, State.MAKING)))
    for pack in lost:
        AuditPack.objects.filter(pk=pack.pk, state=State.MAKING).update(state=State.WAITING)
        _queue(pack)
    over = list(AuditPack.objects.filter(state=State.READY, expires_at__lte=at))
    for pack in over:
        _expire(pack, at)
    return {"asked again": len(lost), "expired": len(over)}


def pack_downloaded(*, pack: AuditPack, actor: User, at: datetime) -> None:
    """Put on record that somebody takes it away."""
    _enter(pack, "pack.download", actor_of(actor), at)


def _queue(pack: AuditPack) -> None:
    transaction.on_commit(partial(async_task, TASK, pack.pk, q_options={"timeout": TASK_SECONDS}))


@transaction.atomic
def _claimed(pack_id: int, at: datetime) -> AuditPack | None:
    waiting = AuditPack.objects.filter(pk=pack_id, state=State.WAITING)
    if not waiting.update(state=State.MAKING, begun_at=at):
        return None
    return AuditPack.objects.select_related("incident", "asked_by").get(pk=pack_id)


def _progress(pack: AuditPack, done: int, total: int) -> None:
    AuditPack.objects.filter(pk=pack.pk).update(done=done, total=total)


def _finish(pack: AuditPack, file: Any, at: datetime) -> None:
    file.seek(0)
    pack.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    pack.size = file.tell()
    file.seek(0)
    with transaction.atomic():
        pack.file.save("pack", File(file), save=False)
        pack.state, pack.ready_at, pack.expires_at = State.READY, at, at + KEPT
        pack.save(update_fields=["file", "sha256", "size", "state", "ready_at", "expires_at"])
        _enter(pack, "pack.make", MAKER, at)


@transaction.atomic
def _fail(pack: AuditPack, reason: str, at: datetime) -> None:
    pack.state, pack.reason = State.FAILED, reason[:200]
    pack.save(update_fields=["state", "reason"])
    _enter(pack, "pack.fail", MAKER, at)


@transaction.atomic
def _expire(pack: AuditPack, at: datetime) -> None:
    name = pack.file.name
    pack.state, pack.file = State.GONE, ""
    pack.save(update_fields=["state", "file"])
    _enter(pack, "pack.expire", MAKER, at)
    if name and not AuditPack.objects.filter(file=name).exists():
        transaction.on_commit(partial(default_storage.delete, name))


def _enter(pack: AuditPack, action: str, actor: Actor, at: datetime) -> None:
    data = {"sha256": pack.sha256, "bytes": pack.size} if pack.sha256 else {}
    if pack.reason:
        data["reason"] = pack.reason
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="pack",
            object_id=str(pack.pk),
            object_label=str(pack),
            subject=f"pack:{pack.pk}",
            actor=actor,
            data=data or None,
        )
    )
