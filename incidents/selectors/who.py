"""Who would be called now: the people behind a level's targets, in a few queries however many schedules it names."""

from collections.abc import Sequence
from datetime import datetime

from oncall.models import Schedule, Team, User
from oncall.selectors import holders_at
from policies.definition import TargetDef
from policies.targets import Recipient, TargetResolver


def people_called(targets: Sequence[TargetDef], *, team: Team, at: datetime) -> list[Recipient]:
    """The people of ``targets`` at ``at``, each once, in order: as ``TargetResolver`` answers, with all schedules read together.

    Five queries for the schedules (see ``selections_at``), one or two for each other target.
    """
    resolver = TargetResolver(at=at)
    resolver.read_schedules(targets)
    return list(resolver.recipients(targets, team=team))


def team_on_call(team: Team, *, at: datetime) -> list[tuple[Schedule, list[User]]]:
    """Each schedule of ``team`` with who holds it at ``at``: four queries."""
    schedules = list(Schedule.objects.filter(team=team).order_by("name"))
    holders = holders_at(schedules=schedules, at=at)
    return [(schedule, [holder.user for holder in holders[schedule.pk]]) for schedule in schedules]
