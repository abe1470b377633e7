"""The simulator for programs: questions and answers as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from oncall.models import User
from policies.definition import PolicyDef, policy_parse
from policies.escalation import WHOLE
from policies.models import EscalationPolicy
from policies.services import version_definition
from policies.simulation.comparing import compared
from policies.simulation.gathering import Question, simulate
from policies.simulation.page import people_acting
from policies.simulation.serving import promised, served_by
from policies.simulation.walk import Act, Deed, Simulation, Step
from policies.simulation.words import pairs_text, step_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``who`` of an act and ``unreachable`` are user names. ``definition`` is a draft that stands for ``version``;
    without both it is the version in force. ``against`` is the number of a version to compare with. ``start_level`` (from
    1) and ``timers_percent`` are as a routing rule may have them; without ``sla_due_at`` the targets in force say when the
    SLA ends."""

    at: datetime
    severity: int
    service: str = ""
    version: int | None = None
    definition: object = None
    against: int | None = None
    start_level: int | None = None
    timers_percent: int = WHOLE
    sla_due_at: datetime | None = None
    acts: Sequence[tuple[str, Deed, timedelta, bool]] = ()
    unreachable: Sequence[str] = ()


def answered(policy: EscalationPolicy, asked: Asked) -> dict[str, Any]:
    """What would happen. Raises DomainError naming the field at fault, DefinitionInvalid for a draft that cannot be used."""
    people = people_acting()
    numbers = {user.username: user.pk for user in people.values()}
    names = {pk: user.name for pk, user in people.items()}
    usernames = {pk: user.username for pk, user in people.items()}
    if asked.service and not policy.services.filter(slug=asked.service).exists():
        raise DomainError(
            _("No service of this policy is called “%(name)s”.") % {"name": asked.service}, field="service"
        )
    service = served_by(policy, asked.service)
    promise = promised(service, severity=asked.severity, at=asked.at)
    question = Question(
        at=asked.at,
        severity=asked.severity,
        team=service.team,
        skills=service.skills,
        sla_due_at=asked.sla_due_at or (promise.due_at if promise else None),
        first_level=None if asked.start_level is None else asked.start_level - 1,
        timers_percent=asked.timers_percent,
        facts=service.facts,
        acts=tuple(Act(deed, _number(numbers, who, "acts"), after, begun) for who, deed, after, begun in asked.acts),
        unreachable=frozenset(_number(numbers, who, "unreachable") for who in asked.unreachable),
    )
    definition = policy_parse(asked.definition) if asked.definition is not None else _version(policy, asked.version)
    found = simulate(definition, question.on(service.calendar_for(definition)))
    answer = {**_simulation(found, names, usernames), "sla_due_at": question.sla_due_at}
    if asked.against is not None:
        against = _version(policy, asked.against, "against")
        other = simulate(against, question.on(service.calendar_for(against)))
        pairs = compared(found, other)
        texts = pairs_text(pairs, found, other, names)
        answer["against"] = _simulation(other, names, usernames)
        answer["differences"] = [
            {
                "verdict": text.verdict,
                "this": list(text.left.lines) if text.left else None,
                "against": list(text.right.lines) if text.right else None,
            }
            for text in texts
            if not text.same
        ]
    return answer


def _number(numbers: Mapping[str, int], username: str, field: str) -> int:
    if username not in numbers:
        raise DomainError(_("Nobody who answers incidents is called “%(name)s”.") % {"name": username}, field=field)
    return numbers[username]


def _version(policy: EscalationPolicy, number: int | None, field: str = "version") -> PolicyDef:
    version = policy.current_version if number is None else policy.versions.filter(number=number).first()
    if version is None:
        raise DomainError(_("This policy has no such version."), field=field)
    return version_definition(version)


def _simulation(found: Simulation, names: Mapping[int, str], usernames: Mapping[int, str]) -> dict[str, Any]:
    first = found.first_page
    known = dict(usernames)
    told = {one.user_id for step in found.steps for one in step.people}
    passed = {one.user_id for step in found.steps for one in step.passed}
    unknown = (told | passed) - known.keys()
    if unknown:
        known |= dict(User.objects.filter(pk__in=unknown).values_list("pk", "username"))
    return {
        "started_at": found.started_at,
        "pages": found.pages,
        "first_page_seconds": None if first is None else round(first.total_seconds()),
        "phase": found.phase,
        "cut": found.cut,
        "steps": [_step(one, found.started_at, names, known) for one in found.steps],
    }


def _step(step: Step, started_at: datetime, names: Mapping[int, str], usernames: Mapping[int, str]) -> dict[str, Any]:
    return {
        "at": step.at,
        "seconds": round((step.at - started_at).total_seconds()),
        "kind": step.kind.value,
        "level": None if step.level is None else step.level + 1,
        "name": step.name,
        "cycle": step.cycle + 1,
        "repeat": step.repeat,
        "because": step.because.value if step.because else None,
        "deed": step.deed.value if step.deed else None,
        "who": usernames.get(step.who) if step.who is not None else None,
        "people": [
            {
                "username": usernames.get(one.user_id),
                "name": one.name,
                "why": dict(one.why),
                "channels": list(one.how),
                "reachable": one.reachable,
            }
            for one in step.people
        ],
        "places": [{"name": one.name, "kind": one.kind, "reason": one.reason} for one in step.places],
        "passed_over": [
            {"username": usernames.get(one.user_id), "name": one.name, "reason": one.reason} for one in step.passed
        ],
        "text": list(step_text(step, started_at, names).lines),
    }
