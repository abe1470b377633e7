"""What a paged person does besides acknowledging, and how the sender's reports reach the run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from audit.values import Actor
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.errors import Conflict
from escalation_site.kernel.failures import is_passing
from escalation_site.kernel.rows import rows_update
from incidents.changes import Changes, lock
from incidents.models import EscalationRun, Incident, Page, PageReport
from incidents.services.escalator import Escalator
from incidents.services.lifecycle import require_fresh
from incidents.services.paging import pages_settle
from incidents.services.posting import names_places, post_alive
from incidents.services.runs import run_set_aside
from incidents.services.stored_runs import current_runs
from incidents.services.working import working
from notifications.models import Message
from oncall.models import User
from policies.escalation import Because, LevelUnreachable
from policies.services import version_definition

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
    if names_places(version_definition(run.policy_version)) and post_alive(run, level=run.level, cycle=run.cycle):
        return
    for recipient_id, state, declined_at in pages.values_list("recipient", "state", "declined_at"):
        reachable[recipient_id] = reachable.get(recipient_id, False) or state != Page.State.FAILED
        if declined_at:
            declined.add(recipient_id)
    if reachable and not any(can and pk not in declined for pk, can in reachable.items()):
        because = Because.DECLINED if declined else Because.NOBODY_REACHABLE
        escalator.event(run, LevelUnreachable(at, run.level, run.cycle, because))


class _Waiting(NamedTuple):
    """A report nobody has entered yet, and what it is about."""

    pk: int
    incident_id: int
    run_id: int


@transaction.atomic
def post_failed(*, message: Message, at: datetime) -> None:
    """A place could not be told: the timeline says so, and a level that then reaches nobody is left at once.

    Called in the sender's transaction before it touches the message: the incident's lock comes first, as everywhere. Where the
    run cannot go on from it, the failure goes on record all the same and the run is set aside: raised again, it would undo
    the record each time it is told.
    """
    number = message.about.partition(":")[2]
    incident_id = int(number) if number.isdecimal() else 0
    try:
        with transaction.atomic():
            _enter_post_failed(message, incident_id, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.post_failed", message=message.pk)
        _enter_post_failed(message, incident_id, at=at, go_on=False)
        for run in EscalationRun.objects.filter(incident=incident_id, superseded=False):
            run_set_aside(run_id=run.pk, error=error, at=at)


def _enter_post_failed(message: Message, incident_id: int, *, at: datetime, go_on: bool = True) -> None:
    found = lock([incident_id])
    if not found:
        return
    incident = found[0]
    changes = Changes(at=at, actor=Actor.system("sender"), source="engine")
    level = message.context.get("level")
    failed: dict[str, Any] = {"name": message.context.get("place", ""), "untold": message.state_reason}
    if level is not None:
        failed["level"] = level + 1
    changes.timeline(incident, "post.failed", **failed)
    changes.ledger(incident, "post.failed", data=failed)
    run = current_runs([incident]).get(incident.pk) if go_on else None
    if run is not None:
        escalator = Escalator(changes)
        _skip_untold_level(run, message, escalator, at)
        escalator.settle()
    changes.write()


def _skip_untold_level(run: EscalationRun, message: Message, escalator: Escalator, at: datetime) -> None:
    """When this post was all that the level in force had left, nobody can answer it: go on at once."""
    stands = tuple(message.context.get(key) for key in ("run", "level", "cycle"))
    if stands != (run.pk, run.level, run.cycle):
        return
    own = Page.objects.filter(run=run, level=run.level, cycle=run.cycle, declined_at=None)
    alive = own.exclude(state=Page.State.FAILED).exists()
    if not alive and not post_alive(run, level=run.level, cycle=run.cycle, without=message.pk):
        escalator.event(run, LevelUnreachable(at, run.level, run.cycle, Because.NOBODY_REACHABLE))


_unread = Composed(
    lambda: (
        PageReport.objects.filter(processed_at=None)
        .order_by("id")
        .values_list("id", "page__incident_id", "page__run_id")
    ),
    limited=True,
)
_locked_bare = Composed(lambda ids: Incident.objects.filter(pk__in=ids).order_by("pk").select_for_update())
_reports = Composed(
    lambda ids: PageReport.objects.filter(pk__in=ids, processed_at=None).order_by("id").select_related("page")
)
_names = Composed(lambda ids: User.objects.filter(pk__in=ids).only("username", "first_name", "last_name"))


def reports_process(*, at: datetime, limit: int = 200) -> int:
    """Enter what the sender reported about pages; a level that reached nobody is left at once. Returns how many were read.

    A batch that raises is undone and taken one by one. Raises django.db.Error where the database is at fault.
    """
    waiting = [_Waiting(*row) for row in _unread(limit=limit)]
    if not waiting:
        return 0
    try:
        return _enter(waiting, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.reports_failed", reports=len(waiting))
    return sum(_enter_one(report, at=at) for report in waiting)


def _enter_one(report: _Waiting, *, at: datetime) -> int:
    """Where the run cannot go on from a report, the report is entered all the same and the run set aside."""
    try:
        return _enter([report], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.report_failed", report=report.pk)
        with transaction.atomic():
            entered = _enter([report], at=at, go_on=False)
            run_set_aside(run_id=report.run_id, error=error, at=at)
        return entered


@transaction.atomic
def _enter(waiting: Sequence[_Waiting], *, at: datetime, go_on: bool = True) -> int:
    """Settle the pages of these reports and, with ``go_on``, leave levels that reached nobody.

    One engine does this at a time per incident: the incidents are locked, and a report is read once.
    """
    # Bare rows: what they lead to is read for those alone that somebody must go on with.
    by_id = {one.pk: one for one in _locked_bare(ids={report.incident_id for report in waiting})}
    # Read under the lock only: another engine may have been here between the look and the lock.
    reports = _reports(ids=[report.pk for report in waiting])
    people = {one.pk: one for one in _names(ids={report.page.recipient_id for report in reports})}
    changes = Changes(at=at, actor=Actor.system("engine"), source="engine")
    for report in reports:
        report.page.incident = by_id[report.page.incident_id]
        report.page.recipient = people[report.page.recipient_id]
        report.processed_at = at
    settled = pages_settle([(report.page, report.outcome, report.reason) for report in reports], changes=changes)
    rows_update(reports, ["processed_at"])
    failed = {page.incident_id for page in settled if page.state == Page.State.FAILED}
    if failed and go_on:
        _go_on(sorted(failed), changes)
    changes.write()
    return len(reports)


def _go_on(incident_ids: list[int], changes: Changes) -> None:
    """Leave those levels that reached nobody. The incidents are locked already."""
    escalator = Escalator(changes)
    for run in current_runs(lock(incident_ids)).values():
        _skip_dead_level(run, escalator, changes.at)
    escalator.settle()
