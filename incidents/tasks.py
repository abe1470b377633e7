"""What django-q2 runs: the safety net. Each task only calls a service, and may come late, twice or not at all without harm."""

from collections.abc import Callable, Mapping

import structlog

from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import database_fits
from incidents.engine.beats import beat, beats_forget
from incidents.engine.outcomes import page_report
from incidents.services import alarms
from incidents.services.deciding import checkpoints_expire
from incidents.services.intake import inbox_process
from incidents.services.news import news_gather
from incidents.services.pages import reports_process
from incidents.services.priorities import priorities_raise
from incidents.services.runs import runs_step
from incidents.services.scans import scans_retry
from incidents.services.vendor_mail import vendors_check
from incidents.services.watch import stalled_rescue
from notifications.sender import Sender

log = structlog.get_logger(__name__)


def escalation_check() -> dict[str, int]:
    """Every minute: what a dead or stuck engine left undone happens now at the latest. One part that fails stops no other.

    Raises DatabaseMismatch where an engine would refuse the database, and leaves no beat: the failed task is shown, and the cluster
    falls silent, of which the engine and the supervisor take notice.
    """
    database_fits()
    at = now()
    parts: Mapping[str, Callable[[], int]] = {
        "stepped": lambda: runs_step(at=at),
        "checkpoints": lambda: checkpoints_expire(at=at),
        "signals": lambda: inbox_process(at=at),
        "reports": lambda: reports_process(at=at),
        "stalled": lambda: stalled_rescue(at=at),
        "risen": lambda: priorities_raise(at=at),
        "vendors": lambda: vendors_check(at=at),
        "scans": lambda: scans_retry(at=at),
        "sent": lambda: Sender(clock=now, on_settled=page_report).run_once(),
        # What nobody is woken for comes after every page.
        "news": lambda: news_gather(at=at),
        "forgotten": lambda: beats_forget(at=at),
    }
    done = {}
    for name, part in parts.items():
        try:
            done[name] = part()
        except Exception:
            log.exception("check.failed", part=name)
    beat("cluster", at=at, started_at=at, info=done)
    return done


def house_check() -> list[str]:
    """Every minute: whether Watchbell itself is well; the codes of what is not."""
    return [trouble.code for trouble in alarms.house_check(at=now(), by="cluster")]
