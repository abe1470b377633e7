"""Rules asked again about an incident under way: whatever must happen because more is known of it now.

The team and the times stay as they were, and so does the policy unless a rule that counts more now names another one
(`other_path`); the decision that is kept shows what would be decided now. Marks are only ever added: taking one away needs a
person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from escalation_site.kernel.rows import rows_insert
from incidents.models import EscalationRun, Incident, Page, RoutingDecision, TimelineEvent
from incidents.routing.courses import version_now
from incidents.routing.gathering import Subject
from incidents.routing.other_path import other_path, path_take, question_follows, start_of
from incidents.routing.recording import decision_enter, decision_row
from incidents.routing.routes import Routed, routes_of
from incidents.routing.telling import failure_tell, rules_tell
from incidents.services.major import MajorOrder, majors_declare
from incidents.services.paging import PageOrder, pages_create
from incidents.services.responding import teams_join
from incidents.services.waiting import paged_nobody
from policies.definition import TargetDef, target_dump, targets_parse
from policies.escalation import Phase
from policies.models import PolicyVersion
from policies.reach import by_rule
from policies.routing import Aspect, Route, aspect_reasons
from policies.services import version_definition
from policies.targets import Recipient

if TYPE_CHECKING:
    from incidents.services.working import Work

_REACHED_NOW = (Phase.PAGING, Phase.ACKNOWLEDGED, Phase.EXHAUSTED)
"""Where a specialist is paged at once: a rule that sends for one starts anew what an acknowledgement had stopped. A snooze
holds, and a run that has not begun pages them with its first level."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules say now; with `other` the incident goes over to that policy version."""

    routed: Routed
    other: PolicyVersion | None


def facts_changed(work: Work, *, worse: bool = False, milder: bool = False) -> None:
    """Ask the rules about `work.incident` as it is now, and do what they add to what was decided before. `worse` and
    `milder` say that a person or a tool made it so."""
    rules_obey(rules_ask(work, milder=milder), work, worse=worse)


def rules_ask(work: Work, *, milder: bool = False) -> Asked:
    """Ask the rules, keep what they decided, and do what costs the escalation nothing. Before `rules_obey` the caller does
    what only it can: a severity that is worse than the incident's goes the way of severities."""
    (routed,) = routes_of([Subject(work.incident)], at=work.changes.at)
    if routed.error:
        work.changes.timeline(work.incident, "routing.fail", reason=routed.error)
        work.changes.ledger(work.incident, "routing.fail", data={"reason": routed.error})
        failure_tell([routed], changes=work.changes, resolver=work.escalator.resolver)
    other = None if milder else other_path(routed, work.run)
    if routed.trace is not None:
        _record(routed, other, work)
        _mark(routed, work)
        _tell(routed, other, work)
    return Asked(routed, other)


def rules_obey(asked: Asked, work: Work, *, worse: bool = False) -> None:
    """Do what the rules say of the escalation: another path, specialists, or its beginning after all."""
    if asked.other is not None and work.run is not None:
        path_take(asked.routed, asked.other, work, work.run)
    elif work.run is not None:
        _send_for(asked.routed.route, work, work.run)
    elif work.incident.state == Incident.State.TRIGGERED:
        if asked.other is not None:
            question_follows(start_of(asked.routed, asked.other, work.incident))
        _start_after_all(asked.routed, work, worse=worse)


def _record(routed: Routed, other: PolicyVersion | None, work: Work) -> None:
    more = {"goes_over_to": other.pk} if other is not None else {}
    row = decision_row(routed, changes=work.changes, cause=RoutingDecision.Cause.FACTS, more=more)
    rows_insert([row] if row is not None else [])
    decision_enter(routed, changes=work.changes)


def _mark(routed: Routed, work: Work) -> None:
    incident, changes = work.incident, work.changes
    marks: dict[str, Any] = {
        name: True
        for name in (Aspect.GUARDED.value, Aspect.PROTECTED.value)
        if getattr(routed.route, name) and not getattr(incident, name)
    }
    if marks:
        changes.set(incident, "incident.mark", **marks)
        for name in marks:
            changes.timeline(incident, f"routing.{name}")


def _tell(routed: Routed, other: PolicyVersion | None, work: Work) -> None:
    """Notices, the declaration as a major incident and the proposal of a problem record, each once for an incident."""
    incident, changes, route = work.incident, work.changes, routed.route
    rules_tell([routed], changes=changes, resolver=work.escalator.resolver)
    if route.problem and not _on_timeline(incident, "problem.propose"):
        reason = " ".join(aspect_reasons(route, Aspect.PROBLEM, routed.definition))
        changes.timeline(incident, "problem.propose", text=reason)
        changes.ledger(incident, "problem.propose", data={"reason": reason} if reason else None)
    if route.major and incident.major_at is None:
        version = other or (work.run.policy_version if work.run else version_now(routed))
        order = MajorOrder(
            incident=incident,
            by="rule",
            policy=version_definition(version) if version else None,
            reason=" ".join(aspect_reasons(route, Aspect.MAJOR, routed.definition)),
        )
        majors_declare([order], changes=changes, resolver=work.escalator.resolver)


def _on_timeline(incident: Incident, kind: str) -> bool:
    return TimelineEvent.objects.filter(incident=incident, kind=kind).exists()


def _send_for(route: Route, work: Work, run: EscalationRun) -> None:
    """Page the specialists that were not named before, at the level in force; each person once in a run."""
    known = targets_parse(run.straight_to)
    fresh = [target for target in route.straight_to if target not in known]
    if not fresh:
        return
    # Whoever the change itself has paged already must not be paged a second time.
    work.escalator.settle()
    run.straight_to = [target_dump(target) for target in (*known, *fresh)]
    EscalationRun.objects.filter(pk=run.pk).update(straight_to=run.straight_to)
    if run.phase in _REACHED_NOW:
        _page(fresh, work, run)


def _page(fresh: list[TargetDef], work: Work, run: EscalationRun) -> None:
    paged = set(Page.objects.filter(run=run).values_list("recipient", flat=True))
    found = work.escalator.resolver.recipients(fresh, team=run.incident.team)
    people = tuple(Recipient(one.user, by_rule(one.why)) for one in found if one.user.pk not in paged)
    levels = version_definition(run.policy_version).levels
    name = levels[min(run.level, len(levels) - 1)].name
    if people:
        pages_create([PageOrder(run, run.cycle, run.level, len(levels), name, people)], changes=work.changes)
        names = [one.user.name for one in people]
        work.changes.timeline(run.incident, "routing.send_for", people=names)
        work.changes.ledger(run.incident, "routing.send_for", data={"people": names, "level": run.level + 1})
    teams_join([(run.incident, fresh)], changes=work.changes)


def _start_after_all(routed: Routed, work: Work, *, worse: bool) -> None:
    """Nobody was paged for it, because that was decided at its opening; now that it is worse, or the rules say so, its
    escalation begins."""
    incident, route = work.incident, routed.route
    wanted = worse or Aspect.ESCALATE in route.because
    if not (route.escalate and wanted and paged_nobody(incident)):
        return
    version = version_now(routed)
    if version is not None:
        (work.run,) = work.escalator.start([start_of(routed, version, incident)])
        work.changes.timeline(incident, "routing.page_after_all")
        work.changes.ledger(incident, "routing.page_after_all")
