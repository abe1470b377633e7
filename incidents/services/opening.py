"""How incidents begin, by whatever door: routed, rated, stored; then their record, and the run, the question or nobody.

Two steps, because a door has rows of its own to store between them (alerts): `incidents_insert`, then `incidents_opened`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import Checkpoint, Incident
from incidents.routing import (
    Course,
    Subject,
    Wish,
    courses_take,
    decisions_record,
    failure_tell,
    routes_of,
    rules_tell,
    wish_heed,
)
from incidents.services.checkpoints import SEVERITY, START, CheckpointOrder, checkpoints_open, start_data
from incidents.services.escalator import Escalator, RunStart
from incidents.services.major import MajorOrder, majors_declare
from incidents.services.role_map import roles_fill
from incidents.services.terms import terms_set
from incidents.services.waiting import GUARDED_SECONDS
from oncall.models import User
from policies.models import PolicyVersion
from policies.routing import Ask, Aspect, aspect_reasons
from policies.services import version_definition
from policies.targets import TargetResolver


def incidents_insert(subjects: Sequence[Subject], *, changes: Changes, wish: Wish | None = None) -> list[Course]:
    """Ask the routing rules about new incidents, give them what follows, and store them. ``wish`` holds for all of them."""
    courses = courses_take(routes_of(subjects, at=changes.at))
    if wish is not None:
        for course in courses:
            wish_heed(course, wish)
    incidents = [course.incident for course in courses]
    for course in courses:
        if course.suppress_seconds is not None:
            course.incident.snoozed_until = changes.at + timedelta(seconds=course.suppress_seconds)
    terms_set(incidents, at=changes.at)
    rows_insert(incidents)
    return courses


def incidents_opened(courses: Sequence[Course], *, changes: Changes) -> None:
    """What follows the INSERT of new incidents: history, ledger, timeline, what the rules decided, runs. The caller writes
    ``changes``."""
    changes.opened([course.incident for course in courses])
    for course in courses:
        incident = course.incident
        changes.ledger(incident, "incident.open", after=opening_facts(incident))
        changes.timeline(incident, "incident.open", source=incident.source, severity=incident.severity)
    decisions_record(courses, changes=changes)
    escalator = Escalator(changes)
    _begin(courses, escalator)
    # Pages before notices: whoever acts is told first.
    escalator.settle()
    _follow(courses, escalator)
    roles_fill(
        [course.incident for course in courses],
        {course.incident.pk: _policy_number(course) for course in courses},
        changes=changes,
        resolver=escalator.resolver,
    )


def _policy_number(course: Course) -> int | None:
    """The policy whose role map counts: the one its run follows, or that of its service."""
    return course.version.policy_id if course.version is not None else course.incident.service.policy_id


def _begin(courses: Sequence[Course], escalator: Escalator) -> None:
    """Runs, questions, or nobody."""
    paging, asking = [], []
    for course in courses:
        if course.suppress_seconds is not None:
            _enter_silence(course, escalator.changes)
        if course.pages_nobody:
            _enter(course, "routing.page_nobody", escalator.changes, reason=course.nobody_reason)
        elif course.version is None:
            name = course.incident.service.name
            escalator.changes.timeline(course.incident, "escalation.no_policy", name=name)
            escalator.changes.ledger(course.incident, "escalation.no_policy", data={"service": name})
        elif course.ask is not None:
            asking.append(_question(course, course.ask, course.version, escalator.resolver))
        else:
            paging.append(_run_start(course, course.version))
    escalator.start(paging)
    held = [_lowering(course, escalator.resolver) for course in courses if course.held_severity is not None]
    checkpoints_open([*asking, *held], escalator=escalator)


def _run_start(course: Course, version: PolicyVersion) -> RunStart:
    return RunStart(
        course.incident,
        version,
        course.first_level,
        course.timers_percent,
        course.route.straight_to,
        suppressed_until=course.incident.snoozed_until if course.suppress_seconds is not None else None,
    )


def _enter_silence(course: Course, changes: Changes) -> None:
    """Until when it is silent, and why."""
    until = course.incident.snoozed_until
    data = {"until": until.isoformat() if until else None, "reason": course.suppress_reason}
    changes.timeline(course.incident, "routing.suppress", until=data["until"], text=course.suppress_reason)
    changes.ledger(course.incident, "routing.suppress", data=data)


def _question(course: Course, ask: Ask, version: PolicyVersion, resolver: TargetResolver) -> CheckpointOrder:
    """Whether to escalate at all, put to whom the rule names or to whoever the first level reaches."""
    users = [one.user for one in resolver.recipients(ask.targets, team=course.incident.team)]
    return CheckpointOrder(
        incident=course.incident,
        action=START,
        asked=users if ask.targets else _first_people(course, resolver),
        within_seconds=ask.within_seconds,
        fallback=ask.otherwise.value,
        data=start_data(
            version,
            first_level=course.first_level,
            timers_percent=course.timers_percent,
            straight_to=course.route.straight_to,
            severity=course.ask_severity,
        ),
        reason=course.ask_reason,
    )


def _lowering(course: Course, resolver: TargetResolver) -> CheckpointOrder:
    """Whether a guarded incident may become milder, as a rule has it."""
    return CheckpointOrder(
        incident=course.incident,
        action=SEVERITY,
        asked=_first_people(course, resolver),
        within_seconds=GUARDED_SECONDS,
        fallback=Checkpoint.Fallback.LEAVE,
        data={"severity": course.held_severity},
        reason=_reason(course, Aspect.SEVERITY),
    )


def _first_people(course: Course, resolver: TargetResolver) -> list[User]:
    if course.version is None:
        return []
    policy = version_definition(course.version)
    number = max(course.first_level or 0, policy.first_level_for(course.incident.severity))
    level = policy.levels[min(number, len(policy.levels) - 1)]
    return [one.user for one in resolver.recipients(level.targets, team=course.incident.team)]


def _follow(courses: Sequence[Course], escalator: Escalator) -> None:
    """What rules have done besides: people told, a problem record proposed, a major incident declared."""
    changes = escalator.changes
    rules_tell([course.routed for course in courses], changes=changes, resolver=escalator.resolver)
    for course in courses:
        if course.route.problem:
            _enter(course, "problem.propose", changes, reason=_reason(course, Aspect.PROBLEM))
    majors = [_major(course) for course in courses if course.route.major]
    if majors:
        majors_declare(majors, changes=changes, resolver=escalator.resolver)
    failure_tell(
        [course.routed for course in courses if course.routed.error], changes=changes, resolver=escalator.resolver
    )


def _major(course: Course) -> MajorOrder:
    return MajorOrder(
        incident=course.incident,
        by="rule",
        policy=version_definition(course.version) if course.version else None,
        reason=_reason(course, Aspect.MAJOR),
    )


def _reason(course: Course, aspect: Aspect) -> str:
    return " ".join(aspect_reasons(course.route, aspect, course.routed.definition))


def _enter(course: Course, kind: str, changes: Changes, *, reason: str) -> None:
    changes.timeline(course.incident, kind, text=reason)
    changes.ledger(course.incident, kind, data={"reason": reason} if reason else None)


def opening_facts(incident: Incident) -> dict[str, Any]:
    """An incident at its opening, as the ledger keeps it."""
    facts: dict[str, Any] = {
        "title": incident.title,
        "severity": incident.severity,
        "service": incident.service.name,
        "team": incident.team.name,
        "environment": incident.environment,
        "source": incident.source,
        "restricted": incident.restricted,
        "test": incident.is_test,
    }
    if incident.category is not None:
        facts["category"] = incident.category.slug
    if incident.customer is not None:
        facts["customer"] = incident.customer.slug
    later = {
        name: getattr(incident, name) for name in ("impact", "urgency", "priority", "facts", "guarded", "protected")
    }
    return facts | {name: value for name, value in later.items() if value}
