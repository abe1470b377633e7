"""One word to everybody who works on an incident, of whatever team (R100)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident, RoleHolder, Task
from incidents.permissions import require_responder
from incidents.services.notices import people_tell
from incidents.services.working import Work, working
from oncall.models import Membership, Schedule, Team, User
from oncall.selectors import holders_at

MOST = 4_000


def teams_post(*, incident_id: int, text: str, actor: User, at: datetime, source: str = "web") -> list[str]:
    """Tell everybody engaged: whoever is on call in its team and in those that respond too (their leads where nobody is), owner,
    overseer, role holders and those with an open task. Returns their names.

    Raises DomainError for an empty text, NotAllowed for people who may not respond.
    """
    said = text.strip()
    if not said:
        raise DomainError(_("Write something first."), field="text")
    if len(said) > MOST:
        raise DomainError(_("Write at most %(most)d characters.") % {"most": MOST}, field="text")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        teams = teams_of(work.incident)
        people = engaged(work.incident, teams, at=at)
        sent = people_tell(
            incident=work.incident,
            users=people,
            key=f"post:{work.incident.pk}:{at.timestamp():.6f}",
            says=lambda: [_("%(name)s to all teams:") % {"name": actor.name}, "", said],
            changes=work.changes,
            urgency="high",
        )
        told = {message.recipient_id for message in sent}
        names = [user.name for user in people if user.pk in told]
        _enter(work, said, [team.name for team in teams], names)
    return names


def _enter(work: Work, text: str, teams: list[str], people: list[str]) -> None:
    places: dict[str, Any] = {"name": ", ".join(teams), "people": people, "teams": teams}
    if people:
        work.changes.timeline(work.incident, "teams.post", text=text, source=work.changes.source, **places)
    else:
        work.changes.timeline(work.incident, "teams.post_nobody", text=text, source=work.changes.source, **places)
    work.changes.ledger(
        work.incident, "incident.teams_post", after={"text": text}, data={"people": people, "teams": teams}
    )


def teams_of(incident: Incident) -> list[Team]:
    """The team that owns it, and those that respond too."""
    others = [row.team for row in incident.responding_teams.select_related("team")]
    return [incident.team, *(team for team in others if team != incident.team)]


def engaged(incident: Incident, teams: list[Team], *, at: datetime) -> list[User]:
    """Everybody who works on it now, each once: a few queries, however many teams."""
    found = {user.pk: user for user in _of_teams(teams, at=at)}
    found |= {user.pk: user for user in (incident.owner, incident.overseer) if user is not None}
    held = RoleHolder.objects.filter(incident=incident, until=None).select_related("user")
    found |= {one.user_id: one.user for one in held}
    tasks = Task.objects.filter(incident=incident, ended_at=None, assignee__isnull=False).select_related("assignee")
    found |= {task.assignee.pk: task.assignee for task in tasks if task.assignee is not None}
    return [user for user in found.values() if user.is_active]


def _of_teams(teams: list[Team], *, at: datetime) -> Iterator[User]:
    schedules = list(Schedule.objects.filter(team__in=teams).order_by("pk"))
    holders = holders_at(schedules=schedules, at=at) if schedules else {}
    covered = set()
    for schedule in schedules:
        for holder in holders[schedule.pk]:
            covered.add(schedule.team_id)
            yield holder.user
    rest = [team for team in teams if team.pk not in covered]
    leads = Membership.objects.filter(team__in=rest, role=Membership.Role.LEAD, user__is_active=True)
    for lead in leads.select_related("user").order_by("pk"):
        yield lead.user
