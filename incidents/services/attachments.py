"""Files on incidents and drafts: taken in, looked at by a scanner, bound to what was filed, taken away again.

Each has bytes of its own in the storage, under a name made of their digest and never of what a person typed; rows that
were made from one another (a split) may share them. Bytes are written before the row and deleted after it, so that what
a crash leaves behind is a file that no row names.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.changes import Changes
from incidents.files import ALLOWED, HEAD, MAX_SIZE, MAX_TOTAL, name_of, type_of
from incidents.models import Attachment, FilingDraft, Incident, TimelineEvent
from incidents.models.talk import attachment_path
from incidents.permissions import may_remove_attachment, require_reader
from incidents.services.working import working
from oncall.models import User

State = Attachment.State
FIELD = "files"
"""The field of forms and of the API that a refusal is about."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes that were taken in: what they are, and under which name the storage has them."""

    name: str
    content_type: str
    size: int
    sha256: str
    stored_as: str

    def row(self, **more: Any) -> Attachment:
        state = State.WAITING if settings.ATTACHMENT_SCANNER else State.CLEAN
        return Attachment(
            name=self.name,
            content_type=self.content_type,
            size=self.size,
            sha256=self.sha256,
            file=self.stored_as,
            state=state,
            **more,
        )

    def forget(self) -> None:
        default_storage.delete(self.stored_as)


def attachment_add(
    *,
    incident_id: int,
    upload: File[bytes],
    actor: User,
    at: datetime,
    public: bool = False,
    event: TimelineEvent | None = None,
    line: bool = True,
    source: str = "web",
) -> Attachment:
    """Attach a file to an incident. ``public`` says that the requester may have it; what a reporter attaches always is.

    ``line`` False leaves the timeline to a caller that writes a line of its own. Raises DomainError on "files" for what is
    too large or of no allowed type, NotAllowed for people who only read or may not see it.
    """
    taken = _taken(upload)
    try:
        with working(incident_id, actor=actor, at=at, source=source) as work:
            require_reader(actor, work.incident)
            _require_room(work.incident.attachments.all(), taken)
            row = taken.row(
                incident=work.incident,
                event=event,
                public=public or actor.role == User.Role.REPORTER,
                uploaded_by=actor,
                created_at=at,
            )
            attachment_save(row, by=actor, at=at)
            _enter_added(work.changes, work.incident, row, line=line)
    except BaseException:
        taken.forget()
        raise
    return row


def draft_attachment_add(*, draft: FilingDraft, upload: File[bytes], actor: User, at: datetime) -> Attachment:
    """Keep a file with what somebody is typing. Nobody else sees it before it is filed. Raises as `attachment_add`."""
    if draft.user_id != actor.pk:
        raise NotAllowed(_("This draft is somebody else’s."))
    taken = _taken(upload)
    try:
        with transaction.atomic():
            FilingDraft.objects.select_for_update().get(pk=draft.pk)
            _require_room(draft.attachments.all(), taken)
            row = taken.row(draft=draft, public=True, uploaded_by=actor, created_at=at)
            attachment_save(row, by=actor, at=at)
    except BaseException:
        taken.forget()
        raise
    return row


