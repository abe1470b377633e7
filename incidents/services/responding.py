"""Teams of specialists become responders when a level calls them in; the team that owns the incident keeps it in sight (R051)."""

from collections.abc import Iterable

from django.db.models import Q

from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import Incident, RespondingTeam
from oncall.models import Team
from policies.definition import TargetDef, TargetKind

Called = tuple[Incident, Iterable[TargetDef]]


def teams_join(called: Iterable[Called], *, changes: Changes) -> list[RespondingTeam]:
    """Enter the teams behind these targets as responders of their incidents, each once: no query where no target names a
    functional team, three otherwise. Call it with the incidents locked."""
    wanted = {
        (incident.pk, target.ref): incident
        for incident, targets in called
        for target in targets
        if target.kind is TargetKind.FUNCTIONAL_TEAM and target.ref is not None
    }
    if not wanted:
        return []
    teams = _teams({ref for _pk, ref in wanted})
    present = set(
        RespondingTeam.objects.filter(incident__in={pk for pk, _ref in wanted}).values_list("incident_id", "team_id")
    )
    joined: dict[tuple[int, int], RespondingTeam] = {}
    for (pk, ref), incident in wanted.items():
        team = teams.get(ref)
        if team is None or team.pk == incident.team_id or (pk, team.pk) in present:
            continue
        joined[pk, team.pk] = RespondingTeam(incident=incident, team=team, joined_at=changes.at)
    rows_insert(list(joined.values()))
    for row in joined.values():
        changes.timeline(row.incident, "team.join", name=row.team.name, owner=row.incident.team.name)
        changes.ledger(row.incident, "incident.team_join", after={"responding_team": row.team.name})
    return list(joined.values())


def _teams(refs: set[str | int]) -> dict[str | int, Team]:
    numbers = [ref for ref in refs if isinstance(ref, int)]
    slugs = [ref for ref in refs if isinstance(ref, str)]
    found: dict[str | int, Team] = {}
    for team in Team.objects.filter(Q(pk__in=numbers) | Q(slug__in=slugs)):
        found |= {team.pk: team, team.slug: team}
    return found
