"""From routes to courses: what an incident is given before it is stored, and how it goes on afterwards.

A rule that names a team or a policy which is gone decides nothing there, and the incident says so: a strange rule must
cost nobody an alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from django.db.models import Q, QuerySet

from incidents.models import Incident
from incidents.routing.routes import Routed
from oncall.models import Team
from policies.definition import severity_name
from policies.models import EscalationPolicy, PolicyVersion
from policies.routing import Ask, Aspect, Route, aspect_reasons

log = structlog.get_logger(__name__)

GUARDED_ASK_SECONDS = 10 * 60
"""How long a person is waited for before a guarded incident that a rule would page nobody for is escalated all the same."""

Row = TypeVar("Row", Team, EscalationPolicy)


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the incident's timeline, and the ledger's entry of the same name."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What whoever files an incident says of its escalation; a rule that says something of it goes before.

    `ask`: they cannot tell how bad it is, so a person is asked before anybody is paged; without targets whoever the first
    level reaches. Where nobody decides in time it is escalated as `ask_severity` (None: as it is). `escalate` False: no
    criterion for paging anybody is met. `reason` is what people read.
    """

    ask: Ask | None = None
    ask_severity: int | None = None
    escalate: bool = True
    reason: str = ""


@dataclass(slots=True)
class Course:
    """How an incident goes on: `version` is the policy it walks, None where it has none.

    `ask` is set where a person is asked before anybody is paged, with no targets where whoever the first level reaches is
    meant; `ask_reason` says why, and without a decision it is escalated as `ask_severity` (None: as it is).
    `held_severity` is the milder one that a guarded incident does not get by itself. `suppress_seconds` is how long it is kept
    silent before it is escalated, None for not at all, and `suppress_reason` why.
    """

    routed: Routed
    version: PolicyVersion | None
    notes: list[Note] = field(default_factory=list)
    pages_nobody: bool = False
    nobody_reason: str = ""
    ask: Ask | None = None
    ask_reason: str = ""
    ask_severity: int | None = None
    held_severity: int | None = None
    suppress_seconds: int | None = None
    suppress_reason: str = ""

    @property
    def incident(self) -> Incident:
        return self.routed.incident

    @property
    def route(self) -> Route:
        return self.routed.route

    @property
    def first_level(self) -> int | None:
        """Counted from 0, as the escalation core does."""
        return None if self.route.start_level is None else self.route.start_level - 1

    @property
    def timers_percent(self) -> int:
        return self.route.timers_percent or 100

    def start_dump(self) -> dict[str, Any]:
        """How its run would begin, kept with the decision: for whoever starts it later."""
        return {
            "version": self.version.pk if self.version else None,
            "first_level": self.first_level,
            "timers_percent": self.timers_percent,
        }


def courses_take(routed: Sequence[Routed]) -> list[Course]:
    """Give the incidents, which are new, what their routes decide, and say how each goes on.

    Two queries at most: the policies and the teams that rules name.
    """
    policies = _policies(routed)
    teams = _named(Team.objects.all(), {one.route.team for one in routed})
    return [_course(one, policies, teams) for one in routed]


def _course(one: Routed, policies: dict[str | int, EscalationPolicy], teams: dict[str | int, Team]) -> Course:
    incident, route = one.incident, one.route
    course = Course(one, None)
    if one.error:
        course.notes.append(Note("routing.fail", {"reason": one.error}))
    incident.guarded = incident.guarded or route.guarded
    incident.protected = incident.protected or route.protected
    if route.team is not None:
        team = teams.get(route.team)
        if team is None:
            log.warning("routing.team_gone", team=route.team, version=one.version_id)
            course.notes.append(Note("routing.team_gone", {"name": str(route.team)}))
        else:
            incident.team = team
    course.version = _version(course, policies)
    _take_severity(course)
    _decide_start(course)
    return course


