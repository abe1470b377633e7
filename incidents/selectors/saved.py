"""Saved views: which a person sees, and where each leads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from incidents.models import OpeningView, SavedView
from oncall.models import User

PLACES = {
    SavedView.Place.LIST: "incidents:list",
    SavedView.Place.BOARD: "incidents:board",
    SavedView.Place.PLAN: "incidents:plans",
    SavedView.Place.LOAD: "incidents:workload",
}
"""The page of each kind of view."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A view as a page shows it: its address, and whether it is what the reader looks at now. ``opens``: its page begins with it, by
    the reader's own choice; ``opens_team``: by that of a team of theirs."""

    view: SavedView
    url: str
    current: bool = False
    own: bool = False
    opens: bool = False
    opens_team: bool = False


def views_of(user: User, *, place: str = "", current: str = "") -> Sequence[Kept]:
    """The reader's own views, then those shared with them, by name: one query. ``current`` is the number in the address."""
    opening = OpeningView.objects.filter(view=OuterRef("pk"))
    found = SavedView.objects.filter(views_seen(user)).select_related("owner", "team")
    found = found.annotate(
        opens_own=Exists(opening.filter(user=user)),
        opens_team=Exists(opening.filter(team__in=user.memberships.values("team"))),
    )
    if place:
        found = found.filter(place=place)
    rows: Iterable[Any] = found.distinct()
    kept = [
        Kept(one, address_of(one), str(one.pk) == current, one.owner_id == user.pk, one.opens_own, one.opens_team)
        for one in rows
    ]
    return sorted(kept, key=lambda one: (not one.own, one.view.name.casefold()))


def begins_with(kept: Sequence[Kept]) -> Kept | None:
    """The one of these views, of one page, that the page begins with: the reader's own choice before their team's."""
    return next((one for one in kept if one.opens), None) or next((one for one in kept if one.opens_team), None)


def views_seen(user: User) -> Q:
    """Own ones, those of own teams, and everybody's."""
    return (
        Q(owner=user)
        | Q(shared=SavedView.Shared.EVERYBODY)
        | Q(shared=SavedView.Shared.TEAM, team__in=user.memberships.values("team"))
    )


def address_of(view: SavedView) -> str:
    """Where the view leads, with its number, so that the page knows it is looked at."""
    query = f"{view.query}&" if view.query else ""
    return f"{reverse(PLACES[SavedView.Place(view.place)])}?{query}view={view.pk}"
