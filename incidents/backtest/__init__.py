"""A back-test: the incidents of a range walked again under another reading of their policy, beside the one in force.

Each incident keeps what is known of it: when it began, how severe it is, which service it struck, and when somebody
answered and resolved it. That instant stays where it was: a policy that pages somebody sooner is not credited with a
sooner answer, so that the figures compare what the policies do and not what people might.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident
from oncall.models import Skill, User
from policies.definition import PolicyDef
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
    """``cut`` when there were more incidents than MAX_INCIDENTS; the newest of them count."""

    incidents: int
    cut: bool
    current: Outcome
    draft: Outcome


def backtest(
    policy: EscalationPolicy, *, current: PolicyDef, draft: PolicyDef, since: datetime, until: datetime
) -> BackTest:
    """Both readings on the policy's incidents that began from ``since`` on, before ``until``; tests are left out.

    Slow: people are looked up for every step of every incident. Raises DomainError for a range that is empty or longer
    than a year.
    """
    if not since < until <= since + LONGEST:
        raise DomainError(_("The end must come after the start, by a year at most."), field="until")
    found = _incidents(policy, since, until)
    questions = [_question(one) for one in found[:MAX_INCIDENTS]]
    zones = {pk: ZoneInfo(zone) for pk, zone in User.objects.values_list("pk", "time_zone")}
    now, then = ([simulate(reading, one) for one in questions] for reading in (current, draft))
    return BackTest(len(questions), len(found) > MAX_INCIDENTS, outcome_of(now, zones), outcome_of(then, zones))


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


def _incidents(policy: EscalationPolicy, since: datetime, until: datetime) -> list[Incident]:
    """The newest first, one more than are looked at. Three queries."""
    skills = Prefetch("service__required_skills", Skill.objects.all())
    rows = Incident.objects.filter(service__policy=policy, is_test=False, started_at__gte=since, started_at__lt=until)
    return list(
        rows.select_related("team", "service").prefetch_related(skills).order_by("-started_at")[: MAX_INCIDENTS + 1]
    )


def _question(incident: Incident) -> Question:
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
    return Question(at=started, severity=incident.severity, team=incident.team, skills=skills, acts=tuple(acts))
