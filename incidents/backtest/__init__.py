"""A back-test: the incidents of a range walked again under another reading of their policy, beside the one in force.

Each incident keeps what is known of it: when it began, how severe it is, which service it struck, what the routing rules
decided of its escalation, by when it was to be solved, and when somebody answered and resolved it. That instant stays
where it was: a policy that pages somebody sooner is not credited with a sooner answer, so that the figures compare what
the policies do and not what people might.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.hours import Hours
from incidents.models import EscalationRun, Incident, RoutingDecision
from oncall.models import Skill, User
from policies.definition import PolicyDef, targets_parse
from policies.escalation import RunState
from policies.models import EscalationPolicy
from policies.simulation import Act, Deed, Question, Simulation, simulate
from policies.simulation.walk import PAGING

MAX_INCIDENTS = 1_000
LONGEST = timedelta(days=366)
NIGHT_BEGINS, NIGHT_ENDS = 22, 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reading of the policy does with all the incidents. Times are from the start to the first page that can
    reach somebody, None where there is none; ``unpaged`` counts incidents of which nobody is told at all. ``woken`` is
    how many times a person is paged at night (22:00 to 06:00) on their own clock, once for each incident."""

    pages: int
    median_to_page: timedelta | None
    longest_to_page: timedelta | None
    unpaged: int
    woken: int
    exhausted: int


@dataclass(frozen=True, slots=True)
class BackTest:
    """``cut`` when there were more incidents than were asked for; the newest of them count."""

    incidents: int
    cut: bool
    current: Outcome
    draft: Outcome


def backtest(
    policy: EscalationPolicy,
    *,
    current: PolicyDef,
    draft: PolicyDef,
    since: datetime,
    until: datetime,
    most: int = MAX_INCIDENTS,
) -> BackTest:
    """Both readings on the policy's incidents that began from ``since`` on, before ``until``; tests are left out. With
    more than ``most`` the newest count.

    Slow: people are looked up for every step of every incident. Raises DomainError for a range that is empty or longer
    than a year.
    """
    if not since < until <= since + LONGEST:
        raise DomainError(_("The end must come after the start, by a year at most."), field="until")
    found = _incidents(policy, since, until, most)
    questions = _questions(found[:most])
    zones = {pk: ZoneInfo(zone) for pk, zone in User.objects.values_list("pk", "time_zone")}
    hours = Hours()
    now, then = (
        [simulate(reading, replace(question, calendar=hours.of(reading, incident))) for incident, question in questions]
        for reading in (current, draft)
    )
    return BackTest(len(questions), len(found) > most, outcome_of(now, zones), outcome_of(then, zones))


def outcome_of(simulations: Sequence[Simulation], zones: dict[int, ZoneInfo]) -> Outcome:
    """The figures of these simulations; ``zones`` are people's own clocks, by number."""
    firsts = [one.first_page for one in simulations]
    times = [first for first in firsts if first is not None]
    return Outcome(
        pages=sum(one.pages for one in simulations),
        median_to_page=timedelta(seconds=median(one.total_seconds() for one in times)) if times else None,
        longest_to_page=max(times, default=None),
        unpaged=len(firsts) - len(times),
        woken=sum(len(_woken(one, zones)) for one in simulations),
        exhausted=sum(one.phase == "exhausted" for one in simulations),
    )


def _woken(found: Simulation, zones: dict[int, ZoneInfo]) -> set[int]:
    return {
        one.user_id
        for step in found.steps
        if step.kind in PAGING
        for one in step.people
        if one.reachable and is_night(step.at.astimezone(zones[one.user_id]))
    }


def is_night(local: datetime) -> bool:
    return local.hour >= NIGHT_BEGINS or local.hour < NIGHT_ENDS


def _incidents(policy: EscalationPolicy, since: datetime, until: datetime, most: int) -> list[Incident]:
    """The newest first, one more than are looked at. Three queries."""
    skills = Prefetch("service__required_skills", Skill.objects.all())
    rows = Incident.objects.filter(service__policy=policy, is_test=False, started_at__gte=since, started_at__lt=until)
    return list(rows.select_related("team", "service").prefetch_related(skills).order_by("-started_at")[: most + 1])


def _questions(incidents: Sequence[Incident]) -> list[tuple[Incident, Question]]:
    """Two queries: how their escalations really began, and what the routing rules had decided of that."""
    ids = [incident.pk for incident in incidents]
    runs = {run.incident_id: run for run in EscalationRun.objects.filter(incident__in=ids).order_by("-pk")}
    rows = RoutingDecision.objects.filter(incident__in=ids, cause=RoutingDecision.Cause.OPENED).order_by("-pk")
    decided = {row.incident_id: row.decision for row in rows}
    return [(one, _question(one, runs.get(one.pk), decided.get(one.pk, {}))) for one in incidents]


def _question(incident: Incident, run: EscalationRun | None, decided: Mapping[str, Any]) -> Question:
    """The answer counts from the start, and is that of nobody in particular: a level that everybody must answer is then
    answered by the one who took it."""
    started, who = incident.started_at, incident.owner_id or 0
    acts = [
        Act(deed, who, instant - started, from_start=True)
        for deed, instant in (
            (Deed.ACKNOWLEDGE, incident.acknowledged_at),
            (Deed.MITIGATE, incident.mitigated_at),
            (Deed.RESOLVE, incident.resolved_at),
        )
        if instant is not None and instant >= started
    ]
    skills = frozenset(skill.slug for skill in incident.service.required_skills.all())
    start_level = decided.get("start_level")
    return Question(
        at=started,
        severity=incident.severity,
        team=incident.team,
        skills=skills,
        acts=tuple(acts),
        sla_due_at=incident.sla_due_at,
        first_level=None if start_level is None else start_level - 1,
        timers_percent=RunState.from_json(run.state).timers_percent if run else 100,
        straight_to=targets_parse(run.straight_to) if run else (),
        facts={**incident.facts, "service": incident.service.slug, "tier": incident.service.tier},
    )
