"""The executor of the escalation core: hands it events, performs what it decides, for one run or for hundreds at once.

Walk: an event → ``decide`` (pure) → actions → people are looked up (one query per distinct target), pages made (three statements) →
a level that reaches nobody is answered with LevelUnreachable, at once → … → runs stored. All inside the caller's transaction, with
the incidents locked.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.changes import Changes
from incidents.hours import Hours
from incidents.models import EscalationRun, Incident, Page, Service
from incidents.services.capacity import capacity_tell
from incidents.services.informing import InformOrder, levels_inform
from incidents.services.major import MajorOrder, majors_declare
from incidents.services.paging import PageOrder, declined_by, pages_cancel, pages_create
from incidents.services.posting import PostOrder, names_places, posts_cancel, posts_create
from incidents.services.responding import teams_join
from incidents.services.stored_runs import run_store
from policies.definition import PolicyDef, TargetDef, target_dump, targets_parse
from policies.escalation import (
    Action,
    Because,
    CancelPages,
    Decision,
    DeclareMajor,
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

log = structlog.get_logger(__name__)

_TOLD: dict[type, str] = {
    EnterLevel: "escalation.enter_level",
    RepeatLevel: "escalation.repeat_level",
    PageCatchAll: "escalation.catch_all",
    PageFinal: "escalation.final",
}

RUN_FIELDS = ("state", "phase", "level", "cycle", "next_due_at", "priority")


@dataclass(frozen=True, slots=True)
class RunStart:
    """How the run of one incident begins: as its severity says, unless a routing rule said more.

    ``first_level`` (counted from 0) is never below what the policy says for the severity; ``timers_percent`` is how much of
    the policy's times it gets; ``straight_to`` are paged with the level at which it begins; before ``suppressed_until`` nobody
    is paged. The incident's own severity, service and end of the SLA are read from it.
    """

    incident: Incident
    version: PolicyVersion
    first_level: int | None = None
    timers_percent: int = 100
    straight_to: tuple[TargetDef, ...] = ()
    suppressed_until: datetime | None = None


class Escalator:
    """Gathers events, then ``settle`` performs everything they lead to. ``changes`` collects timeline and ledger."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.resolver = TargetResolver(at=changes.at)
        self.hours = Hours()
        self.late: dict[int, float] = {}
        """How late the clock's own steps are taken, by run, in seconds: goes on record with each entry they lead to."""
        self._required: dict[int, frozenset[str]] = {}
        self._todo: list[tuple[EscalationRun, Action]] = []
        self._changed: dict[int, EscalationRun] = {}

    def start(self, starts: Iterable[RunStart]) -> list[EscalationRun]:
        """Begin a run for each incident with the policy version it keeps: one INSERT for all."""
        begun = [self._begun(one) for one in starts]
        rows_insert([run for run, _decision in begun])
        for run, decision in begun:
            self._todo += [(run, action) for action in decision.actions]
        return [run for run, _decision in begun]

    def _begun(self, one: RunStart) -> tuple[EscalationRun, Decision]:
        incident, version = one.incident, one.version
        policy = version_definition(version)
        decision = start(
            policy,
            at=self.changes.at,
            severity=incident.severity,
            sla_due_at=incident.sla_due_at,
            first_level=one.first_level,
            timers_percent=one.timers_percent,
            suppressed_until=one.suppressed_until,
            calendar=self.hours.of(policy, incident),
        )
        run = EscalationRun(
            incident=incident,
            policy_version=version,
            started_at=self.changes.at,
            priority=incident.severity,
            straight_to=[target_dump(target) for target in one.straight_to],
        )
        run_store(run, decision.state)
        return run, decision

    def event(self, run: EscalationRun, event: Event) -> bool:
        """Tell the core what happened to ``run``; whether that changed anything."""
        state = RunState.from_json(run.state)
        policy = self._definition(run)
        decision = decide(policy, state, event, calendar=self.hours.of(policy, run.incident))
        if decision.state == state and not decision.actions:
            if run.next_due_at != state.next_due_at:
                # Else it would be claimed again at once, for ever, before what is really due.
                log.warning("engine.due_amended", run=run.pk, column=run.next_due_at, state=state.next_due_at)
                self._keep(run, state)
            return False
        self._keep(run, decision.state)
        self._todo += [(run, action) for action in decision.actions]
        return True

    def _keep(self, run: EscalationRun, state: RunState) -> None:
        run_store(run, state)
        self._changed[run.pk] = run

    def forget(self, runs: Collection[EscalationRun]) -> None:
        """Leave undone what these runs would do next: something overtook it before ``settle``."""
        self._todo = [(run, action) for run, action in self._todo if run not in runs]

    def leave(self, run: EscalationRun) -> None:
        """Another run takes the place of ``run``: it stays as it stood, and what it would do next is left undone."""
        self.forget([run])
        self._changed.pop(run.pk, None)
        run.superseded, run.next_due_at = True, None
        run.save(update_fields=["superseded", "next_due_at"])

    def settle(self) -> None:
        """Perform the actions and whatever they lead to, then store the runs. Ends: each level of a cycle is entered once."""
        while self._todo:
            todo, self._todo = self._todo, []
            for run, action in todo:
                self._record(run, action)
            for because, incidents in _cancellations(todo).items():
                pages_cancel(incidents, reason=because, changes=self.changes)
            for because, incidents in _cancellations(self._with_places(todo)).items():
                posts_cancel(incidents, reason=because, changes=self.changes)
            for run, action in todo:
                if isinstance(action, StandDown):
                    reason = action.because.value
                    pages_cancel([run.incident], reason=reason, changes=self.changes, recipients=[action.who])
            self._page([(run, action) for run, action in todo if isinstance(action, Telling)])
            self._inform([(run, action) for run, action in todo if isinstance(action, InformLevel)])
            self._declare([run for run, action in todo if isinstance(action, DeclareMajor)])
        if self._changed:
            rows_update(list(self._changed.values()), RUN_FIELDS)
            self._changed = {}

    def _with_places(self, todo: Sequence[tuple[EscalationRun, Action]]) -> list[tuple[EscalationRun, Action]]:
        return [(run, action) for run, action in todo if names_places(self._definition(run))]

    def _definition(self, run: EscalationRun) -> PolicyDef:
        return version_definition(run.policy_version)

    def _page(self, entered: Sequence[tuple[EscalationRun, Telling]]) -> None:
        whole = [self._order(run, action) for run, action in entered]
        orders = self._without_answered(entered, whole)
        pages = pages_create(orders, changes=self.changes)
        posted = self._post(orders)
        capacity_tell(orders, at=self.changes.at)
        self._join([run_action for run_action, own in zip(entered, pages, strict=True) if own])
        for (run, action), everybody, order, own, is_posted in zip(entered, whole, orders, pages, posted, strict=True):
            self._told(order, own, action)
            reached_nobody = not is_posted and all(page.state == Page.State.FAILED for page in own)
            if isinstance(action, EnterLevel) and reached_nobody:
                because = Because.NOBODY_REACHABLE if own or order.places else Because.NOBODY_ON_CALL
                self._skip(run, order, action, because)
            elif isinstance(action, EnterLevel | RepeatLevel):
                people = tuple(recipient.user.pk for recipient in everybody.recipients)
                self.event(run, LevelPaged(self.changes.at, action.level, action.cycle, people))

    def _post(self, orders: Sequence[PageOrder]) -> list[bool]:
        """Tell the places of the levels; whether one of each order's is being told."""
        if not any(order.places for order in orders):
            return [False] * len(orders)
        return posts_create(
            [
                PostOrder(
                    order.run.incident,
                    f"{order.run.pk}:{order.cycle}:{order.level}:{order.repeat}",
                    order.places,
                    order.run,
                    order.cycle,
                    order.level,
                    order.name,
                    order.repeat,
                    tuple(one.user.name for one in order.recipients),
                )
                for order in orders
            ],
            changes=self.changes,
        )

    def _join(self, entered: Sequence[tuple[EscalationRun, Telling]]) -> None:
        """Specialists who were called in become responders of the incident."""
        levels = [
            (run.incident, self._definition(run).levels[action.level].targets)
            for run, action in entered
            if isinstance(action, EnterLevel)
        ]
        sent_for = [
            (run.incident, targets_parse(run.straight_to))
            for run, action in entered
            if isinstance(action, EnterLevel) and action.opens and run.straight_to
        ]
        teams_join([*levels, *sent_for], changes=self.changes)

    def _order(self, run: EscalationRun, action: Telling) -> PageOrder:
        policy = self._definition(run)
        found = self._people(run, action)
        name = policy.levels[action.level].name if isinstance(action, EnterLevel | RepeatLevel) else ""
        repeat = action.repeat if isinstance(action, RepeatLevel | PageFinal) else 0
        # Who was passed over is said once, when the level is called.
        skipped = () if repeat else found.skipped
        return PageOrder(
            run, action.cycle, action.level, len(policy.levels), name, found.recipients, skipped, repeat, found.places
        )

    def _people(self, run: EscalationRun, action: Telling | InformLevel) -> Resolution:
        asks = isinstance(action, EnterLevel | RepeatLevel | InformLevel) and action.level > 0
        skills = self._skills(run.incident) if asks else NO_SKILLS
        policy = self._definition(run)
        straight_to = targets_parse(run.straight_to) if run.straight_to else ()
        return reached(
            policy,
            action,
            resolver=self.resolver,
            team=run.incident.team,
            skills=skills,
            straight_to=straight_to,
        )

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

    def _declare(self, runs: Sequence[EscalationRun]) -> None:
        """These incidents have got as far as a level that makes them major ones."""
        orders = [MajorOrder(incident=run.incident, by="level", policy=self._definition(run)) for run in runs]
        if orders:
            majors_declare(orders, changes=self.changes, resolver=self.resolver)

    def _skills(self, incident: Incident) -> frozenset[str]:
        """What the incident's service asks of people beyond the first level: one query for each service."""
        pk = incident.service_id
        if pk not in self._required:
            self._required[pk] = frozenset(slug for (slug,) in _required_of(service=pk))
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

    def _skip(self, run: EscalationRun, order: PageOrder, entered: EnterLevel, because: Because) -> None:
        """Leave a level that reaches nobody at once, and say so, and what had led to it (DESIGN.md §5, invariant 5). One
        that says that it waits keeps its time."""
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
            data={
                "level": order.level + 1,
                "name": order.name,
                "cycle": order.cycle + 1,
                "because": because.value,
                "entered_because": entered.because.value,
                **self._lateness(run),
            },
        )

    def _record(self, run: EscalationRun, action: Action) -> None:
        if isinstance(action, Exhaust):
            self.changes.timeline(
                run.incident, "escalation.exhaust", because=action.because.value, cycle=action.cycle + 1
            )
            self.changes.set(
                run.incident,
                "escalation.exhaust",
                exhausted_at=self.changes.at,
                data={"because": action.because.value, **self._lateness(run)},
            )
        elif isinstance(action, EnterLevel) and action.because is Because.ACK_EXPIRED:
            self.changes.set(run.incident, "incident.ack_expire", state=Incident.State.TRIGGERED, owner=None)
            self.changes.timeline(run.incident, "incident.ack_expire")
        elif isinstance(action, EnterLevel) and run.incident.snoozed_until is not None:
            # By its end, or because somebody escalated meanwhile.
            self.changes.set(run.incident, "incident.snooze_end", snoozed_until=None)
        elif isinstance(action, StartCycle):
            self._enter(run, "escalation.start_cycle", action)
        elif isinstance(action, EndLevel):
            self._enter(run, "escalation.end_level", action)

    def _enter(self, run: EscalationRun, kind: str, action: Telling | EndLevel | StartCycle, **more: Any) -> None:
        level = {} if isinstance(action, StartCycle) else {"level": action.level + 1}
        data = {**level, "cycle": action.cycle + 1, "because": action.because.value, **more, **self._lateness(run)}
        self.changes.ledger(run.incident, kind, object_type="run", object_id=str(run.pk), data=data)

    def _lateness(self, run: EscalationRun) -> dict[str, float]:
        return {"late_seconds": self.late[run.pk]} if run.pk in self.late else {}


_required_of = Composed(
    lambda service: Service.required_skills.through.objects.filter(service=service).values_list("skill__slug")
)


def _cancellations(todo: Sequence[tuple[EscalationRun, Action]]) -> dict[str, list[Incident]]:
    """The incidents whose pages must stop, by cause."""
    found: dict[str, list[Incident]] = {}
    for run, action in todo:
        if isinstance(action, CancelPages):
            found.setdefault(action.because.value, []).append(run.incident)
    return found
