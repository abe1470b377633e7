"""Filters kept under a name, for oneself, a team or everybody (R215)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.changes import actor_of
from incidents.models import OpeningView, SavedView
from incidents.permissions import require_view_changer
from oncall.models import Team, User

NOUN = "saved_view"
NOT_KEPT = ("page", "view", "csrfmiddlewaretoken")
"""What an address says of where the reader is, and not of which rows show."""
MOST = 50
"""Views one person may keep for one place: they are tabs and no archive."""
LONGEST = 4_000


def view_query(address: str, *, without: Collection[str] = NOT_KEPT, longest: int = LONGEST) -> str:
    """The part of an address's query that a view keeps, always written the same way: all but ``without`` and what is empty.

    Raises DomainError where it is longer than ``longest`` characters.
    """
    query = QueryDict(address.lstrip("?"), mutable=True)
    for name in list(query):
        values = [value for value in query.getlist(name) if value]
        if name in without or not values:
            del query[name]
        else:
            query.setlist(name, values)
    kept = query.urlencode()
    if len(kept) > longest:
        raise DomainError(_("These are too many filters to keep."), field="query")
    return kept


def _sharing(user: User, shared: str, team: Team | None) -> dict[str, Any]:
    """With whom a view is shared, as far as ``user`` may: with own teams, and with everybody where they work on incidents."""
    if shared not in SavedView.Shared.values:
        raise DomainError(_("Choose with whom it is shared."), field="shared")
    if shared == SavedView.Shared.TEAM:
        if team is None:
            raise DomainError(_("Choose the team."), field="team")
        if not user.memberships.filter(team=team).exists() and user.role != User.Role.ADMINISTRATOR:
            raise NotAllowed(_("You may share it with your own teams."), field="team")
        return {"shared": shared, "team": team}
    if shared == SavedView.Shared.EVERYBODY and not user.may_respond:
        raise NotAllowed(_("Only responders share views with everybody."), field="shared")
    return {"shared": shared, "team": None}


@transaction.atomic
def view_save(
    *,
    owner: User,
    name: str,
    place: str,
    query: str,
    at: datetime,
    shared: str = SavedView.Shared.NOBODY,
    team: Team | None = None,
) -> SavedView:
    """Keep the filters of an address under a name. Raises DomainError naming the field at fault."""
    own = SavedView.objects.filter(owner=owner, place=place)
    if own.count() >= MOST:
        raise DomainError(_("You keep %(count)d views here already. Delete one first.") % {"count": MOST})
    view = SavedView(owner=owner, place=place, created_at=at)
    _set(view, owner, at, name=name.strip(), query=view_query(query), **_sharing(owner, shared, team))
    return view


@transaction.atomic
def view_change(
    *,
    view: SavedView,
    actor: User,
    at: datetime,
    name: str | None = None,
    query: str | None = None,
    shared: str | None = None,
    team: Team | None = None,
) -> SavedView:
    """Rename it, share it otherwise, or let it keep other filters; what is None stays."""
    require_view_changer(actor, view)
    values: dict[str, Any] = {} if shared is None else _sharing(actor, shared, team)
    if name is not None:
        values["name"] = name.strip()
    if query is not None:
        values["query"] = view_query(query)
    _set(view, actor, at, **values)
    # Whom it is shared with no longer, does not begin with it either.
    OpeningView.objects.filter(view=view, team__isnull=False).exclude(team=view.team_id).delete()
    return view


def view_copy(*, view: SavedView, actor: User, at: datetime) -> SavedView:
    """A view of ``actor``'s own with the same filters, under a name that is free."""
    taken = set(SavedView.objects.filter(owner=actor, place=view.place).values_list("name", flat=True))
    names = [view.name, *(f"{view.name[:50]} ({number})" for number in range(2, MOST + 3))]
    name = next(one for one in names if one not in taken)
    return view_save(owner=actor, name=name, place=view.place, query=view.query, at=at)


@transaction.atomic
def view_delete(*, view: SavedView, actor: User, at: datetime) -> None:
    """Take it away, for everybody it was shared with."""
    require_view_changer(actor, view)
    pk, label = view.pk, view.name
    before = {"name": view.name, "query": view.query, "shared": view.shared}
    view.delete()
    entry_append(
        EntryValue(
            at=at,
            action="saved_view.delete",
            object_type=NOUN,
            object_id=str(pk),
            object_label=label,
            subject=f"{NOUN}:{pk}",
            actor=actor_of(actor),
            before=before,
        )
    )


def _set(view: SavedView, actor: User, at: datetime, **values: Any) -> None:
    try:
        row_set(view, values, noun="saved_view", at=at, actor=actor_of(actor), user=actor)
    except ValidationError as error:
        raise refusal_of(error, taken=_("You have a view of that name already.")) from error
