"""What one person may do with one incident (DESIGN.md §8). Every page, API call and service asks here."""

from datetime import datetime, timedelta

from django.http import Http404
from django.utils.translation import gettext as _

from audit.looking import Reading, reading_note
from escalation_site.kernel.errors import NotAllowed
from incidents.models import Attachment, Checkpoint, CheckpointAsk, Complaint, Incident, SavedView
from incidents.selectors.approving import approvers_of, managers_of
from incidents.selectors.beside import with_beside
from incidents.selectors.ladder import with_current_run
from oncall.models import User


def incident_for(user: User, pk: int, *, with_run: bool = False) -> Incident:
    """The incident, with its service, team, stage, owner and reporter. Raises Http404 where ``user`` may not see it or it is not there.

    ``with_run``: its current run comes with it, for ``run_of``, and what ``incidents.selectors.beside`` tells.
    """
    rows = Incident.objects.visible_to(user).select_related(
        "service__policy", "team", "stage", "owner", "reporter", "integration", "resolved_by", "overseer"
    )
    found = (with_current_run(with_beside(rows)) if with_run else rows).filter(pk=pk).first()
    if found is None:
        raise Http404
    restricted_read(found)
    setattr(found, _SEEN_BY, user.pk)
    return found


_SEEN_BY = "_seen_by"


def sees(user: User, incident: Incident) -> bool:
    """Whether ``user`` may see ``incident``: no query for an instance that ``incident_for`` found for them, as in one request, nor for
    staff where it is not restricted, which ``visible_to`` shows to all of them."""
    if getattr(incident, _SEEN_BY, 0) == user.pk:
        return True
    if not incident.restricted and user.role != User.Role.REPORTER:
        return True
    return Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def restricted_read(incident: Incident) -> None:
    """Say that an incident is being shown: who reads a restricted one is on record, once per visit (R035)."""
    if incident.restricted:
        reading_note(
            Reading("incident.read", "incident", str(incident.pk), incident.reference, f"incident:{incident.pk}")
        )


def may_act(user: User, incident: Incident) -> bool:
    """Whether ``user`` may acknowledge, escalate, resolve and so on: responders, managers and administrators who see it."""
    return user.is_active and user.may_respond and sees(user, incident)


def require_responder(user: User, incident: Incident) -> None:
    """Raise NotAllowed unless ``user`` may act on ``incident``."""
    if not may_act(user, incident):
        raise NotAllowed(_("Only responders of this incident may do that. Ask its team or an administrator."))


def may_silence(user: User, incident: Incident) -> bool:
    """Whether ``user``, who may act on it, may also keep it from ringing: a protected one only the owners of its service (its
    team, administrators) may."""
    if not incident.protected or user.role == User.Role.ADMINISTRATOR:
        return True
    return user.memberships.filter(team=incident.service.team_id).exists()


def require_reader(user: User, incident: Incident) -> None:
    """Raise NotAllowed unless ``user`` works with incidents and may see this one: enough to say something on it."""
    if not (may_file(user) and sees(user, incident)):
        raise NotAllowed(_("Only people who work on this incident may write on it."))


def may_decide(user: User, checkpoint: Checkpoint) -> bool:
    """Whether ``user`` may say what becomes of what waits: whoever was asked, responders who answer for the incident (its owner, its
    team) and administrators. Auditors only read.
    """
    if not user.is_active or user.role == User.Role.AUDITOR:
        return False
    if user.role == User.Role.ADMINISTRATOR or CheckpointAsk.objects.filter(checkpoint=checkpoint, user=user).exists():
        return True
    incident = checkpoint.incident
    answers_for = incident.owner_id == user.pk or user.memberships.filter(team=incident.team_id).exists()
    return answers_for and may_act(user, incident)


def require_decider(user: User, checkpoint: Checkpoint) -> None:
    """Raise NotAllowed unless ``user`` may decide what waits."""
    if not may_decide(user, checkpoint):
        raise NotAllowed(_("Only those who were asked, and the responders of its team, may decide this."))


def may_file(user: User) -> bool:
    """Everybody who works with incidents may file one; auditors only read."""
    return user.is_active and user.role != User.Role.AUDITOR


def may_approve(user: User, incident: Incident, *, at: datetime) -> bool:
    """Whether ``user`` may let an important action on ``incident`` be done (R099): level 3 of its policy, managers of its team,
    administrators. Auditors only read."""
    if not user.is_active or not user.may_respond or not may_act(user, incident):
        return False
    if user.role == User.Role.ADMINISTRATOR or user in managers_of(incident):
        return True
    return user in approvers_of(incident, at=at)


def may_see_work(user: User, incident: Incident) -> bool:
    """Whether ``user``, who sees ``incident``, sees the work on it too: those who respond and those who audit. Whoever filed it has a
    page of their own."""
    return user.is_active and (user.may_respond or user.role == User.Role.AUDITOR)


