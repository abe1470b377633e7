"""What one person may do with one incident (DESIGN.md §8). Every page, API call and service asks here."""

from django.http import Http404
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import NotAllowed
from incidents.models import Incident
from oncall.models import User


def incident_for(user: User, pk: int) -> Incident:
    """The incident, with its service, team, stage, owner and reporter. Raises Http404 where ``user`` may not see it or it is not there."""
    found = (
        Incident.objects.visible_to(user)
        .select_related("service__policy", "team", "stage", "owner", "reporter", "integration", "resolved_by")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404
    return found


def may_act(user: User, incident: Incident) -> bool:
    """Whether ``user`` may acknowledge, escalate, resolve and so on: responders, managers and administrators who see it."""
    return user.is_active and user.may_respond and Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def require_responder(user: User, incident: Incident) -> None:
    """Raise NotAllowed unless ``user`` may act on ``incident``."""
    if not may_act(user, incident):
        raise NotAllowed(_("Only responders of this incident may do that. Ask its team or an administrator."))


def require_reader(user: User, incident: Incident) -> None:
    """Raise NotAllowed unless ``user`` works with incidents and may see this one: enough to say something on it."""
    if not (may_file(user) and Incident.objects.visible_to(user).filter(pk=incident.pk).exists()):
        raise NotAllowed(_("Only people who work on this incident may write on it."))


def may_file(user: User) -> bool:
    """Everybody who works with incidents may file one; auditors only read."""
    return user.is_active and user.role != User.Role.AUDITOR
