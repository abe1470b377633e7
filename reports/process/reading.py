"""Reads what the checks look at: the incidents of a scope, their pages and the changes of their team and severity. Nine queries, and one
more where there are calendars."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from incidents.models import Page, Service, TimelineEvent
from oncall.models import Team, User
from reports.figures.gathering import working_time
from reports.process.values import Called, Case, Change, Ground
from reports.selectors import Scope, incidents_in

MOST = 20_000
"""Incidents that are looked at, the newest: enough to see a pattern, and read in a moment."""
LONGEST_CAUSE = 120
_CHANGES = ("incident.team", "incident.severity", "incident.priority")
_CASE = (
    "pk", "title", "service_id", "team_id", "severity", "source", "integration_id", "dedup_key", "alert_count", "started_at",
    "acknowledged_at", "resolved_at", "review__published_at", "review__root_cause", "resolution",
)  # fmt: skip


def ground_read(scope: Scope, *, at: datetime) -> Ground:
    """The newest of the scope's incidents with what hangs on them."""
    found = incidents_in(scope).filter(merged_into=None).order_by("-started_at", "-pk")
    rows = list(found.values_list(*_CASE)[: MOST + 1])
    cases = {row[0]: _case(row) for row in rows[:MOST]}
    # By a condition and not by thousands of numbers where all are meant.
    whole = len(rows) <= MOST
    wanted: Any = incidents_in(scope).values("pk") if whole else list(cases)
    called = [one for one in _called(wanted) if one.incident in cases]
    teams = dict(Team.objects.values_list("pk", "name"))
    chosen = frozenset(teams[pk] for pk in scope.teams if pk in teams)
    left = _left(scope, chosen)
    changes = [*(one for one in _changes(wanted) if one.incident in cases), *(_changes(list(left)) if left else ())]
    return Ground(
        cases=cases,
        called=called,
        changes=changes,
        people=_people({one.person for one in called}),
        services=_services({case.service for case in (*cases.values(), *left.values())}),
        days=scope.period.days,
        at=at,
        whole=whole,
        left=left,
        teams=teams,
        chosen=chosen,
        working=working_time({case.service for case in cases.values()}),
    )


def _left(scope: Scope, chosen: Collection[str]) -> dict[int, Case]:
    """Incidents that one of the chosen teams had once and another one has now: they went away from it, and are not among its own."""
    if not chosen:
        return {}
    elsewhere = incidents_in(replace(scope, teams=())).exclude(team__in=scope.teams)
    gone = TimelineEvent.objects.filter(kind=_CHANGES[0], data__before__in=list(chosen), incident__in=elsewhere)
    found = elsewhere.filter(pk__in=gone.values("incident")).order_by("-started_at", "-pk")
    return {row[0]: _case(row) for row in found.values_list(*_CASE)[:MOST]}


def _case(row: Sequence[Any]) -> Case:
    pk, title, service, team, severity, source, integration, dedup, alerts, *rest = row
    started, acknowledged, resolved, published, root, resolution = rest
    key = f"{integration}:{dedup}" if dedup else ""
    reviewed, cause = published is not None, _first_line(root or resolution)
    instants = (started, acknowledged, resolved)
    return Case(pk, title, service, team, severity, source, key, alerts, *instants, reviewed, cause)


def _first_line(text: str) -> str:
    return next((line.strip()[:LONGEST_CAUSE] for line in text.splitlines() if line.strip()), "")


def _called(wanted: Any) -> list[Called]:
    rows = Page.objects.filter(incident__in=wanted).order_by("id")
    fields = (
        "incident",
        "recipient",
        "run__policy_version__policy",
        "level",
        "cycle",
        "created_at",
        "answered_at",
        "state",
    )
    return [
        Called(incident, person, policy, level, cycle, at, answered is not None, state == Page.State.CANCELLED)
        for incident, person, policy, level, cycle, at, answered, state in rows.values_list(*fields)
    ]


def _changes(wanted: Any) -> list[Change]:
    rows = TimelineEvent.objects.filter(incident__in=wanted, kind__in=_CHANGES).order_by("id")
    return [
        Change(incident, kind, at, str(data.get("before", "")), str(data.get("after") or data.get("name", "")))
        for incident, kind, at, data in rows.values_list("incident", "kind", "at", "data")
    ]


def _people(ids: Collection[int]) -> Mapping[int, tuple[str, str]]:
    return {one.pk: (one.name, one.time_zone) for one in User.objects.filter(pk__in=ids)}


def _services(ids: Collection[int]) -> Mapping[int, tuple[str, str]]:
    rows = Service.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows}
