"""Asking the scanner an installation names (ATTACHMENT_SCANNER) about one attachment; run by django-q2."""

import shlex
import subprocess

from django.conf import settings

from escalation_site.kernel.instants import now
from incidents.models import Attachment
from incidents.services.attachments import attachment_scanned
from incidents.services.scans import scan_begun

CLEAN, REFUSED = 0, 1
"""What the command ends with; anything else is no answer, and it is asked again."""
MOST_SECONDS = 100


class ScanFailed(RuntimeError):
    """The scanner gave no answer; the task fails, is shown among the failed ones, and comes again (services/scans.py)."""


def attachment_scan(attachment_id: int) -> str:
    """Let the scanner look at a file that waits for it; returns its state. One that was looked at already is left alone."""
    row = Attachment.objects.filter(pk=attachment_id, state=Attachment.State.WAITING, removed_at=None).first()
    if row is None:
        return ""
    scan_begun(attachment_id=row.pk, at=now())
    code, said = scanner_ask(row.file.path) if settings.ATTACHMENT_SCANNER else (CLEAN, "")
    if code not in (CLEAN, REFUSED):
        raise ScanFailed(f"the scanner ended with {code}: {said[:500]}")
    return attachment_scanned(attachment_id=row.pk, clean=code == CLEAN, reason=said, at=now()).state


def scanner_ask(path: str) -> tuple[int, str]:
    """How the command ended and the first line it said about the file, which it is not told the name of."""
    # The operator's own command, without a shell; the path is made of a digest.
    ran = subprocess.run(  # noqa: S603  our own program and arguments
        [*shlex.split(settings.ATTACHMENT_SCANNER), path],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    first = next(iter((ran.stdout or ran.stderr).strip().splitlines()), "")
    return ran.returncode, first.replace(path, "").strip(" :")
