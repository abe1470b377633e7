"""The executor of the escalation core: hands it events, performs what it decides, for one run or for hundreds at once.

Walk: an event → ``decide`` (pure) → actions → people are looked up (one query per distinct target), pages made (three statements) →
a level that reaches nobody is answered with LevelUnreachable, at once → … → runs stored. All inside the caller's transaction, with
the incidents locked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.changes import Changes
from incidents.models import EscalationRun, Incident, Page, Service
from incidents.services.capacity import capacity_tell
from incidents.services.informing import InformOrder, levels_inform
from incidents.services.paging import PageOrder, declined_by, pages_cancel, pages_create
from policies.definition import PolicyDef
from policies.escalation import (
    Action,
    Because,
    CancelPages,
    Decision,
    EndLevel,
    EnterLevel,
    Event,
    Exhaust,
    InformLevel,
    LevelPaged,
    LevelUnreachable,
    PageCatchAll,
    PageFinal,
    RepeatLevel,
    RunState,
    StandDown,
    StartCycle,
    decide,
    start,
)
from policies.models import PolicyVersion
from policies.reach import Telling, reached
from policies.services import version_definition
from policies.targets import NO_SKILLS, Resolution, TargetResolver

_TOLD: dict[type, str] = {
    EnterLevel: "escalation.enter_level",
    RepeatLevel: "escalation.repeat_level",
    PageCatchAll: "escalation.catch_all",
    PageFinal: "escalation.final",
}

RUN_FIELDS = ("state", "phase", "level", "cycle", "next_due_at", "priority")


class Escalator:
    """Gathers events, then ``settle`` performs everything they lead to. ``changes`` collects timeline and ledger."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.resolver = TargetResolver(at=changes.at)
        self._required: dict[int, frozenset[str]] = {}
        self._todo: list[tuple[EscalationRun, Action]] = []
        self._changed: dict[int, EscalationRun] = {}

    def start(self, incidents: Iterable[tuple[Incident, PolicyVersion]]) -> list[EscalationRun]:
        """Begin a run for each incident with the policy version it keeps: one INSERT for all."""
        runs: list[EscalationRun] = []
        decisions: list[Decision] = []
        for incident, version in incidents:
            decision = start(version_definition(version), at=self.changes.at, severity=incident.severity)
            run = EscalationRun(
                incident=incident, policy_version=version, started_at=self.changes.at, priority=incident.severity
            )
            _store(run, decision.state)
            runs.append(run)
            decisions.append(decision)
        rows_insert(runs)
        for run, decision in zip(runs, decisions, strict=True):
            self._todo += [(run, action) for action in decision.actions]
        return runs

    def event(self, run: EscalationRun, event: Event) -> bool:
        """Tell the core what happened to ``run``; whether that changed anything."""
        state = RunState.from_json(run.state)
        decision = decide(self._definition(run), state, event)
        if decision.state == state and not decision.actions:
            return False
        _store(run, decision.state)
        self._changed[run.pk] = run
        self._todo += [(run, action) for action in decision.actions]
        return True

    def settle(self) -> None:
        """Perform the actions and whatever they lead to, then store the runs. Ends: each level of a cycle is entered once."""
        while self._todo:
            todo, self._todo = self._todo, []
            for run, action in todo:
                self._record(run, action)
            for because, incidents in _cancellations(todo).items():
                pages_cancel(incidents, reason=because, changes=self.changes)
            for run, action in todo:
                if isinstance(action, StandDown):
                    reason = action.because.value
                    pages_cancel([run.incident], reason=reason, changes=self.changes, recipients=[action.who])
            self._page([(run, action) for run, action in todo if isinstance(action, Telling)])
            self._inform([(run, action) for run, action in todo if isinstance(action, InformLevel)])
        if self._changed:
            rows_update(list(self._changed.values()), RUN_FIELDS)
            self._changed = {}

    def _definition(self, run: EscalationRun) -> PolicyDef:
        return version_definition(run.policy_version)

    def _page(self, entered: Sequence[tuple[EscalationRun, Telling]]) -> None:
        whole = [self._order(run, action) for run, action in entered]
        orders = self._without_answered(entered, whole)
        pages = pages_create(orders, changes=self.changes)
        capacity_tell(orders, at=self.changes.at)
        for (run, action), everybody, order, own in zip(entered, whole, orders, pages, strict=True):
            self._told(order, own, action)
            if isinstance(action, EnterLevel) and all(page.state == Page.State.FAILED for page in own):
                because = Because.NOBODY_REACHABLE if own else Because.NOBODY_ON_CALL
                self._skip(run, order, because)
            elif isinstance(action, EnterLevel | RepeatLevel):
                people = tuple(recipient.user.pk for recipient in everybody.recipients)
                self.event(run, LevelPaged(self.changes.at, action.level, action.cycle, people))

    def _order(self, run: EscalationRun, action: Telling) -> PageOrder:
        policy = self._definition(run)
        found = self._people(run, action)
        name = policy.levels[action.level].name if isinstance(action, EnterLevel | RepeatLevel) else ""
        repeat = action.repeat if isinstance(action, RepeatLevel | PageFinal) else 0
        # Who was passed over is said once, when the level is called.
        skipped = () if repeat else found.skipped
        return PageOrder(run, action.cycle, action.level, len(policy.levels), name, found.recipients, skipped, repeat)

    def _people(self, run: EscalationRun, action: Telling | InformLevel) -> Resolution:
        asks = isinstance(action, EnterLevel | RepeatLevel | InformLevel) and action.level > 0
        skills = self._skills(run.incident) if asks else NO_SKILLS
        policy = self._definition(run)
        return reached(policy, action, resolver=self.resolver, team=run.incident.team, skills=skills)

    def _without_answered(
        self, entered: Sequence[tuple[EscalationRun, Telling]], orders: Sequence[PageOrder]
    ) -> list[PageOrder]:
        """The orders without people who are told again though they have answered, or said that they cannot take it."""
        again = [run for run, action in entered if isinstance(action, RepeatLevel)]
        declined = declined_by(again)
        left = []
        for (run, action), order in zip(entered, orders, strict=True):
            out = set(action.skip) if isinstance(action, RepeatLevel) else set()
            if isinstance(action, RepeatLevel):
                out |= declined.get((run.pk, action.cycle, action.level), set())
            kept = tuple(one for one in order.recipients if one.user.pk not in out) if out else order.recipients
            left.append(replace(order, recipients=kept))
        return left

    def _inform(self, passed: Sequence[tuple[EscalationRun, InformLevel]]) -> None:
        """Notices to the people of levels that are passed over, who are not paged."""
        orders = []
        for run, action in passed:
            level = self._definition(run).levels[action.level]
            orders.append(InformOrder(run, action.level, level.name, self._people(run, action).recipients))
        levels_inform(orders, changes=self.changes)

    def _skills(self, incident: Incident) -> frozenset[str]:
        """What the incident's service asks of people beyond the first level: one query for each service."""
        pk = incident.service_id
        if pk not in self._required:
            required = Service.required_skills.through.objects.filter(service=pk)
            self._required[pk] = frozenset(required.values_list("skill__slug", flat=True))
        return self._required[pk]

    def _told(self, order: PageOrder, pages: Sequence[Page], action: Telling) -> None:
        if not pages:
            return
        kind = _TOLD[type(action)]
        self.changes.timeline(
            order.run.incident,
            kind,
            level=order.level + 1,
            name=order.name,
            cycle=order.cycle + 1,
            people=[page.recipient.name for page in pages],
            because=action.because.value,
        )
        self._enter(order.run, kind, action, name=order.name, people=[page.recipient.name for page in pages])

    def _skip(self, run: EscalationRun, order: PageOrder, because: Because) -> None:
        """Leave a level that reaches nobody at once, and say so (DESIGN.md §5, invariant 5). One that says that it waits
        keeps its time."""
        if not self.event(run, LevelUnreachable(self.changes.at, order.level, order.cycle, because)):
            return
        self.changes.timeline(
            run.incident, "escalation.skip_level", level=order.level + 1, name=order.name, because=because.value
        )
        self.changes.ledger(
            run.incident,
            "escalation.skip_level",
            object_type="run",
            object_id=str(run.pk),
            data={"level": order.level + 1, "name": order.name, "cycle": order.cycle + 1, "because": because.value},
        )

    def _record(self, run: EscalationRun, action: Action) -> None:
        if isinstance(action, Exhaust):
            self.changes.timeline(
                run.incident, "escalation.exhaust", because=action.because.value, cycle=action.cycle + 1
            )
            self.changes.set(
                run.incident, "escalation.exhaust", exhausted_at=self.changes.at, data={"because": action.because.value}
            )
        elif isinstance(action, EnterLevel) and run.incident.snoozed_until is not None:
            # By its end, or because somebody escalated meanwhile.
            self.changes.set(run.incident, "incident.snooze_end", snoozed_until=None)
        elif isinstance(action, StartCycle):
            self._enter(run, "escalation.start_cycle", action)
        elif isinstance(action, EndLevel):
            self._enter(run, "escalation.end_level", action)

    def _enter(self, run: EscalationRun, kind: str, action: Telling | EndLevel | StartCycle, **more: Any) -> None:
        level = {} if isinstance(action, StartCycle) else {"level": action.level + 1}
        data = {**level, "cycle": action.cycle + 1, "because": action.because.value, **more}
        self.changes.ledger(run.incident, kind, object_type="run", object_id=str(run.pk), data=data)


def _cancellations(todo: Sequence[tuple[EscalationRun, Action]]) -> dict[str, list[Incident]]:
    """The incidents whose pages must stop, by cause."""
    found: dict[str, list[Incident]] = {}
    for run, action in todo:
        if isinstance(action, CancelPages):
            found.setdefault(action.because.value, []).append(run.incident)
    return found


def _store(run: EscalationRun, state: RunState) -> None:
    run.state = state.to_json()
    run.phase = state.phase.value
    run.level = state.level
    run.cycle = state.cycle
    run.next_due_at = state.next_due_at
    run.priority = run.incident.severity


def current_runs(incidents: Sequence[Incident]) -> dict[int, EscalationRun]:
    """The current run of each locked incident, by incident id; both share the incident's instance."""
    by_id = {incident.pk: incident for incident in incidents}
    runs = EscalationRun.objects.filter(incident__in=list(by_id), superseded=False).select_related("policy_version")
    found = {}
    for run in runs:
        run.incident = by_id[run.incident_id]
        found[run.incident_id] = run
    return found
