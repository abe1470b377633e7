"""Who would be called now: the people behind a level's targets, in a few queries however many schedules it names."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from incidents.models import Service
from oncall.loading import Loaded
from oncall.models import Schedule, Team, User
from oncall.selectors import holders_at
from policies.definition import PolicyDef, TargetDef
from policies.escalation import Because, EnterLevel, PageCatchAll
from policies.reach import reached
from policies.targets import NO_SKILLS, Recipient, TargetResolver


def people_called(
    policy: PolicyDef,
    level: int | None,
    *,
    service: Service,
    team: Team,
    at: datetime,
    straight_to: Sequence[TargetDef] = (),
    schedules: Callable[[], Mapping[int, Loaded]] | None = None,
    asks_skills: bool = True,
) -> list[Recipient]:
    """The people whom ``level`` (None: the end of the ladder) would reach at ``at``, each once, in order, as the engine finds them.

    ``straight_to`` are the specialists that are paged with it, where it opens the walk. Five queries for the schedules, read
    together (one where ``schedules`` gives those at hand), one or two for each other target, and one for the skills that the service asks
    for beyond the first level, unless it is known that it ``asks_skills`` for none.
    """
    resolver = TargetResolver(at=at, schedules=schedules)
    if level is None:
        resolver.read_schedules(policy.catch_all)
        action: EnterLevel | PageCatchAll = PageCatchAll(len(policy.levels), 0, Because.STARTED, at)
        return list(reached(policy, action, resolver=resolver, team=team).recipients)
    asks = asks_skills and level
    skills = frozenset(service.required_skills.values_list("slug", flat=True)) if asks else NO_SKILLS
    resolver.read_schedules(policy.levels[level].targets, skills=skills)
    action = EnterLevel(level, 0, Because.STARTED, at, opens=True)
    found = reached(policy, action, resolver=resolver, team=team, skills=skills, straight_to=straight_to)
    return list(found.recipients)


def team_on_call(team: Team, *, at: datetime) -> list[tuple[Schedule, list[User]]]:
    """Each schedule of ``team`` with who holds it at ``at``: four queries."""
    schedules = list(Schedule.objects.filter(team=team).order_by("name"))
    holders = holders_at(schedules=schedules, at=at)
    return [(schedule, [holder.user for holder in holders[schedule.pk]]) for schedule in schedules]
