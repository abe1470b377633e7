"""What filing an incident would do: what the routing rules say of it, who is paged at once, and who after that if nobody answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents.hours import Hours
from incidents.models import Incident, Service, Stage
from incidents.routing import Course, Subject, Wish, courses_take, routes_of, wish_heed
from incidents.selectors.steps import level_title
from incidents.selectors.who import people_called
from incidents.services.terms import terms_set
from oncall.loading import Loaded
from policies.definition import PolicyDef, severity_name
from policies.escalation import EnterLevel, forecast, start
from policies.models import PolicyVersion
from policies.routing import route_reasons
from policies.services import version_definition

NAMED_LEVELS = 2
"""How many levels are shown with the names of those on call now; for later ones that would be guessing."""


@dataclass(frozen=True, slots=True)
class Step:
    """``title`` is called at ``at`` (None: at once); ``names`` are those on call now, empty for later levels."""

    title: str
    at: datetime | None
    names: Sequence[str]
    because: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The steps for ``service``; none when it has no policy, or when a rule says that nobody is paged.

    ``reasons`` are the reasons of the rules that matched, ``severity`` is what they make of it (None where nobody knows one)
    and ``changed`` whether that is another than the one it was asked for. With ``asks_first`` the steps follow a person's yes;
    before ``suppressed_until`` nobody is paged, and the steps follow then.
    """

    service: Service
    steps: Sequence[Step]
    reasons: Sequence[str] = ()
    severity: int | None = None
    changed: bool = False
    pages_nobody: bool = False
    asks_first: bool = False
    suppressed_until: datetime | None = None

    @property
    def severity_name(self) -> str:
        return severity_name(self.severity) if self.severity else ""

    @property
    def first_names(self) -> Sequence[str]:
        return self.steps[0].names if self.steps else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What is said of the incident so far, besides its service and severity. What is not known yet no rule can ask for."""

    title: str = ""
    environment: str = ""
    impact: int | None = None
    urgency: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    wish: Wish | None = None


def preview_of(
    service: Service,
    *,
    at: datetime,
    severity: int | None = None,
    filing: Filing | None = None,
    schedules: Callable[[], Mapping[int, Loaded]] | None = None,
) -> Preview:
    """What would be done with an incident of ``severity`` filed at ``at``; while none is chosen no rule is asked.

    The service comes with its team and policy version. ``schedules`` gives all there are, where a page has them at hand; else those of each
    level that is named are read. Nothing is stored.
    """
    if severity is None:
        version = service.policy.current_version if service.policy else None
        return Preview(service, _steps(_unrated(service, at), version, at=at, schedules=schedules))
    incident = _unrated(service, at, filing or Filing())
    incident.severity = severity
    (course,) = courses_take(routes_of([Subject(incident)], at=at))
    if filing is not None and filing.wish is not None:
        wish_heed(course, filing.wish)
    terms_set([incident], at=at)
    return Preview(
        service,
        () if course.pages_nobody else _steps(incident, course.version, at=at, course=course, schedules=schedules),
        reasons=route_reasons(course.route, course.routed.definition) if course.route.rules else (),
        severity=incident.severity,
        changed=incident.severity != severity,
        pages_nobody=course.pages_nobody,
        asks_first=course.ask is not None,
        suppressed_until=_silent_until(course, at),
    )


def _silent_until(course: Course | None, at: datetime) -> datetime | None:
    seconds = course.suppress_seconds if course else None
    return None if seconds is None else at + timedelta(seconds=seconds)


def _unrated(service: Service, at: datetime, filing: Filing | None = None) -> Incident:
    """The incident as `incident_open` would make it, not stored and of no severity yet."""
    said = filing or Filing()
    return Incident(
        title=said.title,
        impact=said.impact,
        urgency=said.urgency,
        facts=dict(said.facts),
        stage=Stage(key="new"),
        service=service,
        team=service.team,
        environment=said.environment or service.environment,
        source=Incident.Source.PERSON,
        started_at=at,
    )


def _steps(
    incident: Incident,
    version: PolicyVersion | None,
    *,
    at: datetime,
    course: Course | None = None,
    schedules: Callable[[], Mapping[int, Loaded]] | None = None,
) -> list[Step]:
    """One walk of the ladder while nobody acts."""
    if version is None:
        return []
    policy = version_definition(version)
    calls = _calls(policy, incident, course, at)
    steps = []
    for place, (level, moment, because) in enumerate(calls):
        straight_to = course.route.straight_to if course and not place else ()
        people = (
            people_called(
                policy,
                level,
                service=incident.service,
                team=incident.team,
                at=at,
                straight_to=straight_to,
                schedules=schedules,
            )
            if place < NAMED_LEVELS
            else []
        )
        steps.append(Step(level_title(policy, level), moment, [one.user.name for one in people], because))
    return steps


def _calls(
    policy: PolicyDef, incident: Incident, course: Course | None, at: datetime
) -> list[tuple[int | None, datetime | None, str]]:
    """(level, when, why), as the escalation core walks it."""
    calendar = Hours().of(policy, incident)
    begun = start(
        policy,
        at=at,
        severity=incident.severity,
        sla_due_at=incident.sla_due_at,
        first_level=course.first_level if course else None,
        timers_percent=course.timers_percent if course else 100,
        suppressed_until=_silent_until(course, at),
        calendar=calendar,
    )
    now = [(action.level, None, action.because.value) for action in begun.actions if isinstance(action, EnterLevel)]
    later = [
        (step.level, step.at, step.because.value)
        for step in forecast(policy, begun.state, limit=len(policy.levels) + 1, calendar=calendar)
        if step.cycle == 0
    ]
    return [*now, *later]
