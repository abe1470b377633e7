"""What a made-up incident gets from the service it strikes: whose it is, its policy, its calendar, its SLA."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from oncall.models import Team
from policies.books import PRIORITY, SLA, book_read
from policies.calendars import calendar_time
from policies.definition import Hours, PolicyDef
from policies.escalation import BusinessTime, around_the_clock
from policies.models import EscalationPolicy
from policies.priority import priority_of
from policies.sla import target_for
from policies.targets import NO_SKILLS, Skills
from policies.working_hours import WorkingHours


@dataclass(frozen=True, slots=True)
class Served:
    """``team`` owns the service and ``skills`` (slugs) are what it asks for. Without a service (``name`` "") it is a policy's
    own team, and nothing was promised."""

    team: Team
    skills: Skills = NO_SKILLS
    policy: EscalationPolicy | None = None
    name: str = ""
    tier: int | None = None
    calendar_id: int | None = None
    slug: str = ""

    @property
    def facts(self) -> dict[str, object]:
        """What of it conditions may ask for, as far as it is known here."""
        known: dict[str, object] = {"service": self.slug, "tier": self.tier, "team": self.team.slug}
        return {name: value for name, value in known.items() if value not in (None, "")}

    def calendar_for(self, policy: PolicyDef) -> BusinessTime:
        """What counts as business time on ``policy``: one query where that asks for it."""
        return WorkingHours().of(policy, self.calendar_id)


@dataclass(frozen=True, slots=True)
class Promise:
    """When the SLA ends, and by which target (its name, "" where somebody just says so)."""

    due_at: datetime
    target: str = ""


def served_by(policy: EscalationPolicy, slug: str) -> Served:
    """The service of that slug on ``policy``; of no slug the first by name. Without one, the policy's own team."""
    services = policy.services.select_related("team").order_by("name")
    service = services.filter(slug=slug).first() if slug else services.first()
    if service is None:
        return Served(policy.team or Team(), policy=policy)
    skills = frozenset(service.required_skills.values_list("slug", flat=True))
    return Served(service.team, skills, policy, service.name, service.tier, service.calendar_id, service.slug)


def served(slug: str) -> Served | None:
    """Any service by its slug; None where there is none."""
    # Services belong to the app above: they are reached by the relation of their team.
    team = Team.objects.filter(services__slug=slug).first()
    if team is None:
        return None
    service = team.services.select_related("policy__current_version").get(slug=slug)
    skills = frozenset(service.required_skills.values_list("slug", flat=True))
    return Served(team, skills, service.policy, service.name, service.tier, service.calendar_id, service.slug)


def promise_of(service: Served, *, severity: int, at: datetime, lasts: timedelta | None) -> Promise | None:
    """The SLA that somebody says lasts so long, else that of the targets in force."""
    return promised(service, severity=severity, at=at) if lasts is None else Promise(at + lasts)


def promised(
    service: Served, *, severity: int | None, at: datetime, impact: int | None = None, urgency: int | None = None
) -> Promise | None:
    """The end of the SLA of an incident of ``severity`` that begins at ``at``, by the targets in force; None without one.

    Two or three queries.
    """
    if severity is None or service.tier is None:
        return None
    priority = priority_of(book_read(PRIORITY).value, severity=severity, impact=impact, urgency=urgency)
    target = target_for(book_read(SLA).value, severity=severity, priority=priority, tier=service.tier)
    if target is None:
        return None
    calendar = calendar_time(service.calendar_id) if target.hours is Hours.BUSINESS else around_the_clock
    return Promise(target.due(at, calendar).resolve_due, target.name)
