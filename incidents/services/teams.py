"""An incident goes from one team to another (R196): the new team has it, the old one keeps it in sight, and the ladder goes on."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.duty import tell
from incidents.handovers import CHECKLIST
from incidents.models import Incident, RespondingTeam, TimelineEvent
from incidents.permissions import require_responder
from incidents.selectors.who import team_on_call
from incidents.services.handing import TRIED, came_along
from incidents.services.working import working
from oncall.models import Membership, Team, User
from oncall.telling import note_to


def team_clash(incident: Incident, seen: str | None) -> Conflict | None:
    """What to say where it went to another team after ``seen`` (a team's slug; None asks for nothing) had it."""
    if seen is None or seen == incident.team.slug:
        return None
    words = _("%(name)s has it by now. Send it again to hand it on.")
    return Conflict(words % {"name": incident.team.name}, field="team")


def incident_team(
    *,
    incident_id: int,
    team: Team,
    actor: User,
    reason: str,
    at: datetime,
    seen: str | None = None,
    source: str = "web",
) -> Incident:
    """Hand it over to ``team``. Its run keeps the policy it began with, and whoever owns it has it until somebody takes it over.

    What came along is kept, and the new team says whether it had the full context (``incidents.services.handover_rating``).
    The old team stays with it as a responding one, so that a restricted incident does not vanish from its sight. Whoever is on call
    in ``team`` is told; where nobody is, those who lead it. ``seen`` is the slug of the team that whoever decides believes to have it.
    Raises DomainError without a reason, Conflict when it is resolved, the team has it already, or another than ``seen`` has it.
    """
    if not reason.strip():
        raise DomainError(_("Say why: the other team reads it first."), field="reason")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident, before = work.incident, work.incident.team
        require_responder(actor, incident)
        if not incident.is_open:
            raise Conflict(_("It is resolved already."))
        if before.pk == team.pk:
            raise Conflict(_("%(name)s has it already.") % {"name": team.name}, field="team")
        if clash := team_clash(incident, seen):
            raise clash
        RespondingTeam.objects.get_or_create(incident=incident, team=before, defaults={"joined_at": at})
        RespondingTeam.objects.filter(incident=incident, team=team).delete()
        work.changes.set(incident, "incident.team", data={"reason": reason.strip()}, team=team)
        said = TimelineEvent.objects.filter(incident=incident, kind__in=TRIED, actor__isnull=False)
        brought: dict[str, Any] = {CHECKLIST: came_along(incident, reason, tried=said.exists())}
        named: dict[str, Any] = {"before": before.name, "name": team.name, "to_team": team.pk}
        work.changes.timeline(incident, "incident.team", text=reason.strip(), source=source, **named, **brought)
        _tell_team(incident, before=before, actor=actor, reason=reason.strip(), at=at)
    return incident


def _tell_team(incident: Incident, *, before: Team, actor: User, reason: str, at: datetime) -> None:
    def words() -> tuple[str, str]:
        subject = _("%(before)s handed %(reference)s over to %(team)s")
        body = _("%(name)s handed over “%(title)s”. Why: %(reason)s")
        places = {"before": before.name, "reference": incident.reference, "team": incident.team.name}
        return subject % places, body % {"name": actor.name, "title": incident.title, "reason": reason}

    key, link = f"team:{incident.pk}:{at.isoformat()}", incident.get_absolute_url()
    told = [user for user in _whom(incident, at=at) if user.pk != actor.pk]
    tell([note_to(user, words, key=key, link=link, subject_ref=incident.subject) for user in told], at)


def _whom(incident: Incident, *, at: datetime) -> list[User]:
    """Those on call in its team now, each once; where nobody is, those who lead it. Of a restricted one only people of the team hear:
    others who stand in on call would read of what they may not see."""
    team = incident.team
    members = Membership.objects.filter(team=team, user__is_active=True).select_related("user").order_by("pk")
    on_call = {user.pk: user for _schedule, users in team_on_call(team, at=at) for user in users}
    if incident.restricted:
        own = {membership.user_id for membership in members}
        on_call = {pk: user for pk, user in on_call.items() if pk in own}
    if on_call:
        return list(on_call.values())
    return [membership.user for membership in members if membership.role == Membership.Role.LEAD]
