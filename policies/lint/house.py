"""What the linter looks for around policies: services, their owners, the schedules that policies stand on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies.lint.values import Code, Finding


@dataclass(frozen=True, slots=True)
class OwnedService:
    """A service and who answers for it. `members` counts the team's active people, `answers` those who lead it or manage
    it (or a team above it), `gone` names its leads whose accounts are closed."""

    id: int
    name: str
    team: str
    policy: str
    members: int
    answers: int
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsedSchedule:
    """A schedule on a path in use, over the days looked at. Gaps are (role, seconds, first instant as ISO text, how many)."""

    id: int
    name: str
    policies: tuple[str, ...]
    days: int
    services: int = 0
    people: int = 0
    circle: bool = False
    gaps: tuple[tuple[str, int, str, int], ...] = ()
    accepted: tuple[tuple[str, int, str, int], ...] = ()


def lint_house(services: Iterable[OwnedService], schedules: Iterable[UsedSchedule]) -> list[Finding]:
    found = [finding for service in services for finding in _service(service)]
    found += [finding for schedule in schedules for finding in _schedule(schedule)]
    return sorted(found, key=lambda finding: (finding.weight, finding.code.value, finding.about, finding.place))


def _service(service: OwnedService) -> Iterator[Finding]:
    about, data = f"service:{service.id}", {"service": service.name, "team": service.team}
    if not service.policy:
        yield Finding(Code.NO_POLICY, about, "policy", data)
    if not service.members:
        yield Finding(Code.OWNERLESS, about, "team", data)
    elif not service.answers:
        yield Finding(Code.STALE_OWNERSHIP, about, "team", {**data, "gone": list(service.gone)})


def _schedule(schedule: UsedSchedule) -> Iterator[Finding]:
    about = f"schedule:{schedule.id}"
    data = {
        "schedule": schedule.name,
        "policies": list(schedule.policies),
        "services": schedule.services,
        "days": schedule.days,
    }
    if schedule.circle:
        yield Finding(Code.SCHEDULE_LOOP, about, "follow", data)
        return
    if not schedule.people:
        yield Finding(Code.EMPTY_SCHEDULE, about, "", data)
        return
    for code, gaps in ((Code.GAP, schedule.gaps), (Code.GAP_ACCEPTED, schedule.accepted)):
        for role, seconds, first, count in gaps:
            yield Finding(code, about, role, {**data, "role": role, "seconds": seconds, "first": first, "count": count})


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """With one finding for each person who cannot be told, however many levels lead to them: it is mended once."""
    kept: list[Finding] = []
    people: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.code is Code.UNREACHABLE_PERSON:
            people[finding.about].append(finding)
        else:
            kept.append(finding)
    return kept + [_one_person(found) for found in people.values()]


def _one_person(found: Sequence[Finding]) -> Finding:
    first = found[0]
    policies = sorted({str(one.data["policy"]) for one in found})
    return Finding(first.code, first.about, "", {**first.data, "policies": policies, "places": len(found)})
