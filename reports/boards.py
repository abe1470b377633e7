"""Dashboards that people put together, keep and share (R263)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.changes import actor_of
from incidents.services.saved_views import view_query
from oncall.models import Team, User
from reports.cards import FIRST, MOST, CardSpec, cards_dump
from reports.models import Dashboard

NOUN = "dashboard"
MOST_BOARDS = 50


def boards_of(user: User) -> QuerySet[Dashboard]:
    """Own ones, those of own teams, and everybody's."""
    mine = Q(owner=user) | Q(shared=Dashboard.Shared.EVERYBODY)
    theirs = Q(shared=Dashboard.Shared.TEAM, team__in=user.memberships.values("team"))
    return Dashboard.objects.filter(mine | theirs).select_related("owner", "team")


def board_for(user: User, pk: int) -> Dashboard:
    """The dashboard. Raises Http404 where ``user`` may not see it or it is not there."""
    found = boards_of(user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def may_change(user: User, board: Dashboard) -> bool:
    """Whoever made it; administrators tidy up what is shared with everybody."""
    if board.owner_id == user.pk:
        return user.is_active
    return user.role == User.Role.ADMINISTRATOR and board.shared == Dashboard.Shared.EVERYBODY


def _require_changer(user: User, board: Dashboard) -> None:
    if not may_change(user, board):
        raise NotAllowed(_("Only whoever made this dashboard may change it. Make a copy of your own."))


def _sharing(user: User, shared: str, team: Team | None) -> dict[str, Any]:
    if shared not in Dashboard.Shared.values:
        raise DomainError(_("Choose with whom it is shared."), field="shared")
    if shared != Dashboard.Shared.TEAM:
        return {"shared": shared, "team": None}
    if team is None:
        raise DomainError(_("Choose the team."), field="team")
    if not user.memberships.filter(team=team).exists() and user.role != User.Role.ADMINISTRATOR:
        raise NotAllowed(_("You may share it with your own teams."), field="team")
    return {"shared": shared, "team": team}


@transaction.atomic
def dashboard_create(
    *, owner: User, name: str, at: datetime, query: str = "", cards: Sequence[CardSpec] = FIRST
) -> Dashboard:
    """A dashboard of ``owner``'s own with the filters of an address. Raises DomainError naming the field at fault."""
    if Dashboard.objects.filter(owner=owner).count() >= MOST_BOARDS:
        raise DomainError(_("You keep %(count)d dashboards already. Delete one first.") % {"count": MOST_BOARDS})
    board = Dashboard(owner=owner, created_at=at)
    _set(board, owner, at, name=name.strip(), query=view_query(query), cards=cards_dump(cards))
    return board


@transaction.atomic
def dashboard_change(
    *,
    board: Dashboard,
    actor: User,
    at: datetime,
    name: str | None = None,
    query: str | None = None,
    shared: str | None = None,
    team: Team | None = None,
    cards: Sequence[CardSpec] | None = None,
) -> Dashboard:
    """Rename it, share it otherwise, give it other filters or cards; what is None stays. Raises DomainError naming the
    field at fault, NotAllowed for people whose dashboard it is not."""
    _require_changer(actor, board)
    values: dict[str, Any] = {} if shared is None else _sharing(actor, shared, team)
    if name is not None:
        values["name"] = name.strip()
    if query is not None:
        values["query"] = view_query(query)
    if cards is not None:
        if len(cards) > MOST:
            raise DomainError(_("A dashboard has at most %(count)d cards.") % {"count": MOST}, field="metric")
        values["cards"] = cards_dump(cards)
    _set(board, actor, at, **values)
    return board


@transaction.atomic
def dashboard_delete(*, board: Dashboard, actor: User, at: datetime) -> None:
    """Take it away, for everybody it was shared with."""
    _require_changer(actor, board)
    pk = board.pk
    entry = EntryValue(
        at=at,
        action="dashboard.delete",
        object_type=NOUN,
        object_id=str(pk),
        object_label=board.name,
        subject=f"{NOUN}:{pk}",
        actor=actor_of(actor),
        before={"name": board.name, "query": board.query, "shared": board.shared, "cards": board.cards},
    )
    board.delete()
    entry_append(entry)


def _set(board: Dashboard, actor: User, at: datetime, **values: Any) -> None:
    try:
        row_set(board, values, noun="dashboard", at=at, actor=actor_of(actor), user=actor)
    except ValidationError as error:
        raise refusal_of(error) from error
