"""Incidents, filtered in the words of the domain. Every list of incidents begins with ``visible_to``."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Q, QuerySet

from incidents.search.lookup import among

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
        reasons = ties(user)
        if user.role == "reporter":
            own, *others = (rows.values(path) for path, rows in reasons)
            return self.filter(pk__in=own.union(*others))
        return self.filter(Q(restricted=False) | Q(pk__in=restricted_concerns(user)))

    def visible_once(self, user: "User | Any") -> "IncidentQuerySet":
        """What ``visible_to`` leaves, for a page that asks many things of it: the restricted ones that concern ``user`` are looked up now
        (one query, none for those who see all), and not anew in each. PostgreSQL plans for numbers, too: the nine ways to be concerned
        were planned for each count, and kept it from looking up a few incidents by theirs.
        """
        if not user.is_authenticated or user.role in ("auditor", "administrator", "reporter"):
            return self.visible_to(user)
        concerns = [number for row in restricted_concerns(user)[: NAMED + 1] for number in row.values()]
        if len(concerns) > NAMED:
            return self.visible_to(user)
        return self.filter(Q(restricted=False) | among(concerns)) if concerns else self.filter(restricted=False)


def ties(user: "User | Any") -> "list[tuple[str, QuerySet[Any]]]":
    """What makes an incident a person's concern, so that they see it although it is restricted (and support staff at all): for each
    reason its rows, and the path from a row to the incident. A new reason is added here and nowhere else.

    They reported it; it belongs to a team of theirs, the one that owns it or one called in to respond; or they are asked to decide
    about it. Staff also own it, oversee it, were paged for it, hold a role on it, or have a task of it that is not done yet: whoever
    is given a part sees what it is about, for as long as they have it.
    """

    def rows(model: str, **of: Any) -> "QuerySet[Any]":
        found: QuerySet[Any] = apps.get_model("incidents", model)._default_manager.filter(**of)
        return found.order_by()

    teams = user.memberships.order_by().values("team")
    found = [
        ("pk", rows("Incident", reporter=user)),
        ("pk", rows("Incident", team__in=teams)),
        ("incident", rows("RespondingTeam", team__in=teams)),
        ("checkpoint__incident", rows("CheckpointAsk", user=user)),
    ]
    if user.role != "reporter":
        found += [
            ("pk", rows("Incident", owner=user)),
            ("pk", rows("Incident", overseer=user)),
            ("incident", rows("Page", recipient=user)),
            ("incident", rows("RoleHolder", user=user, until=None)),
            ("incident", rows("Task", assignee=user, ended_at=None)),
        ]
    return found


def restricted_concerns(user: "User | Any") -> "QuerySet[Any]":
    """The numbers of the restricted incidents that are a concern of the person's."""
    first, *more = (_restricted(path, rows) for path, rows in ties(user))
    return first.union(*more)


def _restricted(path: str, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The numbers of the restricted ones among the incidents of ``rows``."""
    flag = "restricted" if path == "pk" else f"{path}__restricted"
    return rows.filter(**{flag: True}).values(path)
