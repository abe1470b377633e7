"""What is to be done, in order, in the transaction that stores the new state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.escalation.state import Because, RunState


@dataclass(frozen=True, slots=True)
class EnterLevel:
    """Resolve the level's targets as of `at` and page them. With nobody to page, answer with LevelUnreachable.

    With `opens` it is the first level since the walk began: whoever the incident goes straight to is paged with it.
    """

    level: int
    cycle: int
    because: Because
    at: datetime
    opens: bool = False


@dataclass(frozen=True, slots=True)
class RepeatLevel:
    """Page the level in force again, those on it at `at` without the people of `skip`, who have answered. `repeat`
    counts from 1: (cycle, level, repeat) occurs at most once in a run. Nobody to page is no reason to leave the level:
    who was told before may still answer. `opens` is as of EnterLevel."""

    level: int
    cycle: int
    repeat: int
    skip: tuple[int, ...]
    because: Because
    at: datetime
    opens: bool = False


@dataclass(frozen=True, slots=True)
class InformLevel:
    """Let the people of a level that is passed over know, without paging them."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class StandDown:
    """The person numbered `who` has answered; the others on the level have not. What is on its way to `who` must not
    go out any more."""

    who: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class EndLevel:
    """The level is no longer in force, for the record. Its pages stay valid: who was told may still acknowledge."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class StartCycle:
    """The ladder begins again as `cycle`, for the record; the level to page follows as EnterLevel, now or later."""

    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelPages:
    """Whatever has not reached anybody yet must not go out any more."""

    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclareMajor:
    """The ladder has got as far as a level that makes it a major incident. At most once in a run: what a person took
    back is not declared again by the next round."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class Exhaust:
    """The ladder is at its end without an answer: list the incident as exhausted."""

    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class PageCatchAll:
    """Page the policy's catch-all, or the site's where it has none. `level` is one past the last, so that
    (cycle, level) is as unique for these pages as for any."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class PageFinal:
    """Page the policy's final decision-maker. `level` is two past the last; `repeat` counts from 0, so that (cycle,
    level, repeat) occurs at most once in a run."""

    level: int
    cycle: int
    repeat: int
    because: Because
    at: datetime


Action = (
    EnterLevel
    | RepeatLevel
    | InformLevel
    | EndLevel
    | StartCycle
    | CancelPages
    | StandDown
    | DeclareMajor
    | Exhaust
    | PageCatchAll
    | PageFinal
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to store and the actions to perform, in order. An ignored event gives the same state and none."""

    state: RunState
    actions: tuple[Action, ...] = ()
