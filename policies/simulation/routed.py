"""From the facts of a made-up incident to the last page: what the routing rules decide, and the walk that follows.

The engine does the same in `incidents.routing.courses`; a test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from oncall.models import Team
from policies.conditions import Facts
from policies.models import EscalationPolicy, PolicyVersion
from policies.routing import Route, RouteTrace, Routing, RoutingDef
from policies.services import version_definition
from policies.simulation.gathering import Question, simulate
from policies.simulation.serving import Promise, Served, promised
from policies.simulation.walk import MAX_STEPS, Act, Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What the rules decided, with the reason of every part, and what follows.

    `severity` is the one the incident gets, None where nobody knows one. `policy` and `version` are those it would walk,
    None where there is none; `gone` are the policies and teams that a rule names and that do not exist: there the
    service's own hold. `pages_nobody`: a rule says so. With `asks_first` a person is asked, and `simulation` is what follows
    if they say yes. Before `suppressed_until` a rule keeps it silent; `guarded_silence`: one would, and it is guarded.
    `held_severity` is the milder one that a guarded incident does not get without a person's word.
    """

    trace: RouteTrace
    team: Team
    severity: int | None
    held_severity: int | None
    policy: EscalationPolicy | None
    version: PolicyVersion | None
    gone: tuple[str, ...]
    asks_first: bool
    pages_nobody: bool
    promise: Promise | None = None
    simulation: Simulation | None = None
    suppressed_until: datetime | None = None
    guarded_silence: bool = False

    @property
    def route(self) -> Route:
        return self.trace.route


def simulate_route(
    rules: RoutingDef,
    facts: Facts,
    *,
    service: Served,
    at: datetime,
    acts: Sequence[Act] = (),
    unreachable: frozenset[int] = frozenset(),
    limit: int = MAX_STEPS,
) -> Routed:
    """What becomes of an incident with these facts on `service` that begins at `at`, as the engine would have it.

    Nothing is stored, nobody is told. `rules` are those in force or a draft. The severity is that of the facts unless a
    rule says another; impact and urgency count for the SLA where the facts have them.
    """
    trace = Routing(rules).explain(facts)
    route = trace.route
    team = _team(route.team)
    policy = _policy(route.policy)
    known = facts.values.get("severity")
    held = route.severity if route.guarded and _is_milder(route.severity, known) else None
    severity = known if held is not None else route.severity
    version = policy.current_version if policy else service.policy.current_version if service.policy else None
    promise = promised(
        service, severity=severity, at=at, impact=_rank(facts, "impact"), urgency=_rank(facts, "urgency")
    )
    pages_nobody = not route.escalate and not route.guarded
    silenced = route.suppress is not None and not pages_nobody
    until = at + timedelta(seconds=route.suppress or 0) if silenced and not route.guarded else None
    question = Question(
        at=at,
        severity=severity,
        team=team or service.team,
        skills=service.skills,
        acts=tuple(acts),
        unreachable=unreachable,
        sla_due_at=promise.due_at if promise else None,
        first_level=None if route.start_level is None else route.start_level - 1,
        timers_percent=route.timers_percent or 100,
        straight_to=route.straight_to,
        suppressed_until=until,
        facts={**facts.given, "severity": severity},
    )
    return Routed(
        trace=trace,
        team=question.team,
        severity=severity,
        held_severity=held,
        policy=policy or service.policy,
        version=version,
        gone=tuple(
            str(named)
            for named, row in ((route.policy, policy), (route.team, team))
            if named is not None and row is None
        ),
        asks_first=not pages_nobody and until is None and (route.ask is not None or not route.escalate),
        pages_nobody=pages_nobody,
        promise=promise,
        simulation=None if version is None or pages_nobody else _walked(version, question, service, limit),
        suppressed_until=until,
        guarded_silence=silenced and route.guarded,
    )


def _walked(version: PolicyVersion, question: Question, service: Served, limit: int) -> Simulation:
    definition = version_definition(version)
    return simulate(definition, question.on(service.calendar_for(definition)), limit=limit)


def _is_milder(severity: int | None, known: object) -> bool:
    return severity is not None and isinstance(known, int) and severity > known


def _rank(facts: Facts, name: str) -> int | None:
    value = facts.values.get(name)
    return value if isinstance(value, int) else None


def _team(ref: str | int | None) -> Team | None:
    return None if ref is None else Team.objects.filter(_named(ref)).first()


def _policy(ref: str | int | None) -> EscalationPolicy | None:
    """A policy without a version cannot be walked: it counts as gone."""
    if ref is None:
        return None
    found = EscalationPolicy.objects.select_related("current_version").filter(_named(ref)).first()
    return found if found is not None and found.current_version is not None else None


def _named(ref: str | int) -> Q:
    return Q(pk=ref) if isinstance(ref, int) else Q(slug=ref)
