"""What the reports read: incidents as rows, pages per person. Everything begins with what the reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from incidents.models import Incident, Page
from oncall.models import User
from oncall.rota.clock import zone_named
from reports.metrics import IncidentRow
from reports.period import Period

NIGHT_BEGINS, NIGHT_ENDS = 22, 6  # o'clock, where the person lives
_FIELDS = ("id", "severity", "team_id", "started_at", "acknowledged_at", "resolved_at", "exhausted_at", "called")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which incidents a report is about. Empty `teams` or `severities` mean all."""

    user: User
    period: Period
    teams: Sequence[int] = ()
    severities: Sequence[int] = ()

    def during(self, period: Period) -> "Scope":
        return Scope(self.user, period, self.teams, self.severities)


def incidents_in(scope: Scope) -> QuerySet[Incident]:
    """The incidents of the scope that count: no tests, and none the reader may not see."""
    found = Incident.objects.visible_to(scope.user).counted()
    found = found.filter(started_at__gte=scope.period.since, started_at__lt=scope.period.until)
    if scope.teams:
        found = found.filter(team__in=scope.teams)
    if scope.severities:
        found = found.filter(severity__in=scope.severities)
    return found


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


def incident_rows(scope: Scope) -> list[IncidentRow]:
    """One query, however long the range."""
    found = with_called(incidents_in(scope)).order_by("id").values_list(*_FIELDS)
    return [
        IncidentRow(pk, severity, team, started, acknowledged, resolved, exhausted is not None, called)
        for pk, severity, team, started, acknowledged, resolved, exhausted, called in found
    ]


@dataclass(slots=True)
class Load:
    """What one person was paged, each time as (instant, at night where they live)."""

    user_id: int
    name: str
    pages: list[tuple[datetime, bool]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.pages)

    @property
    def nights(self) -> int:
        return sum(night for _at, night in self.pages)


def page_loads(scope: Scope) -> list[Load]:
    """The pages of the period per person, the most loaded first: one query."""
    found = (
        Page.objects.filter(
            created_at__gte=scope.period.since, created_at__lt=scope.period.until, incident__is_test=False
        )
        .filter(incident__in=Incident.objects.visible_to(scope.user))
        .order_by("created_at")
    )
    if scope.teams:
        found = found.filter(incident__team__in=scope.teams)
    if scope.severities:
        found = found.filter(incident__severity__in=scope.severities)
    names = (
        "recipient_id",
        "recipient__first_name",
        "recipient__last_name",
        "recipient__username",
        "recipient__time_zone",
    )
    loads: dict[int, Load] = {}
    for pk, first, last, username, zone, at in found.values_list(*names, "created_at"):
        load = loads.setdefault(pk, Load(pk, f"{first} {last}".strip() or username))
        load.pages.append((at, is_night(at, zone_named(zone))))
    return sorted(loads.values(), key=lambda load: (-load.total, load.name))


def is_night(at: datetime, zone: tzinfo) -> bool:
    hour = at.astimezone(zone).hour
    return hour >= NIGHT_BEGINS or hour < NIGHT_ENDS
