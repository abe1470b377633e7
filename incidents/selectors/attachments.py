"""Attachments as pages show them."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from incidents.files import SHOWN, kind_words
from incidents.models import Attachment, FilingDraft, Incident
from incidents.permissions import may_act
from oncall.models import User


@dataclass(frozen=True, slots=True)
class AttachmentShown:
    """One file; ``may_remove`` is whether the reader may take it away, ``is_picture`` whether it can be shown in the page. ``origin`` is
    the reference of the merged incident it came with, "" where it is the incident's own."""

    row: Attachment
    kind: str
    may_remove: bool
    is_picture: bool
    origin: str = ""

    @property
    def is_ready(self) -> bool:
        return self.row.state == Attachment.State.CLEAN

    @property
    def is_failed(self) -> bool:
        return self.row.state == Attachment.State.FAILED

    @property
    def is_refused(self) -> bool:
        return self.row.state == Attachment.State.REFUSED


def attachments_of(incident: Incident, *, user: User, public_only: bool = False) -> list[AttachmentShown]:
    """The files of ``incident``, which ``user`` sees, and of those merged into it, that they may have. Two queries. ``public_only`` is
    the requester's view of it."""
    merged = Incident.objects.visible_to(user).filter(merged_into=incident).order_by().values("pk")
    rows = Attachment.objects.filter(Q(incident=incident) | Q(incident__in=merged), removed_at=None)
    rows = rows.select_related("uploaded_by").order_by("id")
    if public_only or user.role == User.Role.REPORTER:
        rows = rows.filter(public=True) | rows.filter(uploaded_by=user)
    acts = may_act(user, incident)
    return [
        _shown(
            row,
            acts or row.uploaded_by_id == user.pk,
            origin="" if row.incident_id == incident.pk else f"INC-{row.incident_id}",
        )
        for row in rows
    ]


def attachments_by_number(numbers: Collection[int], *, user: User) -> dict[int, AttachmentShown]:
    """Those of these files that are still there, for lines of a timeline that name them: one query, none without numbers. Requesters get
    those that are meant for them, and their own."""
    rows = Attachment.objects.filter(pk__in=numbers, removed_at=None) if numbers else []
    outside = user.role == User.Role.REPORTER
    return {row.pk: _shown(row, False) for row in rows if not outside or row.public or row.uploaded_by_id == user.pk}


def attachments_of_draft(draft: FilingDraft | None) -> list[AttachmentShown]:
    """The files kept with a draft, for its author: one query, none without a draft."""
    rows = list(draft.attachments.filter(removed_at=None).order_by("id")) if draft else []
    return [_shown(row, True) for row in rows]


def _shown(row: Attachment, may_remove: bool, *, origin: str = "") -> AttachmentShown:
    return AttachmentShown(row, kind_words(row.content_type), may_remove, row.content_type in SHOWN, origin)
