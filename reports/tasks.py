"""What django-q2 runs about reports. Each step only calls a service, and may come late, twice or not at all without harm."""

from collections.abc import Callable, Mapping

import structlog

from escalation_site.kernel.instants import now
from reports.audit import packs
from reports.audit.packs import packs_tend
from reports.care.findings import findings_check
from reports.care.reviews import reviews_check
from reports.figures.keeping import figures_follow_all
from reports.process.reminders import reminders_send

log = structlog.get_logger(__name__)


def care_check() -> dict[str, object]:
    """Every hour: the linter looks at everything, reviews are opened and reported, audit packs are tidied, overdue tasks are
    brought to mind. A step that fails stops no other.

    Findings come first: they are part of the evidence of a review.
    """
    at = now()
    steps: Mapping[str, Callable[[], object]] = {
        "findings": lambda: findings_check(at=at),
        "reviews": lambda: reviews_check(at=at),
        "packs": lambda: packs_tend(at=at),
        "reminders": lambda: reminders_send(at=at),
    }
    done: dict[str, object] = {}
    for name, step in steps.items():
        try:
            done[name] = step()
        except Exception:
            log.exception("care.failed", step=name)
    return done


def figures_keep() -> int:
    """Every minute: what the ledger says has changed is counted anew. Returns how many incidents."""
    return figures_follow_all(at=now())


def pack_make(pack_id: int) -> str:
    """Make an audit pack that somebody asked for; returns its state."""
    return packs.pack_make(pack_id=pack_id, at=now())
