"""What whoever filed an incident, or only follows it, needs to know: their requests, and what they may still do with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from incidents.models import Complaint, Follower, Incident, Survey
from incidents.permissions import REOPEN_WITHIN, is_requester, may_file
from incidents.selectors.attachments import AttachmentShown, attachments_of
from oncall.models import User

MOST = 50
"""Requests of each kind on the page; the list of incidents has them all."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request in the list. ``asks`` is whether it waits for the survey's answer."""

    incident: Incident
    is_own: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class Requests:
    open: Sequence[RequestRow]
    over: Sequence[RequestRow]


def requests_of(user: User) -> Requests:
    """What ``user`` filed or follows and may see, open ones by their beginning, those that are over by their end: three queries, four
    for support staff whose teams have very much."""
    found = _requests(user)
    return Requests(
        _rows(found.filter(resolved_at=None).order_by("-started_at"), user),
        _rows(found.filter(state=Incident.State.RESOLVED).order_by("-resolved_at"), user),
    )


def _requests(user: User) -> QuerySet[Incident]:
    """By their numbers: "or" would look at every incident there is."""
    filed = Incident.objects.filter(reporter=user).order_by().values("pk")
    followed = Follower.objects.filter(user=user).order_by().values("incident")
    rated = Survey.objects.filter(incident=OuterRef("pk"), user=user)
    found = Incident.objects.visible_once(user).filter(pk__in=filed.union(followed))
    return found.annotate(rated=Exists(rated)).select_related("service", "owner", "stage")


def _rows(found: QuerySet[Incident], user: User) -> list[RequestRow]:
    rows = []
    for incident in found[:MOST]:
        own = incident.reporter_id == user.pk
        rows.append(RequestRow(incident, own, own and not incident.is_open and not getattr(incident, "rated", False)))
    return rows


@dataclass(frozen=True, slots=True)
class Requester:
    """What ``user`` may do with one incident as its requester. ``survey`` is what they said of it."""

    is_own: bool
    follows: bool
    gathers: bool
    may_follow: bool
    may_reopen: bool
    reopen_until: datetime | None
    survey: Survey | None
    files: Sequence[AttachmentShown]
    complaints: Sequence[Complaint]


def requester_of(incident: Incident, *, user: User, at: datetime) -> Requester:
    """Seven queries at most."""
    follower = Follower.objects.filter(incident=incident, user=user).first()
    own = is_requester(user, incident)
    until = incident.resolved_at + REOPEN_WITHIN if incident.resolved_at else None
    rates = own and not incident.is_open
    return Requester(
        is_own=own,
        follows=follower is not None,
        gathers=follower is not None and follower.gathered,
        may_follow=may_file(user),
        may_reopen=own and may_file(user) and until is not None and at <= until,
        reopen_until=until,
        survey=Survey.objects.filter(incident=incident, user=user).first() if rates else None,
        files=attachments_of(incident, user=user, public_only=True),
        complaints=list(incident.complaints.filter(created_by=user).select_related("owner")),
    )


def surveys_of(incident: Incident, *, user: User) -> list[Survey]:
    """What was said of how it went: whoever works on it reads all of it, its requester their own. One query."""
    rows = incident.surveys.select_related("user")
    return list(rows.filter(user=user) if user.role == User.Role.REPORTER else rows)
