"""What nobody looks after: what a dead engine had in hand, outcomes that nobody was told of, and waits that a clock gave which was ahead
and has been set back since."""

from datetime import datetime, timedelta

from notifications.decisions import LONGEST_RETRY
from notifications.services.deliveries import LEASE
from notifications.services.settling import REPORT_AGAIN
from notifications.statements import (
    SHORTEN_LEASES,
    SHORTEN_REPORTS,
    SHORTEN_WAITS,
    Neglected,
    neglected,
    rows_changed,
)

CLOCKS_APART = timedelta(seconds=60)
"""So far the clocks of two hosts may be apart before one takes the other's waits for too long."""


def neglect_look(*, at: datetime) -> Neglected:
    """What of it there is at ``at``: one statement, whatever waits."""
    wait, lease, report = _furthest(at)
    return neglected(at=at, wait_until=wait, lease_until=lease, report_until=report)


def _furthest(at: datetime) -> tuple[datetime, datetime, datetime]:
    """How far ahead a wait, a lease and a report may lead where every clock is right."""
    latest = at + CLOCKS_APART
    return latest + timedelta(seconds=LONGEST_RETRY), latest + LEASE, latest + REPORT_AGAIN


def waits_end(*, at: datetime) -> int:
    """Do now what would wait longer than anything may; returns how much that was.

    It was written by a clock that was ahead and has been set back since: a page would wait for as long as that was. What is being sent gets
    a lease as of now, which whoever sends it goes on renewing; where nobody does, it is recovered when that has run out.
    """
    wait, lease, report = _furthest(at)
    return (
        rows_changed(SHORTEN_WAITS, [at, wait])
        + rows_changed(SHORTEN_LEASES, [at + LEASE, lease])
        + rows_changed(SHORTEN_REPORTS, [at, report])
    )
