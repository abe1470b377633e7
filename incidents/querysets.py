"""Incidents, filtered in the words of the domain. Every list of incidents begins with ``visible_to``."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    # The model imports this module; ruff does not see the name in the base class's string.
    from incidents.models import Incident  # noqa: F401
    from oncall.models import User


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> "IncidentQuerySet":
        return self.exclude(state="resolved")

    def in_state(self, state: str) -> "IncidentQuerySet":
        return self.filter(state=state)

    def counted(self) -> "IncidentQuerySet":
        """Those that count in figures: no tests."""
        return self.filter(is_test=False)

    def visible_to(self, user: "User | Any") -> "IncidentQuerySet":
        """What ``user`` may see (DESIGN.md §8).

        Auditors and administrators see all. Managers and responders see all but restricted ones of teams they are not in. Support
        staff see what they reported and what belongs to their own teams. A restricted incident shows only to its team and to whoever
        was paged for it or owns it.
        """
        if not user.is_authenticated:
            return self.none()
        if user.role in ("auditor", "administrator"):
            return self
        teams = user.memberships.values("team")
        if user.role == "reporter":
            return self.filter(Q(reporter=user, restricted=False) | Q(team__in=teams))
        paged = apps.get_model("incidents", "Page")._default_manager.filter(incident=OuterRef("pk"), recipient=user)
        return self.filter(Q(restricted=False) | Q(team__in=teams) | Q(owner=user) | Exists(paged))
