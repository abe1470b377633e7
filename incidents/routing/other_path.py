"""More is known of an incident, and a rule that did not hold before names another policy: that path starts at once (R053).

Rules stand in the order in which they count, so only one that stands before the rule that named the policy so far leads to
another path. What merely stops to hold, and what makes an incident milder, leads nowhere: a live run is never moved back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from incidents.models import Checkpoint, EscalationRun, Incident, RoutingDecision
from incidents.routing.courses import version_of_rules
from incidents.routing.routes import Routed
from incidents.services.checkpoints import START, start_data
from incidents.services.escalator import RunStart
from policies.books import ROUTING, book_value
from policies.escalation import Mitigated
from policies.models import PolicyVersion
from policies.reading import DefinitionInvalid
from policies.routing import Aspect, Route, RoutingDef

if TYPE_CHECKING:
    from incidents.services.working import Work


def other_path(routed: Routed, run: EscalationRun | None) -> PolicyVersion | None:
    """The policy version that the incident of `run`, its current one with its version at hand, goes over to; None: it stays.
    Where no run has begun, it is the one that would begin.

    Ask before the decision is kept: it is held against the one before. Two queries where a rule names another policy.
    """
    key = _names_policy(routed.route)
    if key is None or not routed.route.escalate or routed.route.suppress is not None:
        return None
    version = version_of_rules(routed)
    if version is None or (run is not None and version.policy_id == run.policy_version.policy_id):
        return None
    rows = RoutingDecision.objects.filter(incident=routed.incident).select_related("book_version").order_by("-pk")
    before = rows.first()
    if before is None or not _stood_then(key, before, routed):
        return None
    return version if _counts_more(key, before.decision, routed.definition) else None


def _names_policy(route: Route) -> str | None:
    """The rule that named the policy; None where no rule did."""
    by = route.because.get(Aspect.POLICY, ())
    return by[0] if by and by[0] else None


def _stood_then(key: str, before: RoutingDecision, routed: Routed) -> bool:
    """Whether the rule was asked before as it stands now. One that is new or says something else leads incidents under way
    nowhere: whoever published it did not mean to call people for each of them."""
    if before.book_version_id == routed.version_id:
        return True
    try:
        rules = {rule.key: rule for rule in book_value(ROUTING, before.book_version).rules}
    except DefinitionInvalid:
        return False
    now = next(rule for rule in routed.definition.rules if rule.key == key)
    then = rules.get(key)
    return then is not None and then.enabled and (then.when, then.then) == (now.when, now.then)


def _counts_more(key: str, before: Mapping[str, Any], definition: RoutingDef) -> bool:
    """Whether the rule `key` did not match before and stands before the one that named the policy then."""
    if key in before.get("rules", ()):
        return False
    order = {rule.key: place for place, rule in enumerate(definition.rules)}
    named = before.get("because", {}).get(Aspect.POLICY.value) or [""]
    return order[key] < order.get(named[0], len(order))


def start_of(routed: Routed, version: PolicyVersion, incident: Incident) -> RunStart:
    """How its run begins on that path."""
    route = routed.route
    level = None if route.start_level is None else route.start_level - 1
    return RunStart(incident, version, level, route.timers_percent or 100, route.straight_to)


def path_take(routed: Routed, version: PolicyVersion, work: Work, run: EscalationRun) -> None:
    """Leave `run`, the path the incident is on, and begin that of `version`, whether or not somebody has it.

    Who was told by the path before may still answer; whatever that would have done next is left undone.
    """
    incident, changes = work.incident, work.changes
    before = run.policy_version.policy
    work.escalator.leave(run)
    after = version.policy
    changes.timeline(incident, "routing.path", before=before.name, after=after.name)
    again: dict[str, Any] = {} if incident.exhausted_at is None else {"exhausted_at": None}
    changes.set(incident, "routing.path", **again, data={"before": before.name, "after": after.name})
    (work.run,) = work.escalator.start([start_of(routed, version, incident)])
    if incident.mitigated_at is not None:
        work.event(Mitigated(changes.at))


def question_follows(one: RunStart) -> None:
    """Where a person is asked first whether to escalate it, it will be by this path."""
    terms = start_data(
        one.version, first_level=one.first_level, timers_percent=one.timers_percent, straight_to=one.straight_to
    )
    rows = Checkpoint.objects.filter(incident=one.incident, action=START, outcome=Checkpoint.Outcome.OPEN)
    for checkpoint in rows:
        checkpoint.data = {**checkpoint.data, **terms}
        checkpoint.save(update_fields=["data"])
