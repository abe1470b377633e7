"""What a list shows for words that are looked for: the incidents that match are looked up once, and no more of them than anybody reads.

A word that is in every tenth of a million incidents was looked for in all of them by each of the list's six counts and again for its rows.
Exports and the API look through everything (``IncidentFilter.filter_words``), boards and plans through what is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from incidents.filters import reference_number
from incidents.querysets import IncidentQuerySet
from incidents.search import Wanted, among, matching_now, newest, newest_among, spelled, wanted

MATCHED: Final = 2_000
"""Beyond so many a list shows the newest and asks for another word."""


NO_END: Final = -1
"""As SQLite reads a limit."""
COMPLETE: Final = 10_000
"""With another filter all are looked up, where they are no more than a list counts."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The numbers of what matches; ``more_open`` and ``more_resolved`` say that older ones were left out. ``common`` are words that so
    many incidents say that how well one says them is no order."""

    ids: tuple[int, ...]
    more_open: bool = False
    more_resolved: bool = False
    common: bool = False

    def more(self, tab: str) -> bool:
        """Whether a tab holds more than what was looked up."""
        return self.more_resolved if tab == "resolved" else self.more_open


def matches_of(
    words: Wanted,
    visible: IncidentQuerySet,
    *,
    inside: bool,
    also: int | None = None,
    narrowed: IncidentQuerySet | None = None,
    tab: str = "open",
    little: bool = False,
) -> Matches | None:
    """What matches ``words``, and the incident numbered ``also``: one query, and one more where more than ``MATCHED`` match: the newest
    of what is open are then looked up for themselves, so that many that are over do not hide them.

    ``little``: ``visible`` is little of what there is, and the newest that match may be none of it: those among it are looked up.

    ``narrowed`` are those that the other filters leave, where there are any: what matches among them is looked up in full; where that is
    too much, what is open of it. None where ``tab`` shows what is over, which may be in any order.
    """
    found = newest(words, inside=inside, limit=MATCHED + 1)
    own = [] if also is None else [also]
    if len(found) <= MATCHED:
        return Matches((*own, *found))
    most = MATCHED
    if narrowed is not None:
        visible, most = narrowed, COMPLETE
        found = newest_among(words, narrowed, inside=inside, limit=most + 1, one_by_one=_in_most(found, most))
        if len(found) <= most:
            return Matches((*own, *found), common=True)
        if tab == "resolved":
            return None
    elif little:
        found = newest_among(words, visible, inside=inside, limit=most + 1, one_by_one=_in_most(found, most))
        if len(found) <= most:
            return Matches((*own, *found), common=True)
    open_now = newest_among(words, visible.unresolved(), inside=inside, limit=most + 1, few=True)
    ids = dict.fromkeys([*own, *open_now[:most], *found[:most]])
    return Matches(tuple(ids), more_open=len(open_now) > most, more_resolved=True, common=True)


def open_that_say(text: str, visible: IncidentQuerySet, *, inside: bool) -> IncidentQuerySet:
    """Of ``visible`` what says the words of ``text``, where only what is open is wanted of it (boards, plans); all of it without words.
    One query, two on SQLite: there what is open is looked for among what the index finds, which else it would gather whole."""
    text = text.strip()
    if not text:
        return visible
    words, number = wanted(text), reference_number(text)
    if not words:
        return visible.none()
    if connection.vendor != "sqlite":
        return visible.filter(matching_now(words, inside=inside, also=number))
    numbers = newest_among(spelled(words), visible.unresolved(), inside=inside, limit=NO_END, few=True)
    return visible.filter(among([*numbers, *([] if number is None else [number])]))


def _in_most(newest_first: Sequence[int], wanted_number: int) -> bool:
    """Whether ``wanted_number`` of those that say the words are found sooner by looking into one incident after another than by
    gathering all that say them: how many do is told by how far back the newest of them reach."""
    latest, oldest = newest_first[0], newest_first[-1]
    share = len(newest_first) / (latest - oldest + 1)
    return wanted_number / share < share * latest
