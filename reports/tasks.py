"""What django-q2 runs about reports. Each step only calls a service, and may come late, twice or not at all without harm."""

from collections.abc import Callable, Mapping

import structlog

from escalation_site.kernel.instants import now
from reports.care.findings import findings_check
from reports.care.reviews import reviews_check

log = structlog.get_logger(__name__)


def care_check() -> dict[str, object]:
    """Every hour: the linter looks at everything, and reviews are opened and reported. A step that fails stops no other.

    Findings come first: they are part of the evidence of a review.
    """
    at = now()
    steps: Mapping[str, Callable[[], object]] = {
        "findings": lambda: findings_check(at=at),
        "reviews": lambda: reviews_check(at=at),
    }
    done: dict[str, object] = {}
    for name, step in steps.items():
        try:
            done[name] = step()
        except Exception:
            log.exception("care.failed", step=name)
    return done
