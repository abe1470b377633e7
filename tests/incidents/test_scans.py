"""A scanner that gives no answer: asked again some times, then its file is shown as not checked, and somebody may ask anew."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django_q.models import OrmQ

from audit.models import LedgerEntry
from incidents.models import Attachment
from incidents.scanning import ScanFailed, attachment_scan
from incidents.services.attachments import attachment_add
from incidents.services.scans import MOST_TRIES, PATIENCE, scans_retry
from tests.incidents.views.conftest import browser_of, file_incident, night
from tests.world.harness import World

__all__ = ["browser_of", "file_incident", "night"]


@pytest.mark.requirement("R119")
def test_when_a_scanner_stays_silent_then_it_is_asked_some_times_and_the_file_is_shown_as_not_checked(
    night: World,
    browser_of: Callable[[str], Client],
    file_incident: Any,
    settings: Any,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.MEDIA_ROOT, settings.ATTACHMENT_SCANNER = tmp_path, "false-scanner"
    incident = file_incident()
    night.expect_page("marta")
    row = attachment_add(
        incident_id=incident.pk, upload=ContentFile(b"boot", name="boot.log"), actor=night.cast.jonas, at=night.now
    )
    assert scans_retry(at=night.now) == 0
    for _try in range(MOST_TRIES):
        # Whatever became of its task: the row says that nobody answered.
        settings.ATTACHMENT_SCANNER = "sh -c 'exit 2'"
        with pytest.raises(ScanFailed):
            attachment_scan(row.pk)
        row.refresh_from_db()
        tried_at = row.scan_tried_at
        assert tried_at is not None
        assert (row.state, scans_retry(at=tried_at + timedelta(minutes=1))) == ("waiting", 0)
        night.jump(minutes=PATIENCE / timedelta(minutes=1))
        before = OrmQ.objects.count()
        with django_capture_on_commit_callbacks(execute=True):
            assert scans_retry(at=night.now) == 1
        row.refresh_from_db()
        assert OrmQ.objects.count() - before == (1 if row.state == "waiting" else 0)

    assert (row.state, row.scan_tries) == ("failed", MOST_TRIES)
    assert incident.timeline.filter(kind="attachment.unscanned").count() == 1
    marta, nils = browser_of("marta"), browser_of("nils")
    listed = marta.get(f"/incidents/{incident.pk}/files/").content.decode()
    assert ("the scanner gives no answer" in listed, f"/incidents/attachments/{row.pk}/scan/" in listed) == (True, True)
    assert marta.get(f"/incidents/attachments/{row.pk}/").status_code == 409
    assert nils.get(f"/incidents/attachments/{row.pk}/").status_code == 409

    with django_capture_on_commit_callbacks(execute=True):
        assert marta.post(f"/incidents/attachments/{row.pk}/scan/").status_code == 303

    assert LedgerEntry.objects.filter(action="attachment.rescan").count() == 1
    settings.ATTACHMENT_SCANNER = "true"
    assert attachment_scan(row.pk) == "clean"
    assert Attachment.objects.get(pk=row.pk).reason == ""
    assert marta.post(f"/incidents/attachments/{row.pk}/scan/").status_code == 303  # nothing waits: said on the page
    assert LedgerEntry.objects.filter(action="attachment.rescan").count() == 1
