"""The saved view that a page begins with: what a person chose, else what their team begins with (R215)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.changes import actor_of
from incidents.models import OpeningView, SavedView
from oncall.models import Team, User

NOUN = "saved_view"


@transaction.atomic
def view_open_with(*, view: SavedView, actor: User, at: datetime, opens: bool = True) -> None:
    """``actor`` begins its page with ``view``, in every browser, or (``opens`` False) with it no longer. Doing it twice does nothing."""
    had = OpeningView.objects.filter(user=actor, place=view.place)
    if opens == had.filter(view=view).exists():
        return
    had.delete()
    if opens:
        OpeningView.objects.create(user=actor, view=view, place=view.place)
    _enter(view, actor, at, opens=opens)


@transaction.atomic
def view_open_team(*, view: SavedView, actor: User, at: datetime, opens: bool = True) -> None:
    """Everybody in the team that ``view`` is shared with begins its page with it, unless they chose another.

    Raises NotAllowed for people who do not manage the team, DomainError where it is shared with no team.
    """
    if view.team is None:
        raise DomainError(_("Share it with a team first."))
    if not may_open_team(actor, view):
        raise NotAllowed(_("Only managers of the team and administrators may say what it begins with."))
    had = OpeningView.objects.filter(team=view.team, place=view.place)
    if opens == had.filter(view=view).exists():
        return
    had.delete()
    if opens:
        OpeningView.objects.create(team=view.team, view=view, place=view.place)
    _enter(view, actor, at, opens=opens, team=view.team)


def may_open_team(user: User, view: SavedView) -> bool:
    """Whether ``user`` may say that the team of ``view`` begins with it."""
    if view.team_id is None or not user.is_active:
        return False
    if user.role == User.Role.ADMINISTRATOR:
        return True
    return user.role == User.Role.MANAGER and user.memberships.filter(team=view.team_id).exists()


def _enter(view: SavedView, actor: User, at: datetime, *, opens: bool, team: Team | None = None) -> None:
    who = {"team": team.name} if team else {"person": actor.name}
    entry_append(
        EntryValue(
            at=at,
            action="saved_view.open" if opens else "saved_view.open_no_more",
            object_type=NOUN,
            object_id=str(view.pk),
            object_label=view.name,
            subject=f"{NOUN}:{view.pk}",
            actor=actor_of(actor),
            data={"place": str(view.place), **who},
        )
    )
