"""Customers' complaints about an incident: logged, given to somebody, answered (R303)."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import plain
from incidents.models import Complaint, Customer
from incidents.permissions import require_complaint_answerer, require_reader
from incidents.services.notices import people_tell
from incidents.services.working import Work, working
from oncall.models import User

MAX_TEXT = 10_000


def complaint_log(
    *,
    incident_id: int,
    text: str,
    actor: User,
    at: datetime,
    complainant: str = "",
    customer: Customer | None = None,
    received_at: datetime | None = None,
    due_at: datetime | None = None,
    owner: User | None = None,
    source: str = "web",
) -> Complaint:
    """Log a complaint; whoever is to answer it is told. Without a customer it is the incident's own.

    Raises DomainError naming the field at fault, NotAllowed for people who only read or may not see the incident.
    """
    received = received_at or at
    if not text.strip():
        raise DomainError(_("Write down what they complain about."), field="text")
    if received > at:
        raise DomainError(_("It cannot have come in the future."), field="received_at")
    if due_at is not None and due_at < received:
        raise DomainError(_("That is before it came."), field="due_at")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        _require_answerer(owner)
        row = Complaint(
            incident=work.incident,
            customer=customer or work.incident.customer,
            complainant=complainant.strip()[:160],
            text=text.strip()[:MAX_TEXT],
            received_at=received,
            due_at=due_at,
            owner=owner,
            created_by=actor,
            created_at=at,
        )
        _save(work, row)
        after = {"text": row.text, "complainant": row.complainant, "due_at": plain(due_at), "owner": _name(owner)}
        _enter(work, row, "complaint.create", after=after)
        who = row.complainant or (row.customer.name if row.customer else _("a customer"))
        work.changes.timeline(work.incident, "complaint.log", text=row.text, source=source, name=who)
        _tell(work, row)
    return row


def complaint_assign(
    *, complaint_id: int, owner: User | None, due_at: datetime | None, actor: User, at: datetime, source: str = "web"
) -> Complaint:
    """Say who is to answer it and by when. Raises Conflict where it is answered, DomainError, NotAllowed."""
    row = Complaint.objects.get(pk=complaint_id)
    with working(row.incident_id, actor=actor, at=at, source=source) as work:
        row.refresh_from_db()
        require_complaint_answerer(actor, row)
        _require_open(row)
        _require_answerer(owner)
        if due_at is not None and due_at < row.received_at:
            raise DomainError(_("That is before it came."), field="due_at")
        before, had = {"owner": _name(row.owner), "due_at": plain(row.due_at)}, row.owner_id
        after = {"owner": _name(owner), "due_at": plain(due_at)}
        if before == after and had == (owner.pk if owner else None):
            return row
        row.owner, row.due_at = owner, due_at
        _save(work, row)
        _enter(work, row, "complaint.change", before=before, after=after)
        if owner is not None and owner.pk != had:
            _tell(work, row)
    return row


def complaint_answer(*, complaint_id: int, answer: str, actor: User, at: datetime, source: str = "web") -> Complaint:
    """It was answered, in these words. Raises Conflict where it was answered before, DomainError without words, NotAllowed."""
    if not answer.strip():
        raise DomainError(_("Write down what was answered."), field="answer")
    row = Complaint.objects.get(pk=complaint_id)
    with working(row.incident_id, actor=actor, at=at, source=source) as work:
        row.refresh_from_db()
        require_complaint_answerer(actor, row)
        _require_open(row)
        row.answer, row.answered_at, row.answered_by = answer.strip()[:MAX_TEXT], at, actor
        _save(work, row)
        late = row.due_at is not None and at > row.due_at
        _enter(work, row, "complaint.answer", after={"answer": row.answer}, data={"late": late})
        work.changes.timeline(work.incident, "complaint.answer", text=row.answer, source=source)
    return row


def _require_open(row: Complaint) -> None:
    if row.answered_at is not None:
        raise Conflict(_("It was answered already."))


def _require_answerer(owner: User | None) -> None:
    if owner is not None and (not owner.is_active or owner.role == User.Role.AUDITOR):
        raise DomainError(_("%(name)s answers no complaints.") % {"name": owner.name}, field="owner")


def _tell(work: Work, row: Complaint) -> None:
    if row.owner is None:
        return
    people_tell(
        incident=work.incident,
        users=[row.owner],
        key=f"complaint:{row.pk}:{work.changes.at.isoformat()}",
        says=lambda: [_("A complaint is yours to answer:"), row.text[:500]],
        changes=work.changes,
        place=reverse("incidents:complaint", args=(row.pk,)),
    )


def _save(work: Work, row: Complaint) -> None:
    history: Any = row
    history._history_date, history._history_user = work.changes.at, work.changes.user
    row.save()


def _enter(work: Work, row: Complaint, action: str, **more: Any) -> None:
    work.changes.ledger(
        work.incident,
        action,
        object_type="complaint",
        object_id=str(row.pk),
        object_label=str(row),
        **more,
    )


def _name(user: User | None) -> str | None:
    return user.name if user else None
