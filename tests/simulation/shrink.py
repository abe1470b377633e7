"""Shortening a story that fails: the fewer happenings, the sooner somebody sees why."""

import time
from collections.abc import Callable

from tests.simulation.story import Story
from tests.simulation.telling import Outcome

Telling = Callable[[Story], Outcome]


def shortened(failing: Outcome, telling: Telling, *, seconds: float = 60.0) -> tuple[Outcome, list[int]]:
    """The shortest story found that breaks the same invariant, and which of the happenings (from 0) are in it.

    Drops what came after, then halves, quarters and single happenings as long as it still breaks; gives up after ``seconds``.
    """
    assert failing.broken is not None
    story, number = failing.story, failing.broken.number
    deadline = time.monotonic() + seconds
    best, kept = failing, list(range(len(story.happenings)))

    def still_breaks(fewer: list[int]) -> bool:
        nonlocal best, kept
        outcome = telling(story.keeping(fewer))
        if outcome.broken is None or outcome.broken.number != number:
            return False
        best, kept = outcome, fewer
        return True

    if failing.told < len(kept):
        still_breaks(kept[: failing.told])
    size = max(len(kept) // 2, 1)
    while size and time.monotonic() < deadline:
        first = 0
        while first < len(kept) and time.monotonic() < deadline:
            fewer = kept[:first] + kept[first + size :]
            if not fewer or not still_breaks(fewer):
                first += size
        size //= 2
    return best, kept