def attachments_bind(*, draft: FilingDraft, incident_id: int, actor: User, at: datetime, source: str = "web") -> int:
    """The draft was filed: its files are the incident's now, and its requester's. Returns how many."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        rows = list(draft.attachments.filter(removed_at=None).exclude(state=State.REFUSED))
        for row in rows:
            row.incident, row.draft = work.incident, None
            attachment_save(row, by=actor, at=at)
            _enter_added(work.changes, work.incident, row)
    return len(rows)


def attachment_remove(*, attachment_id: int, actor: User, at: datetime, source: str = "web") -> Attachment:
    """Take a file away: the row stays, the bytes go. Whoever attached it may, and responders of the incident.

    Removing twice does nothing. Raises NotAllowed.
    """
    with transaction.atomic():
        row = Attachment.objects.select_related("incident", "draft").get(pk=attachment_id)
        if not may_remove_attachment(actor, row):
            raise NotAllowed(_("Only whoever attached it and the responders of its incident may remove it."))
        if row.incident is None:
            _remove(row, by=actor, at=at)
            return row
        with working(row.incident.pk, actor=actor, at=at, source=source) as work:
            row.refresh_from_db()
            if row.removed_at is None:
                _remove(row, by=actor, at=at)
                work.changes.timeline(
                    work.incident, "attachment.remove", source=source, name=row.name, public=row.public
                )
                attachment_enter(work.changes, work.incident, "attachment.remove", row)
    return row


def attachment_scanned(*, attachment_id: int, clean: bool, at: datetime, reason: str = "") -> Attachment:
    """What the scanner found. A file it refuses is never given out and its bytes are deleted; the row says why.

    Said twice it does nothing. Raises Conflict where the file is gone meanwhile.
    """
    with transaction.atomic():
        row = Attachment.objects.get(pk=attachment_id)
        if row.removed_at is not None:
            raise Conflict(_("It was removed meanwhile."))
        if row.state != State.WAITING:
            return row
        if clean or row.incident_id is None:
            _settle(row, clean=clean, reason=reason, at=at)
            return row
        with working(row.incident_id, actor=None, at=at, source="scan") as work:
            _settle(row, clean=False, reason=reason, at=at)
            work.changes.timeline(work.incident, "attachment.refuse", name=row.name, reason=row.reason)
            attachment_enter(work.changes, work.incident, "attachment.refuse", row, reason=row.reason)
    return row


def attachments_forget(rows: Iterable[Attachment]) -> None:
    """Delete the bytes of rows that are about to go with their draft, once that is certain."""
    for row in rows:
        _forget_bytes(row)


def _taken(upload: File[bytes]) -> Taken:
    """Look at what came, and store it. Raises DomainError naming the file."""
    name = name_of(upload.name or "")
    size = upload.size or 0
    if size > MAX_SIZE:
        raise DomainError(
            _("%(name)s is too large: a file has at most %(most)d MB.") % {"name": name, "most": MAX_SIZE // 1_048_576},
            field=FIELD,
        )
    upload.seek(0)
    head = upload.read(HEAD)
    content_type = type_of(head)
    if content_type not in ALLOWED:
        raise DomainError(
            _("%(name)s is of no kind that may be attached: pictures, recordings, text, PDF, archives, office files.")
            % {"name": name},
            field=FIELD,
        )
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    upload.seek(0)
    path = attachment_path(Attachment(sha256=sha256), name)
    return Taken(name, content_type, size, sha256, default_storage.save(path, upload))


def _require_room(rows: QuerySet[Attachment], taken: Taken) -> None:
    had = rows.filter(removed_at=None).aggregate(total=Sum("size"))["total"] or 0
    if had + taken.size > MAX_TOTAL:
        raise DomainError(
            _("%(name)s does not fit: all files together have at most %(most)d MB.")
            % {"name": taken.name, "most": MAX_TOTAL // 1_048_576},
            field=FIELD,
        )


def attachment_save(row: Attachment, *, by: User | None, at: datetime) -> None:
    """Write the row with its history row; a new one that waits for the scanner is handed to it."""
    is_new = row._state.adding
    history: Any = row
    history._history_date, history._history_user = at, by
    row.save()
    if is_new and row.state == State.WAITING:
        transaction.on_commit(partial(async_task, "incidents.scanning.attachment_scan", row.pk))


def _remove(row: Attachment, *, by: User | None, at: datetime) -> None:
    row.removed_at = at
    attachment_save(row, by=by, at=at)
    _forget_bytes(row)


def _settle(row: Attachment, *, clean: bool, reason: str, at: datetime) -> None:
    row.state = State.CLEAN if clean else State.REFUSED
    row.reason = "" if clean else reason.strip()[:200]
    attachment_save(row, by=None, at=at)
    if not clean:
        _forget_bytes(row)


def _forget_bytes(row: Attachment) -> None:
    """Delete its bytes when this is committed, unless another row has the same ones."""
    transaction.on_commit(partial(_delete_unnamed, row.file.name, row.pk))


def _delete_unnamed(stored_as: str | None, pk: int) -> None:
    others = Attachment.objects.filter(file=stored_as, removed_at=None).exclude(state=State.REFUSED).exclude(pk=pk)
    if stored_as and not others.exists():
        default_storage.delete(stored_as)


def _enter_added(changes: Changes, incident: Incident, row: Attachment, *, line: bool = True) -> None:
    if line:
        changes.timeline(
            incident, "attachment.add", source=changes.source, name=row.name, attachments=[row.pk], public=row.public
        )
    attachment_enter(changes, incident, "attachment.add", row)


def attachment_enter(changes: Changes, incident: Incident, action: str, row: Attachment, **more: Any) -> None:
    """The ledger's entry about a file."""
    changes.ledger(
        incident,
        action,
        object_type="attachment",
        object_id=str(row.pk),
        object_label=row.name,
        data={"type": row.content_type, "size": row.size, "sha256": row.sha256, "public": row.public, **more},
    )
