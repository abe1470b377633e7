"""What the linter looks at each night: every policy in force, the services, and the schedules that paths lead to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from incidents.duty import policies_of
from incidents.models import EscalationRun, Service
from oncall.models import GapAcceptance, Membership, Schedule, Team, User
from oncall.rota import Gap
from oncall.selectors import Loaded, schedules_load
from policies.book_pages.names import HouseNames, rules_findings
from policies.books import ROUTING, book_read
from policies.care import HORIZON, Subject, circular, lint_contexts
from policies.lint import (
    Code,
    Finding,
    Measured,
    OwnedService,
    UsedSchedule,
    lint_definition,
    lint_house,
    merged,
)
from policies.models import EscalationPolicy
from policies.services import version_definition
from reports.metrics import percentile

MEASURED_OVER = timedelta(days=90)

Spans = list[tuple[datetime, datetime]]


def everything_found(*, at: datetime) -> list[Finding]:
    """All findings of this instant, each once."""
    services = list(Service.objects.select_related("team", "policy").order_by("pk"))
    found = _of_policies(services, at=at)
    found += lint_house(_owned(services), _used(services, at=at))
    return merged(found) + _of_rules()


def _of_rules() -> list[Finding]:
    """Of the routing rules in force; nothing is looked up where there are none."""
    routing = book_read(ROUTING).value
    return rules_findings(routing, HouseNames([routing])) if routing != ROUTING.default else []


def _of_policies(services: Collection[Service], *, at: datetime) -> list[Finding]:
    teams: dict[int, dict[int, Team]] = defaultdict(dict)
    for service in services:
        if service.policy_id is not None:
            teams[service.policy_id][service.team_id] = service.team
    measured = measured_by_policy(since=at - MEASURED_OVER)
    subjects, found = [], []
    for policy in EscalationPolicy.objects.select_related("team", "current_version"):
        if policy.current_version is None:
            if policy.pk in teams:
                found.append(Finding(Code.NO_VERSION, f"policy:{policy.pk}", "", {"policy": policy.name}))
            continue
        own = tuple(teams[policy.pk].values()) if policy.pk in teams else tuple(filter(None, [policy.team]))
        acknowledge, resolve = measured.get(policy.pk, (None, None))
        subjects.append(Subject(policy, version_definition(policy.current_version), own, acknowledge, resolve))
    for subject, context in zip(subjects, lint_contexts(subjects, at=at), strict=True):
        found += lint_definition(subject.definition, context)
    return found


def measured_by_policy(*, since: datetime) -> dict[int, tuple[Measured | None, Measured | None]]:
    """By policy id, what acknowledging and resolving took for its incidents that began since then, tests left out: one
    query."""
    times: dict[int, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    rows = EscalationRun.objects.filter(superseded=False, incident__is_test=False, incident__started_at__gte=since)
    names = ("policy_version__policy", "incident__started_at", "incident__acknowledged_at", "incident__resolved_at")
    for policy, started, acknowledged, resolved in rows.order_by().values_list(*names):
        for known, moment in zip(times[policy], (acknowledged, resolved), strict=True):
            if moment is not None:
                known.append(max((moment - started).total_seconds(), 0.0))
    return {policy: (_measured(first), _measured(second)) for policy, (first, second) in times.items()}


def _measured(times: list[float]) -> Measured | None:
    median, p90 = percentile(times, 50), percentile(times, 90)
    return None if median is None or p90 is None else Measured(median, p90, len(times))


# --- services and who answers for them


def _owned(services: Collection[Service]) -> list[OwnedService]:
    """Three queries: the teams, their leads and managers, how many people each has."""
    parents = dict(Team.objects.values_list("pk", "parent_id"))
    members: dict[int, int] = defaultdict(int)
    answers: dict[int, int] = defaultdict(int)
    gone: dict[int, list[str]] = defaultdict(list)
    managed: set[int] = set()
    for membership in Membership.objects.select_related("user").order_by("pk"):
        lead, user = membership.role == Membership.Role.LEAD, membership.user
        members[membership.team_id] += user.is_active
        if user.is_active and user.role == User.Role.MANAGER:
            managed.add(membership.team_id)
        if lead and user.is_active:
            answers[membership.team_id] += 1
        elif lead:
            gone[membership.team_id].append(user.name)
    return [
        OwnedService(
            service.pk,
            service.name,
            service.team.name,
            service.policy.name if service.policy else "",
            members[service.team_id],
            answers[service.team_id] + _is_managed(service.team_id, parents, managed),
            tuple(gone[service.team_id]),
        )
        for service in services
    ]


def _is_managed(team: int | None, parents: Mapping[int, int | None], managed: Collection[int]) -> bool:
    """Whether the team, or one above it, has a manager."""
    seen: set[int] = set()
    while team is not None and team not in seen:
        if team in managed:
            return True
        seen.add(team)
        team = parents.get(team)
    return False


# --- schedules on a path in use


def _used(services: Collection[Service], *, at: datetime) -> list[UsedSchedule]:
    """The schedules that a policy names which services use, and those these follow."""
    used: dict[int, int] = defaultdict(int)
    for service in services:
        if service.policy_id is not None:
            used[service.policy_id] += 1
    schedules = {schedule.pk: schedule for schedule in Schedule.objects.order_by("name")}
    paths = {
        pk: [policy for policy in policies if policy.pk in used] for pk, policies in policies_of(schedules).items()
    }
    wanted = [schedule for pk, schedule in schedules.items() if paths.get(pk)]
    circles = circular()
    loaded = schedules_load([one for one in wanted if one.pk not in circles], since=at)
    accepted = _accepted([one.pk for one in wanted], at=at)
    return [
        _facts(
            schedule,
            loaded.get(schedule.pk),
            policies=tuple(policy.name for policy in paths[schedule.pk]),
            services=sum(used[policy.pk] for policy in paths[schedule.pk]),
            accepted=accepted,
            at=at,
        )
        for schedule in wanted
    ]


def _facts(
    schedule: Schedule,
    item: Loaded | None,
    *,
    policies: tuple[str, ...],
    services: int,
    accepted: Mapping[tuple[int, str], Spans],
    at: datetime,
) -> UsedSchedule:
    until, days = at + HORIZON, HORIZON.days
    if item is None:
        return UsedSchedule(schedule.pk, schedule.name, policies, days, services, circle=True)
    people = {shift.user_id for shift in item.shifts(since=at, until=until)}
    open_gaps: list[Gap] = []
    known: list[Gap] = []
    for gap in item.gaps(since=at, until=until):
        parts = _left((gap.start, gap.end), accepted.get((schedule.pk, gap.role), []))
        open_gaps += [Gap(start, end, gap.role, gap.cause) for start, end in parts]
        known += [] if parts == [(gap.start, gap.end)] else [gap]
    return UsedSchedule(
        schedule.pk, schedule.name, policies, days, services, len(people), gaps=_summed(open_gaps), accepted=_summed(known)
    )  # fmt: skip


def _accepted(schedule_ids: Collection[int], *, at: datetime) -> dict[tuple[int, str], Spans]:
    found: dict[tuple[int, str], Spans] = defaultdict(list)
    rows = GapAcceptance.objects.filter(schedule__in=schedule_ids, end__gt=at).order_by("start")
    for schedule, role, start, end in rows.values_list("schedule_id", "role", "start", "end"):
        found[schedule, role].append((start, end))
    return found


def _left(span: tuple[datetime, datetime], taken: Iterable[tuple[datetime, datetime]]) -> Spans:
    """The parts of `span` outside all of `taken`, which is in order of start."""
    left, (start, end) = [], span
    for first, last in taken:
        if last <= start or first >= end:
            continue
        if start < first:
            left.append((start, first))
        start = max(start, last)
    return [*left, (start, end)] if start < end else left


def _summed(gaps: Iterable[Gap]) -> tuple[tuple[str, int, str, int], ...]:
    """By role: how long in all, when first, how many."""
    by_role: dict[str, list[Gap]] = defaultdict(list)
    for gap in gaps:
        by_role[gap.role].append(gap)
    return tuple(
        (
            role,
            round(sum((gap.end - gap.start).total_seconds() for gap in found)),
            min(gap.start for gap in found).isoformat(),
            len(found),
        )
        for role, found in sorted(by_role.items())
    )
