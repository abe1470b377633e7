"""The one place where the frame asks the applications about the person who is signed in.

An application that does not answer leaves its part of the frame empty.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Reader = AbstractBaseUser | AnonymousUser
ON_CALL_ROLES = frozenset({"responder", "manager", "administrator"})


COUNTED = 999
"""The highest number that is written out; the applications need not count further."""


def count_text(count: int) -> str:
    """ "999+" beyond what is counted."""
    return f"{COUNTED}+" if count > COUNTED else str(count)


@dataclass(frozen=True, slots=True)
class TeamLink:
    """A team of the reader's, with the number of its open incidents (None: not counted), and its own (None: not told)."""

    name: str
    url: str
    open_count: int | None = None
    pk: int | None = None

    @property
    def open_text(self) -> str:
        return count_text(self.open_count or 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the navigation counts: triggered incidents the reader may see, and the reader's teams. ``mark`` is what
    ``duties_of`` is given, where the counts have asked for it.
    """

    triggered: int = 0
    teams: Sequence[TeamLink] = ()
    mark: Any = None

    @property
    def triggered_text(self) -> str:
        return count_text(self.triggered)


@dataclass(frozen=True, slots=True)
class Watch:
    """One duty the reader holds now: on what ("Payments, second") and until when (aware UTC)."""

    title: str
    until: datetime | None = None


def _selector(module: str, name: str) -> Callable[..., Any] | None:
    try:
        return getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            return None
        raise


def role_of(user: Reader) -> str:
    """One of "reporter", "responder", "manager", "auditor", "administrator"; "" for nobody signed in."""
    if not user.is_authenticated:
        return ""
    if getattr(user, "is_superuser", False):
        return "administrator"
    return str(getattr(user, "role", "") or "reporter")


def counts_for(user: Reader) -> Counts:
    """Counts of the navigation: ``incidents.selectors.navigation_counts`` where it exists, else ``triggered_count``."""
    if together := _selector("incidents.selectors", "navigation_counts"):
        answer = together(user)
        teams = [
            TeamLink(team.name, team.url, getattr(team, "open_count", None), getattr(team, "pk", None))
            for team in answer.teams
        ]
        return Counts(answer.triggered, teams, getattr(answer, "mark", None))
    if triggered := _selector("incidents.selectors", "triggered_count"):
        return Counts(triggered(user))
    return Counts()


def duties_of(user: Reader, at: datetime, *, mark: Any = None) -> list[Watch]:
    """What the reader is on call for at ``at``, from ``oncall.selectors.current_duties``; asked for responders only.
    ``mark`` is that of ``Counts``.
    """
    if role_of(user) not in ON_CALL_ROLES:
        return []
    if current := _selector("oncall.selectors", "current_duties"):
        return [Watch(str(duty.schedule), duty.until) for duty in current(user, at, mark=mark)]
    return []
