"""What the frame of every page counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from incidents.models import Incident
from incidents.selectors.listing import OPEN_STATES
from oncall.models import Team


@dataclass(frozen=True, slots=True)
class TeamCount:
    """A team of the reader's and how many of its incidents are open."""

    name: str
    url: str
    open_count: int


@dataclass(frozen=True, slots=True)
class NavigationCounts:
    """Triggered incidents the reader may see, and the reader's teams."""

    triggered: int
    teams: Sequence[TeamCount]


def navigation_counts(user: Any) -> NavigationCounts:
    """Counts for the navigation: two queries. A member sees every incident of a team, so that nothing restricted leaks here."""
    if not user.is_authenticated:
        return NavigationCounts(0, ())
    triggered = Incident.objects.visible_to(user).in_state(Incident.State.TRIGGERED).count()
    own = Incident.objects.filter(team=OuterRef("pk"), state__in=OPEN_STATES).order_by().values("team")
    open_count = Coalesce(Subquery(own.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)
    teams = Team.objects.filter(memberships__user=user).annotate(open_count=open_count)
    address = reverse("incidents:list")
    return NavigationCounts(
        triggered, [TeamCount(team.name, f"{address}?team={team.slug}", team.open_count) for team in teams]
    )
