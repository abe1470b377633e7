"""What django-q2 runs: the safety net. Each task only calls a service, and may come late, twice or not at all without harm."""

from collections.abc import Callable, Mapping

import structlog

from escalation_site.kernel.instants import now
from incidents.engine.beats import beat, beats_forget
from incidents.engine.outcomes import page_report
from incidents.services.intake import inbox_process
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from incidents.services.watch import stalled_rescue
from notifications.sender import Sender

log = structlog.get_logger(__name__)


def escalation_check() -> dict[str, int]:
    """Every minute: what a dead or stuck engine left undone happens now at the latest. One part that fails stops no other."""
    at = now()
    parts: Mapping[str, Callable[[], int]] = {
        "stepped": lambda: runs_step(at=at),
        "signals": lambda: inbox_process(at=at),
        "reports": lambda: reports_process(at=at),
        "stalled": lambda: stalled_rescue(at=at),
        "sent": lambda: Sender(clock=now, on_settled=page_report).run_once(),
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
