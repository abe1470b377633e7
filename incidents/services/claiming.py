"""Which of the waiting signals are read next: the oldest, and where many wait each integration gets its share.

A monitor that floods its own door must delay no other's: of ten thousand signals of one and a single one of another, that one is in the
next batch. Signals of one integration are read in their order all the same: a recovery follows its trigger.
"""

from collections.abc import Sequence

from django.db import connection

from escalation_site.kernel.composed import Composed
from incidents.models import InboxSignal

_TOGETHER = 100
"""Integrations asked for in one statement."""
_OPEN = "processed_at IS NULL AND set_aside_at IS NULL"
# From one integration to the next by their index, however many signals each of them has.
_DOORS = f"""
WITH RECURSIVE door (id) AS (
    SELECT MIN(integration_id) FROM incidents_inboxsignal WHERE {_OPEN}
    UNION ALL
    SELECT (SELECT MIN(integration_id) FROM incidents_inboxsignal WHERE {_OPEN} AND integration_id > door.id)
    FROM door WHERE door.id IS NOT NULL
)
SELECT id FROM door WHERE id IS NOT NULL
"""  # noqa: S608  our own words
_OLDEST_OF = f"""
SELECT * FROM (
    SELECT id FROM incidents_inboxsignal WHERE integration_id = %s AND {_OPEN} ORDER BY id LIMIT %s
) AS own
"""  # noqa: S608  our own words


_oldest = Composed(
    lambda: InboxSignal.objects.filter(processed_at=None, set_aside_at=None).order_by("id"),
    limited=True,
)


def signals_next(limit: int) -> list[InboxSignal]:
    """At most ``limit`` signals in the order in which they came. One query; a few more where more wait than that."""
    oldest = _oldest(limit=limit)
    if len(oldest) < limit or limit == 1:
        return oldest
    chosen = shared([signal.pk for signal in oldest], _doors(), limit)
    known = {signal.pk: signal for signal in oldest}
    if missing := chosen - known.keys():
        known |= InboxSignal.objects.filter(processed_at=None, set_aside_at=None).in_bulk(missing)
    return [known[pk] for pk in sorted(chosen) if pk in known]


def shared(oldest: Sequence[int], doors: Sequence[int], limit: int) -> set[int]:
    """The first of each integration, as many of each, filled up with the ``oldest`` of all: of each integration its oldest."""
    if len(doors) < 2:
        return set(oldest)
    each = max(limit // len(doors), 1)
    groups = [doors[begin : begin + _TOGETHER] for begin in range(0, len(doors), _TOGETHER)]
    firsts = sorted(pk for group in groups for pk in _firsts(group, each))
    chosen = set(firsts[:limit])
    for pk in oldest:
        if len(chosen) >= limit:
            break
        chosen.add(pk)
    return chosen


def _doors() -> list[int]:
    """The integrations of which signals wait."""
    with connection.cursor() as cursor:
        cursor.execute(_DOORS)
        return [pk for (pk,) in cursor.fetchall()]


def _firsts(doors: Sequence[int], each: int) -> list[int]:
    """The oldest ``each`` signals of these integrations."""
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join([_OLDEST_OF] * len(doors)), [value for door in doors for value in (door, each)]
        )
        return [pk for (pk,) in cursor.fetchall()]
