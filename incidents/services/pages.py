"""What a paged person does besides acknowledging, and how the sender's reports reach the run."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from audit.values import Actor
from escalation_site.kernel.errors import Conflict
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, lock
from incidents.models import EscalationRun, Page, PageReport
from incidents.services.escalator import Escalator, current_runs
from incidents.services.lifecycle import require_fresh, working
from incidents.services.paging import pages_settle
from incidents.services.runs import run_set_aside
from policies.escalation import Because, LevelUnreachable

log = structlog.get_logger(__name__)


def page_decline(*, page: Page, at: datetime, source: str = "email") -> Page:
    """ "Can't take it": the others of the level keep it; when nobody is left who could, the next level is called at once."""
    with working(page.incident_id, actor=page.recipient, at=at, source=source) as work:
        require_fresh(page, at=at)
        if work.incident.state != "triggered":
            raise Conflict(_("Somebody has it by now."))
        if not Page.objects.filter(pk=page.pk, declined_at=None).update(declined_at=at):
            return page
        work.changes.ledger(
            work.incident, "page.decline", object_type="page", object_id=str(page.pk), object_label=page.recipient.name
        )
        work.changes.timeline(work.incident, "page.decline", name=page.recipient.name, level=page.level + 1)
        if work.run is not None:
            _skip_dead_level(work.run, work.escalator, at)
    page.refresh_from_db()
    return page


def _skip_dead_level(run: EscalationRun, escalator: Escalator, at: datetime) -> None:
    """When nobody of the level in force was reached, or those who were declined, nobody can answer it: go on at once."""
    pages = Page.objects.filter(run=run, level=run.level, cycle=run.cycle)
    reachable: dict[int, bool] = {}
    declined: set[int] = set()
    for recipient_id, state, declined_at in pages.values_list("recipient", "state", "declined_at"):
        reachable[recipient_id] = reachable.get(recipient_id, False) or state != Page.State.FAILED
        if declined_at:
            declined.add(recipient_id)
    if reachable and not any(can and pk not in declined for pk, can in reachable.items()):
        because = Because.DECLINED if declined else Because.NOBODY_REACHABLE
        escalator.event(run, LevelUnreachable(at, run.level, run.cycle, because))


def reports_process(*, at: datetime, limit: int = 200) -> int:
    """Enter what the sender reported about pages; a level that reached nobody is left at once. Returns how many were read.

    A batch that raises is undone and taken one by one. Raises django.db.Error where the database is at fault.
    """
    waiting = list(
        PageReport.objects.filter(processed_at=None).select_related("page__recipient").order_by("id")[:limit]
    )
    if not waiting:
        return 0
    try:
        return _enter(waiting, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.reports_failed", reports=len(waiting))
    return sum(_enter_one(report, at=at) for report in waiting)


def _enter_one(report: PageReport, *, at: datetime) -> int:
    """Where the run cannot go on from a report, the report is entered all the same and the run set aside."""
    try:
        return _enter([report], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.report_failed", report=report.pk)
        with transaction.atomic():
            entered = _enter([report], at=at, go_on=False)
            run_set_aside(run_id=report.page.run_id, error=error, at=at)
        return entered


@transaction.atomic
def _enter(waiting: Sequence[PageReport], *, at: datetime, go_on: bool = True) -> int:
    """Settle the pages of these reports and, with ``go_on``, leave levels that reached nobody.

    One engine does this at a time per incident: the incidents are locked, and a report is read once.
    """
    incidents = list(lock(sorted({report.page.incident_id for report in waiting})))
    by_id = {incident.pk: incident for incident in incidents}
    # Read again under the lock: another engine may have been here between the look and the lock.
    reports = list(
        PageReport.objects.filter(pk__in=[report.pk for report in waiting], processed_at=None).select_related(
            "page__recipient"
        )
    )
    changes = Changes(at=at, actor=Actor.system("engine"), source="engine")
    for report in reports:
        report.page.incident = by_id[report.page.incident_id]
    settled = pages_settle([(report.page, report.outcome, report.reason) for report in reports], changes=changes)
    PageReport.objects.filter(pk__in=[report.pk for report in reports]).update(processed_at=at)
    failed = {page.incident_id for page in settled if page.state == Page.State.FAILED} if go_on else set()
    escalator = Escalator(changes)
    for run in current_runs([by_id[pk] for pk in failed]).values():
        _skip_dead_level(run, escalator, at)
    escalator.settle()
    changes.write()
    return len(reports)
