"""What happens to questions while nobody has answered them: overtaken by a person, made needless by a monitor.

All called with the incidents locked; the caller settles the escalator and writes its changes.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from django.db.models import F, Q

from incidents.changes import Changes
from incidents.models import Checkpoint, CheckpointAsk, EscalationRun, Incident, RoutingDecision, TimelineEvent
from incidents.services.checkpoints import (
    RESOLVE,
    SEVERITY,
    START,
    CheckpointOrder,
    Fallback,
    Outcome,
    checkpoints_open,
    escalations_start,
    settle,
    store,
)
from incidents.services.escalator import Escalator, RunStart
from notifications.models import Message
from notifications.services import messages_cancel
from oncall.models import User
from policies.escalation import Event, Resolved
from policies.models import PolicyVersion
from policies.services import version_definition
from policies.targets import TargetResolver

PAGES_NOBODY = "routing.page_nobody"
"""The timeline's line of an incident for which a rule pages nobody."""
SAID_NOBODY = Q(outcome=Outcome.DECLINED) | Q(
    outcome=Outcome.TIMED_OUT, fallback=Fallback.LEAVE, decided_at__gte=F("due_at")
)
"""Questions answered with "page nobody", or left when the time of those who were asked was over; not where nobody could be asked at all."""
GUARDED_SECONDS = 30 * 60
"""How long a person is waited for before a guarded incident is left as it is."""


def checkpoints_overtaken(
    incidents: Iterable[Incident], runs: MutableMapping[int, EscalationRun], event: Event, *, escalator: Escalator
) -> None:
    """``event`` happens to these locked incidents while something waits for a person: what that makes needless is withdrawn.

    Whoever acknowledges, snoozes or resolves an incident whose escalation waits has it in their hands: nobody needs to be asked, and
    nobody is paged. Its run begins all the same, as ``event`` leaves it, so that its resolution clock runs, a snooze ends and a
    reopening walks the ladder; it is put into ``runs``. A resolution ends every other question too. One query, and none where no
    question can be open.
    """
    over = isinstance(event, Resolved)
    wanted = {one.pk: one for one in incidents if one.pk not in runs or (over and one.guarded)}
    if not wanted:
        return
    rows = Checkpoint.objects.filter(incident__in=list(wanted), outcome=Outcome.OPEN)
    found = list(rows if over else rows.filter(action=START))
    for checkpoint in found:
        checkpoint.incident = wanted[checkpoint.incident_id]
    checkpoints_withdraw(found, changes=escalator.changes)
    started = escalations_start([one for one in found if one.action == START], escalator=escalator)
    escalator.forget(started)
    for run in started:
        escalator.event(run, event)
        runs[run.incident_id] = run


def escalation_by_hand(incident: Incident, escalator: Escalator) -> bool:
    """A person wants somebody called for an incident of which no escalation has begun: it begins, as what waited says or, where nobody is
    to be paged, as its service does. False where there is no policy. Its open question is withdrawn.
    """
    found = list(Checkpoint.objects.filter(incident=incident, action=START, outcome=Outcome.OPEN))
    for checkpoint in found:
        checkpoint.incident = incident
    checkpoints_withdraw(found, changes=escalator.changes)
    if found:
        return bool(escalations_start(found, escalator=escalator))
    one = _as_decided(incident)
    return one is not None and bool(escalator.start([one]))


def _as_decided(incident: Incident) -> RunStart | None:
    """How its run begins: by the policy that the routing rules chose when it was opened or, where it went over to another since,
    by that one; or by its service's."""
    rows = RoutingDecision.objects.filter(incident=incident).order_by("-id").values_list("decision", flat=True)
    kept = next((start for start in map(_start_kept, rows) if start), {})
    version = PolicyVersion.objects.filter(pk=kept["version"]).first() if kept.get("version") else None
    if version is not None:
        return RunStart(incident, version, kept.get("first_level"), kept.get("timers_percent", 100))
    policy = incident.service.policy
    if policy is None or policy.current_version is None:
        return None
    return RunStart(incident, policy.current_version)


