"""What a list shows for words that are looked for: the incidents that match are looked up once, and no more of them than anybody reads.

A word that is in every tenth of a million incidents was looked for in all of them by each of the list's six counts and again for its rows.
Exports, the API and the board look through everything (``IncidentFilter.filter_words``).
"""

from dataclasses import dataclass
from typing import Final

from incidents.querysets import IncidentQuerySet
from incidents.search import Wanted, matching, newest

MATCHED: Final = 2_000
"""Beyond so many a list shows the newest and asks for another word."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The numbers of what matches; ``more_open`` and ``more_resolved`` say that older ones were left out."""

    ids: tuple[int, ...]
    more_open: bool = False
    more_resolved: bool = False

    def more(self, tab: str) -> bool:
        """Whether a tab holds more than what was looked up."""
        return self.more_resolved if tab == "resolved" else self.more_open


def matches_of(words: Wanted, visible: IncidentQuerySet, *, inside: bool, also: int | None = None) -> Matches:
    """What matches ``words``, and the incident numbered ``also``: one query, and one more where more than ``MATCHED`` match: the newest
    of what is open are then looked up for themselves, so that many that are over do not hide them."""
    found = newest(words, inside=inside, limit=MATCHED + 1)
    own = [] if also is None else [also]
    if len(found) <= MATCHED:
        return Matches((*own, *found))
    still_open = visible.unresolved().filter(matching(words, inside=inside)).order_by("-pk")
    open_now = list(still_open.values_list("pk", flat=True)[: MATCHED + 1])
    ids = dict.fromkeys([*own, *open_now[:MATCHED], *found[:MATCHED]])
    return Matches(tuple(ids), more_open=len(open_now) > MATCHED, more_resolved=True)
