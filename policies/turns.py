"""Round robin: whose turn it is among people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_NEVER = datetime.min.replace(tzinfo=UTC)


class Turns:
    """Gives turns within one piece of work. Its own turns count before anything else, so that hundreds of incidents
    that come at once are dealt round and do not all fall to one person."""

    def __init__(self) -> None:
        self._given: Counter[int] = Counter()

    def next(self, people: Sequence[int], *, last_paged: Mapping[int, datetime]) -> int:
        """The one of `people` (not empty) who was paged longest ago; of those who never were, the first.

        Whoever joins is next, and whoever leaves leaves no hole: no place in a list is remembered.
        """
        order = {person: place for place, person in reversed(list(enumerate(people)))}
        chosen = min(order, key=lambda one: (self._given[one], last_paged.get(one, _NEVER), order[one]))
        self._given[chosen] += 1
        return chosen