def _start_kept(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    if "goes_over_to" not in decision:
        return decision.get("start") or {}
    level = decision.get("start_level")
    return {
        "version": decision["goes_over_to"],
        "first_level": None if level is None else level - 1,
        "timers_percent": decision.get("timers_percent") or 100,
    }


def paged_nobody(incident: Incident) -> bool:
    """Whether a rule or a person said that nobody is paged for ``incident``, of which no escalation has begun."""
    ruled = TimelineEvent.objects.filter(incident=incident, kind=PAGES_NOBODY)
    said = Checkpoint.objects.filter(SAID_NOBODY, incident=incident, action=START)
    return ruled.exists() or said.exists()


def checkpoints_withdraw(checkpoints: Sequence[Checkpoint], *, changes: Changes) -> None:
    """These open questions are not needed any more; messages on their way are called off."""
    if not checkpoints:
        return
    for checkpoint in checkpoints:
        settle(checkpoint, Outcome.WITHDRAWN, "checkpoint.withdraw", changes=changes)
    store(checkpoints)
    messages_call_off(checkpoints, reason="withdrawn", changes=changes)


def messages_call_off(checkpoints: Sequence[Checkpoint], *, reason: str, changes: Changes) -> None:
    """Nobody need be told any more that these were asked."""
    asks = CheckpointAsk.objects.filter(checkpoint__in=checkpoints, message__state=Message.State.PENDING)
    pending = list(asks.values_list("message", flat=True))
    if pending:
        messages_cancel(message_ids=pending, reason=reason, at=changes.at, actor=changes.actor)


def resolutions_withdraw(incidents: Iterable[Incident], *, changes: Changes) -> None:
    """What had recovered fires again: nobody need say whether it is over. No query where none is guarded."""
    _withdraw(incidents, RESOLVE, changes=changes)


def severity_question_withdraw(incident: Incident, *, changes: Changes) -> None:
    """A person chose its severity: nobody need say whether a rule may lower it. No query unless it is guarded."""
    _withdraw([incident], SEVERITY, changes=changes)


def _withdraw(incidents: Iterable[Incident], action: str, *, changes: Changes) -> None:
    guarded = {one.pk: one for one in incidents if one.guarded}
    if not guarded:
        return
    found = list(Checkpoint.objects.filter(incident__in=list(guarded), action=action, outcome=Outcome.OPEN))
    for checkpoint in found:
        checkpoint.incident = guarded[checkpoint.incident_id]
    checkpoints_withdraw(found, changes=changes)


def recoveries_guarded(
    incidents: Sequence[Incident], runs: Mapping[int, EscalationRun], *, escalator: Escalator
) -> list[Incident]:
    """Those of ``incidents``, all recovered, that may be resolved now; for the guarded ones a person is asked first."""
    guarded = [one for one in incidents if one.guarded]
    checkpoints_open(
        [
            CheckpointOrder(
                incident=incident,
                action=RESOLVE,
                asked=people_of(incident, runs.get(incident.pk), escalator.resolver),
                within_seconds=GUARDED_SECONDS,
                fallback=Fallback.LEAVE,
            )
            for incident in guarded
        ],
        escalator=escalator,
    )
    return [one for one in incidents if not one.guarded]


def people_of(incident: Incident, run: EscalationRun | None, resolver: TargetResolver) -> list[User]:
    """Who is asked about a guarded incident: its owner, or whoever the level in force (the first, before one) reaches."""
    if incident.owner_id is not None and incident.owner is not None and incident.owner.is_active:
        return [incident.owner]
    own = incident.service.policy
    version = run.policy_version if run else own.current_version if own else None
    if version is None:
        return []
    policy = version_definition(version)
    level = policy.levels[min(run.level if run else 0, len(policy.levels) - 1)]
    return [one.user for one in resolver.recipients(level.targets, team=incident.team)]
