"""Which incidents a report is about. Everything begins with what the reader may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from incidents.models import Incident, Page
from oncall.models import User
from reports.figures.definitions import SLEEP
from reports.figures.facts import hours_of
from reports.period import Period

# These can be asked of the incident itself; the others of its figures.
_LOOKUPS = {name: f"{name}__in" for name in ("team", "service", "severity", "priority", "category", "customer")}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which incidents a report is about. Empty `teams` or `severities` mean all; so do the other dimensions
    (`reports.figures.columns`) in `more`. `where` narrows it by what the house asked. With `work`, times are those of
    working hours where a metric has such.
    """

    user: User
    period: Period
    teams: Sequence[int] = ()
    severities: Sequence[int] = ()
    where: Q = field(default_factory=Q)
    more: Mapping[str, Sequence[int]] = field(default_factory=dict)
    work: bool = False

    def during(self, period: Period) -> "Scope":
        return replace(self, period=period)

    @property
    def dimensions(self) -> dict[str, Sequence[int]]:
        """What is chosen of each dimension."""
        return {"team": self.teams, "severity": self.severities, **self.more}


def incidents_in(scope: Scope) -> QuerySet[Incident]:
    """The incidents of the scope that count: no tests, none merged into another, and none the reader may not see."""
    found = chosen_incidents(scope)
    return found.filter(started_at__gte=scope.period.since, started_at__lt=scope.period.until)


def chosen_incidents(scope: Scope) -> QuerySet[Incident]:
    """As ``incidents_in``, of any time."""
    found = Incident.objects.visible_to(scope.user).counted().filter(merged_into=None)
    for name, values in scope.dimensions.items():
        if values:
            found = found.filter(**{_LOOKUPS.get(name, f"figures__{name}__in"): values})
    return found.filter(scope.where) if scope.where else found


def with_called(incidents: QuerySet[Incident]) -> QuerySet[Incident]:
    """Each with `called`: how many rungs (cycle, level) of its ladder somebody was paged for."""
    # A rung as one number: SQLite counts distinct values of one expression only. No policy has a thousand levels.
    rungs = (
        Page.objects.filter(incident=OuterRef("pk"))
        .order_by()
        .values("incident")
        .annotate(rungs=Count(F("cycle") * 1000 + F("level"), distinct=True))
    )
    return incidents.annotate(called=Coalesce(Subquery(rungs.values("rungs"), output_field=IntegerField()), 0))


def is_night(at: datetime, zone: tzinfo) -> bool:
    return hours_of(at, zone) == SLEEP
