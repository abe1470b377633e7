"""A policy walked ahead in time: `start` and `decide`, fed with due instants and with what people are supposed to do.

Pure: whom a step reaches is asked of the caller. It performs actions in the order in which the engine does
(`incidents.services.escalator`), so that both say the same of the same facts; the agreement is tested on random cases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from typing import Any

from policies.definition import PolicyDef
from policies.escalation import (
    Acknowledged,
    Action,
    Because,
    BusinessTime,
    Decision,
    DeclareMajor,
    EnterLevel,
    EscalateNow,
    Event,
    Exhaust,
    InformLevel,
    LevelPaged,
    LevelUnreachable,
    Mitigated,
    PageCatchAll,
    PageFinal,
    RepeatLevel,
    Resolved,
    RunState,
    Tick,
    around_the_clock,
    decide,
    start,
)

MAX_STEPS = 300
"""A policy may tell people thousands of times; more than this nobody reads."""


class Deed(StrEnum):
    """What somebody does."""

    ACKNOWLEDGE = "acknowledge"
    MITIGATE = "mitigate"
    ESCALATE = "escalate"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Act:
    """`who` (a person's number) does something `after` so long: counted from when they are first told, or, with
    `from_start`, from the start of the incident. Who is never told then never does it."""

    deed: Deed
    who: int
    after: timedelta
    from_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a run begins, as `policies.escalation.start` takes it; `calendar` holds for the whole walk."""

    at: datetime
    severity: int | None
    sla_due_at: datetime | None = None
    first_level: int | None = None
    timers_percent: int = 100
    suppressed_until: datetime | None = None
    calendar: BusinessTime = around_the_clock


@dataclass(frozen=True, slots=True)
class Told:
    """A person of a step: why it is them, and by which channels, in order. Without any they cannot be reached."""

    user_id: int
    name: str
    why: Mapping[str, Any] = field(default_factory=dict)
    how: tuple[str, ...] = ()

    @property
    def reachable(self) -> bool:
        return bool(self.how)


@dataclass(frozen=True, slots=True)
class Passed:
    """Somebody passed over, with the machine's reason (`policies.reasons.skip_words` has the words)."""

    user_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlaceTold:
    """A destination of a step; `reason` is why it cannot be told (`policies.reasons.untold_words`), "" where it can."""

    name: str
    kind: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    people: tuple[Told, ...]
    passed: tuple[Passed, ...] = ()
    places: tuple[PlaceTold, ...] = ()


Reach = Callable[[EnterLevel | RepeatLevel | PageCatchAll | PageFinal | InformLevel | DeclareMajor], Reached]
"""Whom an action reaches at its instant."""

ReachAt = Callable[[datetime, Mapping[int, datetime]], Reach]
"""A reach for everything that follows from one event; the mapping is who was told when last in this simulation."""


class StepKind(StrEnum):
    PAGE = "page"
    REPEAT = "repeat"
    INFORM = "inform"
    MAJOR = "major"
    SKIP = "skip"
    EXHAUST = "exhaust"
    CATCH_ALL = "catch_all"
    FINAL = "final"
    DEED = "deed"


PAGING = frozenset({StepKind.PAGE, StepKind.REPEAT, StepKind.CATCH_ALL, StepKind.FINAL})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `level` and `cycle` count from 0; `level` is None for what belongs to none."""

    kind: StepKind
    at: datetime
    level: int | None = None
    cycle: int = 0
    repeat: int = 0
    name: str = ""
    because: Because | None = None
    people: tuple[Told, ...] = ()
    passed: tuple[Passed, ...] = ()
    deed: Deed | None = None
    who: int | None = None
    places: tuple[PlaceTold, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """The steps in order; `cut` when there were more than MAX_STEPS. `phase` is the run's at the end."""

    started_at: datetime
    steps: tuple[Step, ...]
    phase: str
    cut: bool = False

    @property
    def pages(self) -> int:
        """How many times somebody is paged, each person counted each time."""
        return sum(len(step.people) for step in self.steps if step.kind in PAGING)

    @property
    def first_page(self) -> timedelta | None:
        """From the start until somebody who can be reached is paged; None if nobody ever is."""
        paged = (step.at for step in self.steps if step.kind in PAGING and any(one.reachable for one in step.people))
        first = next(paged, None)
        return None if first is None else first - self.started_at


def walk(
    policy: PolicyDef,
    beginning: Beginning,
    *,
    reach_at: ReachAt,
    acts: Sequence[Act] = (),
    limit: int = MAX_STEPS,
) -> Simulation:
    """What happens from the beginning on. At one instant, what is due comes before what people do, and they do it in the
    order of ``acts``."""
    return _Walk(policy, beginning, reach_at, acts, limit).done()


class _Walk:
    def __init__(
        self, policy: PolicyDef, beginning: Beginning, reach_at: ReachAt, acts: Sequence[Act], limit: int
    ) -> None:
        at = beginning.at
        self.policy, self.at, self.reach_at, self.limit = policy, at, reach_at, limit
        self.calendar = beginning.calendar
        self.steps: list[Step] = []
        self.told: dict[int, datetime] = {}
        self.waiting = [(number, act) for number, act in enumerate(acts) if not act.from_start]
        self.agenda: list[tuple[datetime, int, Act]] = []
        self.taken = self.mitigated = self.over = False
        for number, act in enumerate(acts):
            if act.from_start:
                heappush(self.agenda, (at + act.after, number, act))
        begun = start(
            policy,
            at=at,
            severity=beginning.severity,
            sla_due_at=beginning.sla_due_at,
            first_level=beginning.first_level,
            timers_percent=beginning.timers_percent,
            suppressed_until=beginning.suppressed_until,
            calendar=beginning.calendar,
        )
        self.state: RunState = begun.state
        self._settle(begun, at)

    def done(self) -> Simulation:
        while not self.over and len(self.steps) < self.limit:
            due = self.state.next_due_at
            planned = self.agenda[0][0] if self.agenda else None
            if due is not None and (planned is None or due <= planned):
                self._happen(Tick(due), due)
            elif planned is not None:
                self._do(heappop(self.agenda)[2], planned)
            else:
                break
        unfinished = not self.over and (self.state.next_due_at is not None or bool(self.agenda))
        cut = len(self.steps) > self.limit or (unfinished and len(self.steps) >= self.limit)
        return Simulation(self.at, tuple(self.steps[: self.limit]), self.state.phase.value, cut)

    # --- what people do, as `incidents.services.lifecycle` lets them

    def _do(self, act: Act, at: datetime) -> None:
        step = Step(StepKind.DEED, at, deed=act.deed, who=act.who)
        match act.deed:
            case Deed.ACKNOWLEDGE:
                if self._happen(Acknowledged(at, who=act.who), at, step=step, always=not self.taken):
                    self.taken = True
            case Deed.MITIGATE:
                if self.mitigated:
                    return
                self.mitigated = True
                self.steps.append(step)
                if not self.taken:
                    self.taken = True
                    self._happen(Acknowledged(at, who=act.who), at)
                self._happen(Mitigated(at), at)
            case Deed.ESCALATE:
                self._happen(EscalateNow(at), at, step=step)
            case Deed.RESOLVE:
                self._happen(Resolved(at), at, step=step, always=True)
                self.over = True

    # --- what the engine does

    def _happen(self, event: Event, at: datetime, *, step: Step | None = None, always: bool = False) -> bool:
        """Decide and perform; whether it changed anything. `step` goes before what follows, `always` even if nothing does."""
        decision = decide(self.policy, self.state, event, calendar=self.calendar)
        changed = decision.state != self.state or bool(decision.actions)
        if step is not None and (changed or always):
            self.steps.append(step)
        self.state = decision.state
        self._settle(decision, at)
        return changed or always

    def _settle(self, decision: Decision, at: datetime) -> None:
        """Perform the actions and whatever they lead to, wave after wave."""
        wave: Sequence[Action] = decision.actions
        reach: Reach | None = None
        while wave:
            for action in wave:
                if isinstance(action, Exhaust):
                    self.steps.append(Step(StepKind.EXHAUST, at, cycle=action.cycle, because=action.because))
            reach = reach or self.reach_at(at, self.told)
            wave = self._page(wave, at, reach)

    def _page(self, wave: Sequence[Action], at: datetime, reach: Reach) -> list[Action]:
        following: list[Action] = []
        telling = [one for one in wave if isinstance(one, EnterLevel | RepeatLevel | PageCatchAll | PageFinal)]
        orders = [(action, reach(action)) for action in telling]
        for action, found in orders:
            paged = tuple(one for one in found.people if one.user_id not in _skipped(action))
            self._tell(action, at, paged, found)
            if not isinstance(action, EnterLevel | RepeatLevel):
                continue
            told = any(one.reachable for one in paged) or any(not place.reason for place in found.places)
            if isinstance(action, EnterLevel) and not told:
                because = Because.NOBODY_REACHABLE if paged or found.places else Because.NOBODY_ON_CALL
                following += self._skip(action, at, because)
            else:
                people = tuple(one.user_id for one in found.people)
                following += self._decided(LevelPaged(at, action.level, action.cycle, people))
        for passed in wave:
            if isinstance(passed, InformLevel):
                self._inform(passed, at, reach(passed).people)
        for declared in wave:
            if isinstance(declared, DeclareMajor):
                step = Step(StepKind.MAJOR, at, declared.level, declared.cycle, 0, self._name(declared.level))
                self.steps.append(_with(step, declared.because, reach(declared).people, ()))
        return following

    def _tell(self, action: Action, at: datetime, people: tuple[Told, ...], found: Reached) -> None:
        passed = found.passed
        match action:
            case EnterLevel():
                step = Step(StepKind.PAGE, at, action.level, action.cycle, 0, self._name(action.level))
            case RepeatLevel():
                passed = ()
                step = Step(StepKind.REPEAT, at, action.level, action.cycle, action.repeat, self._name(action.level))
            case PageCatchAll():
                step = Step(StepKind.CATCH_ALL, at, None, action.cycle)
            case PageFinal():
                step = Step(StepKind.FINAL, at, None, action.cycle, action.repeat)
            case _:
                return
        if people or passed or found.places:
            self.steps.append(replace(_with(step, action.because, people, passed), places=found.places))
        for one in people:
            self.told[one.user_id] = at
            if one.reachable:
                self._told_first(one.user_id, at)

    def _told_first(self, user_id: int, at: datetime) -> None:
        own = [(number, act) for number, act in self.waiting if act.who == user_id]
        self.waiting = [(number, act) for number, act in self.waiting if act.who != user_id]
        for number, act in own:
            heappush(self.agenda, (at + act.after, number, act))

    def _skip(self, action: EnterLevel, at: datetime, because: Because) -> tuple[Action, ...]:
        before = self.state
        following = self._decided(LevelUnreachable(at, action.level, action.cycle, because))
        if self.state != before or following:
            name = self._name(action.level)
            self.steps.append(Step(StepKind.SKIP, at, action.level, action.cycle, 0, name, because))
        return following

    def _inform(self, action: InformLevel, at: datetime, people: tuple[Told, ...]) -> None:
        if people:
            step = Step(StepKind.INFORM, at, action.level, action.cycle, 0, self._name(action.level))
            self.steps.append(_with(step, action.because, people, ()))

    def _decided(self, event: Event) -> tuple[Action, ...]:
        decision = decide(self.policy, self.state, event, calendar=self.calendar)
        self.state = decision.state
        return decision.actions

    def _name(self, level: int) -> str:
        return self.policy.levels[level].name


def _skipped(action: Action) -> Collection[int]:
    return action.skip if isinstance(action, RepeatLevel) else ()


def _with(step: Step, because: Because, people: tuple[Told, ...], passed: tuple[Passed, ...]) -> Step:
    return Step(
        step.kind, step.at, step.level, step.cycle, step.repeat, step.name, because, people, passed, step.deed, step.who
    )
