"""What each button of a chat message does (R260), by the same services as behind every page."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident
from incidents.services import lifecycle
from incidents.services.teams import incident_team
from oncall.models import Team, User

SOURCE = "chat"
Act = Callable[[Incident, User, datetime, str, str], object]


def act(verb: str, incident: Incident, *, actor: User, choice: str, place: str, at: datetime) -> None:
    """Do what ``verb`` names, as ``actor``, from the chat channel ``place``. Raises DomainError for what the rules refuse."""
    if verb not in _ACTS:
        raise DomainError(_("There is no such button any more. Open the incident."))
    _ACTS[verb](incident, actor, at, choice, place)


def _acknowledge(incident: Incident, actor: User, at: datetime, _choice: str, _place: str) -> object:
    return lifecycle.incident_acknowledge(incident_id=incident.pk, actor=actor, at=at, source=SOURCE)


def _hand_over(incident: Incident, actor: User, at: datetime, choice: str, place: str) -> object:
    team = Team.objects.filter(slug=choice).first()
    if team is None:
        raise DomainError(_("There is no such team any more. Open the incident and choose another."))
    reason = _("Handed over in the chat channel %(place)s.") % {"place": place}
    return incident_team(incident_id=incident.pk, team=team, actor=actor, reason=reason, at=at, source=SOURCE)


def _resolve(incident: Incident, actor: User, at: datetime, _choice: str, place: str) -> object:
    resolution = _("Resolved in the chat channel %(place)s; what it was is not written down yet.") % {"place": place}
    return lifecycle.incident_resolve(incident_id=incident.pk, actor=actor, resolution=resolution, at=at, source=SOURCE)


_ACTS: Mapping[str, Act] = {"acknowledge": _acknowledge, "team": _hand_over, "resolve": _resolve}
