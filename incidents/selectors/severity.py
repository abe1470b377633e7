"""What another severity would do to an open incident: whom it pages at once, who is only informed, what comes next."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from incidents.hours import Hours
from incidents.models import EscalationRun, Incident
from incidents.routing import Subject, routes_of
from incidents.routing.other_path import other_path, start_of
from incidents.selectors.steps import level_title
from incidents.services.escalator import RunStart
from incidents.services.terms import terms_of
from policies.definition import PolicyDef, TargetDef, targets_parse
from policies.escalation import (
    BusinessTime,
    Decision,
    EnterLevel,
    InformLevel,
    LevelUnreachable,
    Phase,
    RunState,
    SeverityChanged,
    SlaChanged,
    decide,
    forecast,
    start,
)
from policies.reach import reached
from policies.services import version_definition
from policies.targets import TargetResolver


@dataclass(frozen=True, slots=True)
class Called:
    """A level and who holds it now; nobody where it would be left at once."""

    title: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Effect:
    """``paged`` and ``informed`` at once; then ``next_title`` at ``next_at``, ``next_before`` as it stands now.

    ``exhausted`` is whether the ladder is at its end, so that no severity calls anybody. ``goes_over_to`` is the policy that a
    routing rule names for it, whose path begins instead.
    """

    severity: int
    paged: Sequence[Called] = ()
    informed: Sequence[str] = ()
    next_title: str = ""
    next_at: datetime | None = None
    next_before: datetime | None = None
    exhausted: bool = False
    goes_over_to: str = ""


def severity_effect(incident: Incident, run: EscalationRun, *, severity: int, at: datetime) -> Effect:
    """As the engine would do it at ``at``, from the same decisions. ``run`` comes with its policy version.

    Of what routing rules say of the new severity, another path is foretold; whom else they send for or let know is not.
    """
    policy, state = version_definition(run.policy_version), RunState.from_json(run.state)
    calendar = Hours().of(policy, incident)
    before = _next_at(policy, state, at, calendar)
    would_be = copy(incident)
    would_be.severity = severity
    would_be.sla_due_at = sla_due_at = terms_of([would_be], at=at)[0].sla_due_at
    other = _other_path(would_be, run, at) if severity < incident.severity else None
    if other is not None:
        return replace(_begun(other, at), next_before=before)
    if sla_due_at != incident.sla_due_at:
        state = decide(policy, state, SlaChanged(at, sla_due_at), calendar=calendar).state
    decision = decide(policy, state, SeverityChanged(at, severity), calendar=calendar)
    found = _followed(would_be, policy, decision, targets_parse(run.straight_to), at)
    return replace(found, next_before=before, exhausted=state.phase is Phase.EXHAUSTED)


def _other_path(would_be: Incident, run: EscalationRun, at: datetime) -> RunStart | None:
    (routed,) = routes_of([Subject(would_be)], at=at)
    version = other_path(routed, run)
    return start_of(routed, version, would_be) if version is not None else None


def _begun(one: RunStart, at: datetime) -> Effect:
    """The path it goes over to, as its run would begin."""
    policy = version_definition(one.version)
    decision = start(
        policy,
        at=at,
        severity=one.incident.severity,
        sla_due_at=one.incident.sla_due_at,
        first_level=one.first_level,
        timers_percent=one.timers_percent,
        calendar=Hours().of(policy, one.incident),
    )
    found = _followed(one.incident, policy, decision, one.straight_to, at)
    return replace(found, goes_over_to=one.version.policy.name)


def _followed(
    incident: Incident, policy: PolicyDef, decision: Decision, straight_to: Sequence[TargetDef], at: datetime
) -> Effect:
    """Whom ``decision`` pages and informs, and what comes after it."""
    calendar = Hours().of(policy, incident)
    resolver = TargetResolver(at=at)
    skills = frozenset(incident.service.required_skills.values_list("slug", flat=True))

    def names(action: EnterLevel | InformLevel) -> list[str]:
        found = reached(policy, action, resolver=resolver, team=incident.team, skills=skills, straight_to=straight_to)
        return [one.user.name for one in found.recipients]

    informed = [name for action in decision.actions if isinstance(action, InformLevel) for name in names(action)]
    paged: list[Called] = []
    while (entered := _entered(decision)) is not None:
        people = names(entered)
        paged.append(Called(level_title(policy, entered.level), people))
        if people:
            break
        # Nobody holds it: the engine leaves it at once, for the next.
        unreachable = LevelUnreachable(at, entered.level, entered.cycle)
        decision = decide(policy, decision.state, unreachable, calendar=calendar)
    coming = forecast(policy, decision.state, not_before=at, limit=1, calendar=calendar)
    return Effect(
        incident.severity,
        paged=paged,
        informed=_each_once(informed),
        next_title=level_title(policy, coming[0].level) if coming else "",
        next_at=coming[0].at if coming else None,
    )


def _entered(decision: Decision) -> EnterLevel | None:
    return next((action for action in decision.actions if isinstance(action, EnterLevel)), None)


def _next_at(policy: PolicyDef, state: RunState, at: datetime, calendar: BusinessTime) -> datetime | None:
    coming = forecast(policy, state, not_before=at, limit=1, calendar=calendar)
    return coming[0].at if coming else None


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
