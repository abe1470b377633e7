"""What the frame of every page asks: one query, because every page asks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.urls import reverse

from incidents.models import Incident
from incidents.querysets import IncidentQuerySet
from incidents.statements import rows_for
from oncall.models import User
from oncall.standing import Mark, mark_columns

COUNTED = 999
"""Counting stops one beyond: more says nothing more, and in a storm every page would count it anew."""


@dataclass(frozen=True, slots=True)
class TeamCount:
    """A team of the reader's and how many of its incidents are open, one beyond ``COUNTED`` at most."""

    name: str
    url: str
    open_count: int
    pk: int


@dataclass(frozen=True, slots=True)
class NavigationCounts:
    """Triggered incidents the reader may see, one beyond ``COUNTED`` at most; the reader's teams; and the mark of the schedules,
    by which who is on call is asked without a query."""

    triggered: int
    teams: Sequence[TeamCount]
    mark: Mark | None = None


class _Counted(Subquery):
    """How many rows, as a value inside another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def navigation_counts(user: Any) -> NavigationCounts:
    """Counts for the navigation: one query.

    A member sees every incident of a team, so that nothing restricted leaks by a team's count.
    """
    if not user.is_authenticated:
        return NavigationCounts(0, ())
    rows = rows_for(user, _asked)
    if not rows:
        return NavigationCounts(0, ())
    address = reverse("incidents:list")
    teams = [
        TeamCount(name, f"{address}?team={slug}", open_count, pk)
        for name, slug, pk, _rings, open_count, *_mark in rows
        if slug
    ]
    _name, _slug, _pk, triggered, _open_count, *mark = rows[0]
    return NavigationCounts(triggered, teams, tuple(mark))


def _asked(user: User) -> QuerySet[Any]:
    """A row for each team of the reader's: its name, slug and number, what rings, what it has open, and the mark of the schedules."""
    triggered = Incident.objects.visible_open(user).in_state(Incident.State.TRIGGERED)
    # Only what is resolved has the instant: so the index of the open ones serves, on SQLite too.
    own = Incident.objects.unresolved().filter(team=OuterRef("memberships__team"))
    team = ("memberships__team__name", "memberships__team__slug", "memberships__team")
    counts = {"triggered": _count(triggered), "open_count": _count(own)}
    return (
        User.objects.filter(pk=user.pk).order_by(team[0]).values_list(*team, *counts.values(), *mark_columns().values())
    )


def _count(incidents: IncidentQuerySet) -> _Counted:
    return _Counted(incidents.order_by().values("pk")[: COUNTED + 1])
