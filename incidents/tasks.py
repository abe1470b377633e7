"""What django-q2 runs: the safety net. Each task only calls a service, and may come late, twice or not at all without harm."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import structlog
from django.db import connection

from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import database_fits
from incidents.engine.beats import beat, beats_forget
from incidents.engine.glance import Glance, glance
from incidents.engine.outcomes import page_report
from incidents.engine.pace import BREATH_SECONDS, Pace
from incidents.services import alarms
from incidents.services.deciding import checkpoints_expire
from incidents.services.intake import inbox_process
from incidents.services.news import news_gather
from incidents.services.pages import reports_process
from incidents.services.priorities import priorities_raise
from incidents.services.runs import runs_step
from incidents.services.scans import scans_retry
from incidents.services.set_back import runs_bring_back
from incidents.services.vendor_mail import vendors_check
from incidents.services.watch import stalled_rescue
from notifications.sender import Sender

log = structlog.get_logger(__name__)

WHOLE_MINUTES = 5
"""What an engine would see at a glance is all that is due; every five minutes each part looks for itself, whatever the glance says."""
BATCH = 200
WORKING = timedelta(seconds=10)
"""So long the safety net is at one kind of work at a time: where every engine is dead that is all that is done in a minute."""
SENDING = timedelta(seconds=30)
"""So long the safety net sends at a time. The cluster ends a task after 120 s, in the midst of a call where one is under way, and what
became of that message nobody would know; what is left is the engines' or the next minute's."""


def escalation_check() -> dict[str, int]:
    """Every minute: what a dead or stuck engine left undone happens now at the latest. One part that fails stops no other.

    Raises DatabaseMismatch where an engine would refuse the database, and leaves no beat: the failed task is shown, and the cluster
    falls silent, of which the engine and the supervisor take notice.
    """
    database_fits()
    at = now()
    # First: what it brings back may be due, and the engines do it at once.
    back = _done({"brought_back": lambda: runs_bring_back(at=at)})
    seen = None if at.minute % WHOLE_MINUTES == 0 else _seen()
    jobs: Mapping[str, tuple[bool, Callable[[int], int]]] = {
        "stepped": (seen is None or seen.runs_due(at=at), lambda limit: runs_step(at=at, limit=limit)),
        "checkpoints": (
            seen is None or seen.checkpoint_at is not None,
            lambda limit: checkpoints_expire(at=at, limit=limit),
        ),
        "signals": (seen is None or seen.signals, lambda limit: inbox_process(at=at, limit=limit)),
        "reports": (seen is None or seen.reports, lambda limit: reports_process(at=at, limit=limit)),
    }
    done = back | _done({name: partial(_paced, job if due else _nothing) for name, (due, job) in jobs.items()})
    done |= _done(
        {
            "stalled": lambda: stalled_rescue(at=at),
            "risen": lambda: priorities_raise(at=at),
            "sent": lambda: _send(whole=seen is None),
        }
    )
    # Whoever is paged has been. What follows may wait for a mail server, and the sign of life does not.
    beat("cluster", at=at, started_at=at, info=done)
    return done | _done(
        {
            "vendors": lambda: vendors_check(at=at),
            "scans": lambda: scans_retry(at=at),
            "news": lambda: news_gather(at=at),
            "forgotten": lambda: beats_forget(at=at),
        }
    )


def _seen() -> Glance | None:
    """What is to do; None where that cannot be told, so that each part looks for itself: a saving must not cost the safety net."""
    try:
        return glance()
    except Exception:
        log.exception("check.glance_failed", instead="whole")
        return None


def _nothing(_limit: int) -> int:
    return 0


def _send(*, whole: bool) -> int:
    """What was due before, and what has become due by what was done."""
    seen = None if whole else _seen()
    if seen is not None and not seen.sends(at=now()):
        return 0
    return Sender(clock=now, on_settled=page_report).run_once(within=SENDING)


def _paced(job: Callable[[int], int]) -> int:
    """Do ``job(limit)`` until nothing is left or the time is up, in batches that let others write meanwhile, as an engine's are."""
    pace, began, done = Pace(BATCH), now(), 0
    while count := pace.run(job):
        done += count
        if not timedelta(0) <= now() - began < WORKING:
            break
        if connection.vendor == "sqlite":
            time.sleep(BREATH_SECONDS)
    return done


def _done(parts: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    """How much each of the parts did; without those that failed."""
    done = {}
    for name, part in parts.items():
        try:
            done[name] = part()
        except Exception:
            log.exception("check.failed", part=name)
    return done


def house_check() -> list[str]:
    """Every minute: whether Watchbell itself is well; the codes of what is not."""
    return [trouble.code for trouble in alarms.house_check(at=now(), by="cluster")]