def version_now(routed: Routed) -> PolicyVersion | None:
    """The policy version that an incident would walk now: the rules' or, where they name none there is, its service's."""
    return _version(Course(routed, None), _policies([routed]))


def version_of_rules(routed: Routed) -> PolicyVersion | None:
    """The policy version that the rules name; None where they name none there is."""
    if routed.route.policy is None:
        return None
    policy = _policies([routed]).get(routed.route.policy)
    return policy.current_version if policy is not None else None


def _policies(routed: Sequence[Routed]) -> dict[str | int, EscalationPolicy]:
    rows = EscalationPolicy.objects.select_related("current_version")
    return _named(rows, {one.route.policy for one in routed})


def _version(course: Course, policies: dict[str | int, EscalationPolicy]) -> PolicyVersion | None:
    own = course.incident.service.policy
    wanted = course.route.policy
    if wanted is not None:
        policy = policies.get(wanted)
        if policy is not None and policy.current_version is not None:
            return policy.current_version
        log.warning("routing.policy_gone", policy=wanted, version=course.routed.version_id)
        course.notes.append(Note("routing.policy_gone", {"name": policy.name if policy else str(wanted)}))
    return own.current_version if own is not None else None


def _take_severity(course: Course) -> None:
    """The severity the rules decided; a guarded incident becomes milder by a person's word only."""
    incident, severity = course.incident, course.route.severity
    if severity is None or severity == incident.severity:
        return
    if incident.guarded and severity > incident.severity:
        course.held_severity = severity
        return
    course.notes.append(
        Note("routing.severity", {"before": severity_name(incident.severity), "after": severity_name(severity)})
    )
    incident.severity = severity


def _decide_start(course: Course) -> None:
    if course.route.escalate:
        course.ask, decided_by = course.route.ask, Aspect.ASK
    elif course.incident.guarded:
        course.ask, decided_by = Ask((), GUARDED_ASK_SECONDS), Aspect.ESCALATE
    else:
        course.pages_nobody, decided_by = True, Aspect.ESCALATE
    reason = " ".join(aspect_reasons(course.route, decided_by, course.routed.definition))
    course.ask_reason = course.nobody_reason = reason
    _keep_silent(course)


def _keep_silent(course: Course) -> None:
    """A rule keeps it silent for a time. Whoever would be asked first is asked nothing then: it is escalated when the time is
    over. What is guarded is silenced by a person only."""
    if course.route.suppress is None or course.pages_nobody:
        return
    if course.incident.guarded:
        course.notes.append(Note("routing.suppress_guarded"))
        return
    course.ask = None
    course.suppress_seconds = course.route.suppress
    course.suppress_reason = " ".join(aspect_reasons(course.route, Aspect.SUPPRESS, course.routed.definition))


def wish_heed(course: Course, wish: Wish) -> None:
    """Do as whoever filed it wishes, where no rule said anything of it. A guarded incident is never left unpaged so."""
    ruled = course.route.because.keys() & {Aspect.ESCALATE, Aspect.ASK, Aspect.SUPPRESS}
    if ruled:
        return
    if wish.ask is not None:
        course.ask, course.ask_reason, course.ask_severity = wish.ask, wish.reason, wish.ask_severity
    elif not wish.escalate and course.incident.guarded:
        course.ask, course.ask_reason = Ask((), GUARDED_ASK_SECONDS), wish.reason
    elif not wish.escalate:
        course.pages_nobody, course.nobody_reason = True, wish.reason


def _named(rows: QuerySet[Row], refs: Iterable[str | int | None]) -> dict[str | int, Row]:
    """Rows by what rules call them, a primary key or a slug; no query for nothing."""
    numbers = [ref for ref in refs if isinstance(ref, int)]
    slugs = [ref for ref in refs if isinstance(ref, str)]
    found: dict[str | int, Row] = {}
    if numbers or slugs:
        for row in rows.filter(Q(pk__in=numbers) | Q(slug__in=slugs)):
            found |= {row.pk: row, row.slug: row}
    return found
