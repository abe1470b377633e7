"""What django-q2 runs: the safety net. Each task only calls a service, and may come late, twice or not at all without harm."""

from escalation_site.kernel.instants import now
from incidents.engine.beats import beat, beats_forget
from incidents.engine.outcomes import page_report
from incidents.services.intake import inbox_process
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from incidents.services.watch import stalled_rescue
from notifications.sender import Sender


def escalation_check() -> dict[str, int]:
    """Every minute: what a dead or stuck engine left undone happens now at the latest."""
    at = now()
    done = {
        "stepped": runs_step(at=at),
        "signals": inbox_process(at=at),
        "reports": reports_process(at=at),
        "stalled": stalled_rescue(at=at),
        "sent": Sender(clock=now, on_settled=page_report).run_once(),
        "forgotten": beats_forget(at=at),
    }
    beat("cluster", at=at, started_at=at, info=done)
    return done
