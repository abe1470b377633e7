"""What follows an attempt: pure. Values in, a step out; no clock, no database, no chance."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

RETRY_AFTER = (2.0, 10.0, 30.0)
"""Seconds before the second, third and fourth attempt by one method: it is given up after about 45 s."""

JITTER = 0.2
"""Each wait is lengthened by up to this share, so that a provider coming back does not meet everybody at once."""

LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for longer is not worth waiting for while somebody has to be woken."""

LONGEST_RETRY = max(*RETRY_AFTER, LONGEST_WAIT) * (1 + JITTER)
"""Seconds that anything queued waits at most."""


class Result(StrEnum):
    """How an attempt ended."""

    SENT = "sent"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    INTERRUPTED = "interrupted"  # The process died before the hand-over.
    UNKNOWN = "unknown"  # Handed over, no answer.
    WITHDRAWN = "withdrawn"  # Cancelled before the hand-over.


@dataclass(frozen=True, slots=True)
class Step:
    """``retry`` after ``wait`` seconds; ``next_method``, or failure when there is none; or the end of the message."""

    kind: Literal["delivered", "retry", "next_method", "cancelled"]
    wait: float = 0.0


def next_step(
    result: Result, *, attempts_made: int, cancel_asked: bool, retry_after: float | None = None, jitter: float = 0.0
) -> Step:
    """What to do after attempt number ``attempts_made`` of one delivery ended with ``result``.

    ``jitter`` is a number in [0, 1). An unknown outcome is never repeated by the same method (at most once, DESIGN.md
    §5 invariant 3).
    """
    if result is Result.SENT:
        return Step("delivered")
    if cancel_asked:
        return Step("cancelled")
    if result in (Result.REFUSED, Result.UNKNOWN) or attempts_made > len(RETRY_AFTER):
        return Step("next_method")
    if retry_after is not None and retry_after > LONGEST_WAIT:
        return Step("next_method")
    if result is Result.INTERRUPTED:
        return Step("retry")
    base = max(RETRY_AFTER[attempts_made - 1], retry_after or 0.0)
    return Step("retry", base * (1 + JITTER * jitter))


def jitter_of(delivery_id: int, attempt: int) -> float:
    """A number in [0, 1) that differs between deliveries and is the same on every replay."""
    digest = hashlib.sha256(f"{delivery_id}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