def attachment_for(user: User, pk: int) -> Attachment:
    """The attachment, with its incident. Raises Http404 where it was removed, or where ``user`` may not see it: a draft's file is its
    author's only, one that is not for the requester is for those who work on the incident."""
    row = (
        Attachment.objects.select_related("incident__service", "draft", "uploaded_by")
        .filter(pk=pk, removed_at=None)
        .first()
    )
    if row is None or not _may_see_attachment(user, row):
        raise Http404
    if row.incident is not None:
        restricted_read(row.incident)
    return row


def _may_see_attachment(user: User, row: Attachment) -> bool:
    if row.incident is None:
        return row.draft is not None and row.draft.user_id == user.pk
    if not sees(user, row.incident):
        return False
    return row.public or row.uploaded_by_id == user.pk or user.role != User.Role.REPORTER


def may_remove_attachment(user: User, row: Attachment) -> bool:
    """Whoever attached it may take it away, and so may the responders of its incident."""
    if row.incident is None:
        return row.draft is not None and row.draft.user_id == user.pk
    own = row.uploaded_by_id == user.pk and may_file(user)
    return (own and _may_see_attachment(user, row)) or may_act(user, row.incident)


REOPEN_WITHIN = timedelta(days=14)
"""For so long after its resolution may whoever filed an incident say that it is not over."""


def is_requester(user: User, incident: Incident) -> bool:
    """Whether ``user`` filed it and may see it."""
    own = incident.reporter_id == user.pk and user.is_active
    return own and sees(user, incident)


def require_requester(user: User, incident: Incident) -> None:
    """Raise NotAllowed unless ``user`` filed it."""
    if not is_requester(user, incident):
        raise NotAllowed(_("Only whoever filed it may say how it went."))


def may_reopen(user: User, incident: Incident, *, at: datetime) -> bool:
    """Responders may, whenever it is resolved; whoever filed it may for some days."""
    if incident.resolved_at is not None and at <= incident.resolved_at + REOPEN_WITHIN and is_requester(user, incident):
        return may_file(user)
    return may_act(user, incident)


def require_reopener(user: User, incident: Incident, *, at: datetime) -> None:
    """Raise NotAllowed unless ``user`` may open it again."""
    if not may_reopen(user, incident, at=at):
        raise NotAllowed(
            _("Only responders may open it again, and for %(days)d days whoever filed it. File a new one instead.")
            % {"days": REOPEN_WITHIN.days}
        )


def complaint_for(user: User, pk: int) -> Complaint:
    """The complaint, with its incident. Raises Http404 where ``user`` may not see the incident."""
    row = Complaint.objects.select_related("incident__service", "incident__team", "customer", "owner", "created_by")
    found = row.select_related("answered_by").filter(pk=pk, incident__in=Incident.objects.visible_to(user)).first()
    if found is None:
        raise Http404
    restricted_read(found.incident)
    return found


def may_answer_complaint(user: User, complaint: Complaint) -> bool:
    """Whoever it was given to, whoever logged it, and responders of its incident."""
    own = user.pk in (complaint.owner_id, complaint.created_by_id) and may_file(user)
    return (own and Incident.objects.visible_to(user).filter(pk=complaint.incident_id).exists()) or may_act(
        user, complaint.incident
    )


def require_complaint_answerer(user: User, complaint: Complaint) -> None:
    """Raise NotAllowed unless ``user`` may answer the complaint or give it to somebody."""
    if not may_answer_complaint(user, complaint):
        raise NotAllowed(_("Only whoever it was given to and responders of its incident may answer it."))


def may_override(user: User, incident: Incident) -> bool:
    """Whether ``user`` may let it enter a stage although something is missing that must be there: managers and administrators who
    may act on it. Their reason is put on record."""
    return user.role in (User.Role.MANAGER, User.Role.ADMINISTRATOR) and may_act(user, incident)


def may_configure(user: User) -> bool:
    """Whether ``user`` changes what the house asks and how its incidents move: fields, categories, customers, stages."""
    return user.is_active and user.role == User.Role.ADMINISTRATOR


def require_configurer(user: User) -> None:
    """Raise NotAllowed unless ``user`` may change the form and the workflow."""
    if not may_configure(user):
        raise NotAllowed(_("Only administrators change the form and the workflow."))


def may_change_view(user: User, view: SavedView) -> bool:
    """Whoever made a saved view changes it; managers and administrators tidy up what is shared with them."""
    if not user.is_active or user.role == User.Role.AUDITOR:
        return user.is_active and view.owner_id == user.pk
    if view.owner_id == user.pk or view.shared == SavedView.Shared.NOBODY:
        return view.owner_id == user.pk
    if user.role == User.Role.ADMINISTRATOR:
        return True
    own_team = view.team_id is not None and user.memberships.filter(team=view.team_id).exists()
    return user.role == User.Role.MANAGER and own_team


def require_view_changer(user: User, view: SavedView) -> None:
    """Raise NotAllowed unless ``user`` may change the saved view."""
    if not may_change_view(user, view):
        raise NotAllowed(_("Only whoever made this view may change it. Make a copy of your own."))
