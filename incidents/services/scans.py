"""Files that wait for the scanner: asked about again where no answer came, given up after some tries, tried anew when somebody asks."""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_q.tasks import async_task

from escalation_site.kernel.errors import Conflict, NotAllowed
from incidents.models import Attachment
from incidents.permissions import may_remove_attachment
from incidents.services.attachments import attachment_enter, attachment_save
from incidents.services.working import working
from oncall.models import User

State = Attachment.State
MOST_TRIES = 5
"""A scanner that gives no answer so often is not asked about the file any more, until somebody says so."""
PATIENCE = timedelta(minutes=20)
"""How long an answer may take: longer than the cluster waits before it hands a failed task out again."""
AT_ONCE = 100
NO_ANSWER = gettext_noop("The scanner gave no answer.")


def scan_begun(*, attachment_id: int, at: datetime) -> None:
    """Count a try: no history row and no ledger entry, because nothing is decided."""
    Attachment.objects.filter(pk=attachment_id).update(scan_tries=F("scan_tries") + 1, scan_tried_at=at)


def scans_retry(*, at: datetime) -> int:
    """Ask again about files nobody answered for in ``PATIENCE``, and give up those tried ``MOST_TRIES`` times; how many it was.

    A lost task, a scanner that hangs and one that is away all end here. One query where nothing waits.
    """
    since = at - PATIENCE
    silent = Q(scan_tried_at__lte=since) | Q(scan_tried_at=None, created_at__lte=since)
    waiting = Attachment.objects.filter(silent, state=State.WAITING, removed_at=None).order_by("pk")[:AT_ONCE]
    found = list(waiting.values_list("pk", "scan_tries"))
    for pk, tries in found:
        if tries >= MOST_TRIES:
            attachment_unscanned(attachment_id=pk, at=at)
        else:
            # Marked as tried, so that the next look leaves it alone while its task waits.
            Attachment.objects.filter(pk=pk, state=State.WAITING).update(scan_tried_at=at)
            scan_ask(pk)
    return len(found)


def scan_ask(attachment_id: int) -> None:
    """Let the cluster scan it once what is written now is committed."""
    transaction.on_commit(partial(async_task, "incidents.scanning.attachment_scan", attachment_id))


def attachment_unscanned(*, attachment_id: int, at: datetime) -> Attachment:
    """No scanner would say what it is: it is given to nobody, and whoever sees its name sees why. Does nothing twice."""
    with transaction.atomic():
        row = Attachment.objects.get(pk=attachment_id)
        if row.state != State.WAITING or row.removed_at is not None:
            return row
        if row.incident_id is None:
            _give_up(row, at=at)
            return row
        with working(row.incident_id, actor=None, at=at, source="scan") as work:
            row.refresh_from_db()
            if row.state == State.WAITING and row.removed_at is None:
                _give_up(row, at=at)
                work.changes.timeline(work.incident, "attachment.unscanned", name=row.name, public=row.public)
                attachment_enter(work.changes, work.incident, "attachment.unscanned", row, tries=row.scan_tries)
    return row


def _give_up(row: Attachment, *, at: datetime) -> None:
    row.state, row.reason = State.FAILED, NO_ANSWER
    attachment_save(row, by=None, at=at)


def attachment_rescan(*, attachment_id: int, actor: User, at: datetime, source: str = "web") -> Attachment:
    """Let the scanner look at a file that was given up. Whoever attached it may ask, and so may the responders of its incident.

    Raises NotAllowed, and Conflict where it does not stand so (any more).
    """
    with transaction.atomic():
        row = Attachment.objects.select_related("incident", "draft").get(pk=attachment_id)
        if not may_remove_attachment(actor, row):
            raise NotAllowed(
                _("Only whoever attached it and the responders of its incident may let it be checked again.")
            )
        if row.incident is None:
            _again(row, by=actor, at=at)
            return row
        with working(row.incident.pk, actor=actor, at=at, source=source) as work:
            row.refresh_from_db()
            _again(row, by=actor, at=at)
            attachment_enter(work.changes, work.incident, "attachment.rescan", row)
    return row


def _again(row: Attachment, *, by: User, at: datetime) -> None:
    if row.state != State.FAILED or row.removed_at is not None:
        raise Conflict(_("It is not waiting for another check."))
    row.state, row.reason, row.scan_tries, row.scan_tried_at = State.WAITING, "", 0, at
    attachment_save(row, by=by, at=at)
    scan_ask(row.pk)
