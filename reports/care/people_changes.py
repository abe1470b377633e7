"""What a review needs to know beside the figures: how its drills went, and who came to its teams and left them."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from incidents.models import EscalationRun
from oncall.models import Membership, Team, User
from policies.definition import TargetKind
from policies.models import EscalationPolicy
from policies.services import version_definition
from reports.metrics import percentile

MOST_SHOWN = 20
_MEMBERSHIPS = Membership.history.model
_CHANGES = {"+": "joined", "-": "left", "~": "role"}


def drills_of(*, policy: EscalationPolicy, since: datetime, at: datetime) -> dict[str, Any]:
    """The incidents filed as tests that walked this policy: how many, how many somebody answered, how soon, and how many
    nobody did. One query."""
    rows = EscalationRun.objects.filter(
        superseded=False,
        policy_version__policy=policy,
        incident__is_test=True,
        incident__started_at__gte=since,
        incident__started_at__lt=at,
    ).values_list("incident__started_at", "incident__acknowledged_at", "incident__exhausted_at")
    found = list(rows)
    times = [max((done - began).total_seconds(), 0.0) for began, done, _exhausted in found if done is not None]
    return {
        "incidents": len(found),
        "answered": len(times),
        "median": percentile(times, 50),
        "exhausted": sum(exhausted is not None for *_others, exhausted in found),
    }


def team_changes(*, policy: EscalationPolicy, since: datetime, at: datetime) -> dict[str, Any]:
    """Who joined, left or changed their part in the teams that this policy calls on: how many times, and the newest of it."""
    teams = dict(_teams_of(policy).values_list("pk", "name"))
    rows = _MEMBERSHIPS._default_manager.filter(team__in=teams, history_date__gte=since, history_date__lt=at)
    newest = list(rows.order_by("-history_date", "-history_id")[:MOST_SHOWN])
    people = User.objects.in_bulk({row.user_id for row in newest})
    return {
        "number": rows.count(),
        "newest": [
            {
                "at": row.history_date.isoformat(),
                "team": teams[row.team_id],
                "person": people[row.user_id].name if row.user_id in people else "",
                "change": _CHANGES[row.history_type],
                "role": row.role,
            }
            for row in newest
        ],
    }


def _teams_of(policy: EscalationPolicy) -> QuerySet[Team]:
    """Its own, those of the services that go by it, and those its levels name, themselves or by their schedules."""
    wanted = Q(pk=policy.team_id) | Q(services__policy=policy)
    if policy.current_version is not None:
        named = [target for level in version_definition(policy.current_version).levels for target in level.targets]
        wanted |= _named("", [one.ref for one in named if one.kind in (TargetKind.TEAM, TargetKind.FUNCTIONAL_TEAM)])
        wanted |= _named("schedules__", [one.ref for one in named if one.kind is TargetKind.SCHEDULE])
    return Team.objects.filter(wanted).distinct()


def _named(way: str, refs: list[str | int | None]) -> Q:
    slugs = [ref for ref in refs if isinstance(ref, str)]
    return Q(**{f"{way}slug__in": slugs}) | Q(**{f"{way}pk__in": [ref for ref in refs if isinstance(ref, int)]})
