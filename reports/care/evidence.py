"""What a review begins with: how the policy did since the last one. Plain figures, kept with the review as they were."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from incidents.causes import Cause
from incidents.models import EscalationRun, Page, TimelineEvent
from policies.models import EscalationPolicy, PolicyFinding
from policies.services import version_definition
from reports.care.people_changes import drills_of, team_changes
from reports.metrics import percentile


def evidence_gather(*, policy: EscalationPolicy, since: datetime, at: datetime) -> dict[str, Any]:
    """JSON values only; times in seconds, instants as ISO text. Tests are left out of all but ``drills``. Fifteen queries at
    most."""
    rows = EscalationRun.objects.filter(
        superseded=False,
        policy_version__policy=policy,
        incident__is_test=False,
        incident__started_at__gte=since,
        incident__started_at__lt=at,
    )
    fields = ("severity", "started_at", "acknowledged_at", "resolved_at", "mitigated_at", "exhausted_at")
    incidents = {pk: values for pk, *values in rows.values_list("incident", *(f"incident__{name}" for name in fields))}
    acknowledged = {
        pk: max((done - started).total_seconds(), 0.0)
        for pk, (_severity, started, done, *_later) in incidents.items()
        if done is not None
    }
    resolved = {
        pk: max((done - started).total_seconds(), 0.0)
        for pk, (_severity, started, _acknowledged, done, *_later) in incidents.items()
        if done is not None
    }
    mitigated = {
        pk: max((done - started).total_seconds(), 0.0)
        for pk, (_severity, started, _acknowledged, _resolved, done, _exhausted) in incidents.items()
        if done is not None
    }
    severities: dict[str, int] = defaultdict(int)
    for severity, *_others in incidents.values():
        severities[str(severity)] += 1
    return {
        "since": since.isoformat(),
        "until": at.isoformat(),
        "incidents": len(incidents),
        "severities": dict(sorted(severities.items())),
        "acknowledge": _spread(acknowledged.values()),
        "resolve": _spread(resolved.values()),
        "levels": _levels(policy, rows, incidents, times=(acknowledged, resolved, mitigated)),
        "by_hand": _by_hand(rows),
        "exhausted": sum(exhausted is not None for *_others, exhausted in incidents.values()),
        "findings": _findings(policy),
        "drills": drills_of(policy=policy, since=since, at=at),
        "team": team_changes(policy=policy, since=since, at=at),
        "version": _version(policy),
    }


def _spread(times: Any) -> dict[str, Any]:
    known = list(times)
    return {"median": percentile(known, 50), "p90": percentile(known, 90), "number": len(known)}


def _levels(
    policy: EscalationPolicy,
    runs: QuerySet[EscalationRun],
    incidents: dict[int, list[Any]],
    *,
    times: tuple[dict[int, float], dict[int, float], dict[int, float]],
) -> list[dict[str, Any]]:
    """By level: for how many incidents it was called, how often it was skipped, and the times of the incidents that were
    answered while it was the highest called."""
    if policy.current_version is None:
        return []
    acknowledged, resolved, mitigated = times
    called: dict[int, set[int]] = defaultdict(set)
    answered_at: dict[int, int] = {}
    skipped: dict[int, int] = defaultdict(int)
    lines = TimelineEvent.objects.filter(incident__in=runs.values("incident"), kind="escalation.skip_level")
    for data in lines.values_list("data", flat=True):
        skipped[int(data["level"]) - 1] += 1
    pages = Page.objects.filter(run__in=runs).order_by("id")
    for incident, level, created in pages.values_list("incident_id", "level", "created_at"):
        if incident not in incidents:  # It was opened while we count.
            continue
        called[level].add(incident)
        done = incidents[incident][2]
        if done is not None and created <= done:
            answered_at[incident] = max(answered_at.get(incident, 0), level)
    return [
        {
            "number": index + 1,
            "name": level.name,
            "called": len(called[index]),
            "skipped": skipped[index],
            "acknowledge": _spread(acknowledged[pk] for pk, at in answered_at.items() if at == index),
            "mitigate": _spread(mitigated[pk] for pk, at in answered_at.items() if at == index and pk in mitigated),
            "resolve": _spread(resolved[pk] for pk, at in answered_at.items() if at == index and pk in resolved),
        }
        for index, level in enumerate(version_definition(policy.current_version).levels)
    ]


def _by_hand(runs: QuerySet[EscalationRun]) -> dict[str, int]:
    """How often people called the next level before its time, by what they needed it for (R050)."""
    lines = TimelineEvent.objects.filter(incident__in=runs.values("incident"), kind="incident.escalate")
    causes = Counter(str(data.get("cause", Cause.OTHER)) for data in lines.values_list("data", flat=True))
    return dict(sorted(causes.items()))


def _findings(policy: EscalationPolicy) -> int:
    """How many there are now: the policy's own, and those about what it stands on."""
    rows = PolicyFinding.objects.filter(gone_at=None)
    around = rows.filter(policy=None).values_list("data", flat=True)
    return rows.filter(policy=policy).count() + sum(policy.name in data.get("policies", ()) for data in around)


def _version(policy: EscalationPolicy) -> dict[str, Any]:
    version = policy.current_version
    if version is None:
        return {}
    return {
        "number": version.number,
        "at": version.created_at.isoformat(),
        "author": version.author.name if version.author else "",
        "reason": version.reason,
    }
