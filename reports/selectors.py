"""Which incidents a report is about. Everything begins with what the reader may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from django.db.models import Q, QuerySet

from incidents.models import Incident
from oncall.models import User
from reports.figures.definitions import SLEEP
from reports.figures.facts import hours_of
from reports.names import NOBODY
from reports.period import Hour, Period, hour_spans

# These can be asked of the incident itself; the others of its figures.
_LOOKUPS = {name: f"{name}__in" for name in ("team", "service", "severity", "priority", "category", "customer")}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which incidents a report is about. Empty `teams` or `severities` mean all; so do the other dimensions
    (`reports.figures.columns`) in `more`. `where` narrows it by what the house asked. With `work`, times are those of
    working hours where a metric has such. With an `hour` of the week, lists hold what began in it; figures do not ask for it.
    """

    user: User
    period: Period
    teams: Sequence[int] = ()
    severities: Sequence[int] = ()
    where: Q = field(default_factory=Q)
    more: Mapping[str, Sequence[int]] = field(default_factory=dict)
    work: bool = False
    hour: Hour | None = None
    own: Mapping[str, Collection[str]] | None = None
    """All that ``where`` asks, as the answers wanted to each question, where these are packed (``reports.own_packed``)."""

    @property
    def unpacked(self) -> bool:
        """Whether it asks what only the incidents themselves tell."""
        return bool(self.where) and self.own is None

    def during(self, period: Period) -> "Scope":
        return replace(self, period=period)

    @property
    def dimensions(self) -> dict[str, Sequence[int]]:
        """What is chosen of each dimension."""
        return {"team": self.teams, "severity": self.severities, **self.more}


def incidents_in(scope: Scope) -> QuerySet[Incident]:
    """The incidents of the scope that count: no tests, none merged into another, and none the reader may not see."""
    return chosen_incidents(scope).filter(within(scope, "started_at"))


def within(scope: Scope, field: str) -> Q:
    """The instants of ``field`` that lie in the scope's period, and in its hour of the week where one is asked for."""
    period = scope.period
    found = Q(**{f"{field}__gte": period.since, f"{field}__lt": period.until})
    if scope.hour is None:
        return found
    spans = Q(pk__in=())
    for since, until in hour_spans(period, scope.hour):
        spans |= Q(**{f"{field}__gte": since, f"{field}__lt": until})
    return found & spans


def chosen_incidents(scope: Scope) -> QuerySet[Incident]:
    """As ``incidents_in``, of any time."""
    found = Incident.objects.visible_to(scope.user).counted().filter(merged_into=None)
    for name, values in scope.dimensions.items():
        if values:
            # "None" is nought among the figures, and no number of anything.
            own = None if NOBODY in values else _LOOKUPS.get(name)
            found = found.filter(**{own or f"figures__{name}__in": values})
    return found.filter(scope.where) if scope.where else found


def is_night(at: datetime, zone: tzinfo) -> bool:
    return hours_of(at, zone) == SLEEP
