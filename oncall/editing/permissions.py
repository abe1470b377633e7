"""Who may write a schedule: managers of its team, and administrators (DESIGN.md §8)."""

from oncall.models import Schedule, Team, User


def may_edit(user: User, schedule: Schedule) -> bool:
    """A schedule of no team is open to every manager."""
    if not user.is_active or not user.may_manage:
        return False
    return user.is_administrator or schedule.team_id is None or schedule.team_id in _managed(user)


def teams_of(user: User) -> list[Team]:
    """The teams whose schedules ``user`` may write, by name: two queries."""
    if not user.is_active or not user.may_manage:
        return []
    teams = Team.objects.order_by("name")
    return list(teams if user.is_administrator else teams.filter(pk__in=_managed(user)))


def _managed(user: User) -> set[int]:
    """Teams the person is in, and the teams under those."""
    found = set(user.memberships.values_list("team", flat=True))
    parents = dict(Team.objects.exclude(parent=None).values_list("pk", "parent"))
    for pk in parents:
        above: int | None = pk
        passed: set[int] = set()
        while above is not None and above not in passed:
            if above in found:
                found.add(pk)
                break
            passed.add(above)
            above = parents.get(above)
    return found
