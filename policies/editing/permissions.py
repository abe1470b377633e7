"""Who may write a policy: managers of its team, and administrators (DESIGN.md §8)."""

from oncall.editing.permissions import teams_of
from oncall.models import User
from policies.models import EscalationPolicy


def may_edit(user: User, policy: EscalationPolicy) -> bool:
    """A policy of no team is open to every manager."""
    if not user.is_active or not user.may_manage:
        return False
    return user.is_administrator or policy.team_id is None or policy.team_id in {team.pk for team in teams_of(user)}
