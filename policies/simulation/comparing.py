"""Two simulations of the same facts, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from policies.simulation.walk import Simulation, Step


@dataclass(frozen=True, slots=True)
class Pair:
    """One row: the step on the left, that on the right; one of them None where the other side has no such step."""

    left: Step | None
    right: Step | None

    @property
    def same(self) -> bool:
        return self.left is not None and self.right is not None and step_key(self.left) == step_key(self.right)


def step_key(step: Step) -> tuple[object, ...]:
    """What makes two steps the same: when, what, which level, who, over which channels."""
    people = tuple((one.user_id, one.how) for one in step.people)
    passed = tuple((one.user_id, one.reason) for one in step.passed)
    places = tuple((one.name, one.reason) for one in step.places)
    return (
        step.kind,
        step.at,
        step.level,
        step.name,
        step.cycle,
        step.repeat,
        step.deed,
        step.who,
        people,
        passed,
        places,
    )


def compared(left: Simulation, right: Simulation) -> tuple[Pair, ...]:
    """The steps of both in order: equal ones in one row, the others set against each other where they stand."""
    mine, theirs = left.steps, right.steps
    match = SequenceMatcher(None, [step_key(one) for one in mine], [step_key(one) for one in theirs], autojunk=False)
    pairs: list[Pair] = []
    for _tag, start, end, other_start, other_end in match.get_opcodes():
        pairs += _beside(mine[start:end], theirs[other_start:other_end])
    return tuple(pairs)


def _beside(mine: Sequence[Step], theirs: Sequence[Step]) -> list[Pair]:
    count = max(len(mine), len(theirs))
    return [Pair(_at(mine, row), _at(theirs, row)) for row in range(count)]


def _at(steps: Sequence[Step], row: int) -> Step | None:
    return steps[row] if row < len(steps) else None
