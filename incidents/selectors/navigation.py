"""What the frame of every page counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from incidents.models import Incident
from incidents.querysets import IncidentQuerySet
from incidents.selectors.listing import OPEN_STATES
from oncall.models import User


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
    """Counts for the navigation: one query, because every page shows them.

    A member sees every incident of a team, so that nothing restricted leaks by a team's count.
    """
    if not user.is_authenticated:
        return NavigationCounts(0, ())
    triggered = Incident.objects.visible_to(user).in_state(Incident.State.TRIGGERED)
    own = Incident.objects.filter(team=OuterRef("memberships__team"), state__in=OPEN_STATES)
    rows = (
        User.objects.filter(pk=user.pk)
        .annotate(triggered=_count(triggered), open_count=_count(own))
        .values_list("triggered", "memberships__team__name", "memberships__team__slug", "open_count")
        .order_by("memberships__team__name")
    )
    found = list(rows)
    address = reverse("incidents:list")
    teams = [TeamCount(name, f"{address}?team={slug}", count) for _triggered, name, slug, count in found if slug]
    return NavigationCounts(found[0][0] if found else 0, teams)


def _count(incidents: IncidentQuerySet) -> Coalesce:
    """How many, as a value inside another query."""
    counted = incidents.order_by().annotate(all=Value(1)).values("all").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
