"""Complaints as pages show them: those of one incident, and those that wait for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from incidents.models import Complaint, Incident
from oncall.models import User

MOST = 100


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    complaint: Complaint
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class ComplaintCounts:
    waiting: int
    overdue: int


def complaints_of(incident: Incident, *, at: datetime) -> list[ComplaintRow]:
    """Those about ``incident``, in their order: one query."""
    rows = incident.complaints.select_related("customer", "owner", "answered_by", "created_by").order_by("id")
    return [complaint_row(row, at=at) for row in rows]


def complaint_row(row: Complaint, *, at: datetime) -> ComplaintRow:
    return ComplaintRow(row, row.answered_at is None and row.due_at is not None and row.due_at < at)


def complaints_waiting(user: User, *, at: datetime) -> list[ComplaintRow]:
    """Unanswered ones about incidents that ``user`` may see, the soonest due first: one query."""
    rows = _visible(user).filter(answered_at=None).select_related("incident__service", "customer", "owner")
    return [complaint_row(row, at=at) for row in rows.order_by(F("due_at").asc(nulls_last=True), "id")[:MOST]]


def complaints_answered(user: User, *, limit: int = 20, at: datetime) -> Sequence[ComplaintRow]:
    """The answered ones, the newest answers first: one query."""
    rows = _visible(user).exclude(answered_at=None).select_related("incident__service", "customer", "answered_by")
    return [complaint_row(row, at=at) for row in rows.order_by("-answered_at")[:limit]]


def complaint_counts(user: User, *, at: datetime) -> ComplaintCounts:
    """How many wait, and how many of them for too long: one query."""
    late = Count("id", filter=Q(due_at__lt=at))
    found = _visible(user).filter(answered_at=None).aggregate(waiting=Count("id"), overdue=late)
    return ComplaintCounts(found["waiting"], found["overdue"])


def _visible(user: User) -> QuerySet[Complaint]:
    return Complaint.objects.filter(incident__in=Incident.objects.visible_to(user).order_by())
