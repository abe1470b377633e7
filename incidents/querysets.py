"""Incidents, filtered in the words of the domain. Every list of incidents begins with ``visible_to``."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.db.models import Q, QuerySet

from incidents.search.lookup import among
from incidents.statements import rows_for

if TYPE_CHECKING:
    # The model imports this module; ruff does not see the name in the base class's string.
    from incidents.models import Incident  # noqa: F401  for the string in the base class
    from oncall.models import User

NAMED = 1_000
"""So many restricted incidents are named one by one in a query; whoever is concerned by more is told them by how they are."""


class IncidentQuerySet(QuerySet["Incident"]):
    def open(self) -> "IncidentQuerySet":
        return self.exclude(state="resolved")

    def unresolved(self) -> "IncidentQuerySet":
        """The open ones, told by the instant that only a resolved one has: the index of the lists (``incident_open``) holds these, and
        SQLite uses it only where a query names its condition without a value of its own. ``open`` is for the look-ups of intake."""
        return self.filter(resolved_at=None)

    def in_state(self, state: str) -> "IncidentQuerySet":
        return self.filter(state=state)

    def counted(self) -> "IncidentQuerySet":
        """Those that count in figures: no tests, and of what was merged only what remains."""
        return self.filter(is_test=False, merged_into=None)

    def visible_to(self, user: "User | Any") -> "IncidentQuerySet":
        """What ``user`` may see (DESIGN.md §8).

        Auditors and administrators see all. Managers and responders see all but restricted ones that they have nothing to do with.
        Support staff see what they have to do with. ``ties`` says what that is.

        For staff the few restricted ones are told from the rest by a list of their own: an order's index is walked and rarely
        anything else is asked. For support staff the list of theirs leads, because they see little of what there is.
        """
        if not user.is_authenticated:
            return self.none()
        if user.role in ("auditor", "administrator"):
            return self
        if user.role == "reporter":
            return self.filter(pk__in=_numbers(ties(user)))
        return self.filter(Q(restricted=False) | Q(pk__in=restricted_concerns(user)))

    def visible_once(self, user: "User | Any", *, teams: "Sequence[int] | None" = None) -> "IncidentQuerySet":
        """What ``visible_to`` leaves, for a page that asks many things of it: the restricted ones that concern ``user`` are looked up now
        (one query, none for those who see all), and not anew in each. PostgreSQL plans for numbers, too: the nine ways to be concerned
        were planned for each count, and kept it from looking up a few incidents by theirs.
        """
        if not user.is_authenticated or user.role in ("auditor", "administrator"):
            return self.visible_to(user)
        if user.role == "reporter":
            return self._of_support(user, teams_of(user) if teams is None else teams)
        concerns = [number for (number,) in rows_for(user, _first_concerns)]
        if len(concerns) > NAMED:
            return self.visible_to(user)
        return self.filter(Q(restricted=False) | among(concerns)) if concerns else self.filter(restricted=False)

    def visible_open(self, user: "User | Any") -> "IncidentQuerySet":
        """What ``visible_to`` leaves of what is open. For support staff each reason is looked for among these: their teams may have had
        very much, which every page would gather anew to say how much of it rings."""
        if not user.is_authenticated or user.role != "reporter":
            return self.visible_to(user).unresolved()
        return self.unresolved().filter(pk__in=_union(_held(tie, resolved_at=None) for tie in ties(user)))

    def _of_support(self, user: "User", teams: "Sequence[int]") -> "IncidentQuerySet":
        """What support staff have to do with: by its numbers where it is little. Whose team has very much walks an order's index, in which
        their own come soon, and tells them by their columns; the rest is looked up by its numbers. One query, or two."""
        if (named := _named(user, _first_ties)) is not None:
            return self.filter(among(named))
        rest = _named(user, _first_others)
        found = ties(user, teams=teams)
        own = reduce(or_, (tie.of for tie in found if tie.of is not None))
        others = [tie for tie in found if tie.of is None]
        return self.filter(own | (Q(pk__in=_numbers(others)) if rest is None else among(rest)))


class Tie(NamedTuple):
    """A reason for which incidents are a person's concern: its rows, and the path from a row to the incident. ``of`` says the same as a
    condition upon the incident, where its own columns tell."""

    path: str
    rows: "QuerySet[Any]"
    of: Q | None


def teams_of(user: "User | Any") -> list[int]:
    """The numbers of the person's teams: one query. By numbers PostgreSQL knows how much they have open; by a query of its own for
    them it took a twentieth of that to be a seventh of everything, and read ten times as much to count it."""
    return [number for (number,) in rows_for(user, _teams)]


def _teams(user: "User") -> "QuerySet[Any]":
    return user.memberships.order_by().values("team")


def ties(user: "User | Any", *, teams: "Sequence[int] | None" = None) -> list[Tie]:
    """What makes an incident a person's concern, so that they see it although it is restricted (and support staff at all). A new reason
    is added here and nowhere else.

    They reported it; it belongs to a team of theirs, the one that owns it or one called in to respond; or they are asked to decide
    about it. Staff also own it, oversee it, were paged for it, hold a role on it, or have a task of it that is not done yet: whoever
    is given a part sees what it is about, for as long as they have it. ``teams`` are theirs where they were looked up (``teams_of``).
    """

    def rows(model: str, **of: Any) -> "QuerySet[Any]":
        found: QuerySet[Any] = apps.get_model("incidents", model)._default_manager.filter(**of)
        return found.order_by()

    def own(**of: Any) -> Tie:
        return Tie("pk", rows("Incident", **of), Q(**of))

    def by(path: str, model: str, **of: Any) -> Tie:
        return Tie(path, rows(model, **of), None)

    own_teams: Any = _teams(user) if teams is None else teams
    found = [
        own(reporter=user),
        own(team__in=own_teams),
        by("incident", "RespondingTeam", team__in=own_teams),
        by("checkpoint__incident", "CheckpointAsk", user=user),
    ]
    if user.role != "reporter":
        found += [
            own(owner=user),
            own(overseer=user),
            by("incident", "Page", recipient=user),
            by("incident", "RoleHolder", user=user, until=None),
            by("incident", "Task", assignee=user, ended_at=None),
        ]
    return found


def _numbers(found: list[Tie], *, each: bool = False) -> "QuerySet[Any]":
    """The numbers of the incidents of these; with ``each`` those that have two reasons come twice."""
    return _union((tie.rows.values(tie.path) for tie in found), each=each)


def _named(user: "User", build: "Callable[[User], QuerySet[Any]]") -> list[int] | None:
    """The numbers, looked up now; None where they are more than NAMED. It stops at the first that is too many."""
    named = [number for (number,) in rows_for(user, build)]
    return named if len(named) <= NAMED else None


def _first_ties(user: "User") -> "QuerySet[Any]":
    return _numbers(ties(user), each=True)[: NAMED + 1]


def _first_others(user: "User") -> "QuerySet[Any]":
    """Those that their own columns do not tell."""
    return _numbers([tie for tie in ties(user) if tie.of is None], each=True)[: NAMED + 1]


def _first_concerns(user: "User") -> "QuerySet[Any]":
    return restricted_concerns(user)[: NAMED + 1]


def restricted_concerns(user: "User | Any") -> "QuerySet[Any]":
    """The numbers of the restricted incidents that are a concern of the person's."""
    return _union(_held(tie, restricted=True) for tie in ties(user))


def _held(tie: Tie, **so: Any) -> "QuerySet[Any]":
    """The numbers of those among the incidents of a tie that are ``so``."""
    before = "" if tie.path == "pk" else f"{tie.path}__"
    return tie.rows.filter(**{f"{before}{name}": value for name, value in so.items()}).values(tie.path)


def _union(numbers: "Iterable[QuerySet[Any]]", *, each: bool = False) -> "QuerySet[Any]":
    first, *more = numbers
    return first.union(*more, all=each)
