"""Files on incidents: what may be attached, who gets it, what a scanner refuses, and that what is removed is gone."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents import files
from incidents.models import Attachment, Incident
from incidents.scanning import ScanFailed, attachment_scan
from incidents.services.attachments import attachment_add, attachment_remove
from tests.incidents.views.conftest import browser_of, file_incident, night
from tests.world.harness import World

__all__ = ["browser_of", "file_incident", "night"]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
LOG = b"02:09:11 carrier answered 503\n"
Browser = Callable[[str], Client]


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def attach(night: World, incident: Incident, content: bytes = LOG, name: str = "boot.log", **more: Any) -> Attachment:
    given: dict[str, Any] = {"actor": night.cast.jonas, "at": night.now, **more}
    return attachment_add(incident_id=incident.pk, upload=ContentFile(content, name=name), **given)


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- what a file is (pure)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7\n", "application/pdf"),
        (LOG, "text/plain"),
        (b"BMW has no brakes\n", "text/plain"),
        (b"<html><script>alert(1)</script>", "text/plain"),
        ("caffè è freddo".encode("latin-1"), "text/plain"),
        ("Größe".encode("utf-16"), "text/plain"),
        (b"", "text/plain"),
        (b"MZ\x90\x00" + b"\x00" * 60, "application/x-msdownload"),
        (b"MZ\x90\x00\x00", "application/x-msdownload"),
        (bytes(range(256)), ""),
        (("é" * files.HEAD).encode()[: files.HEAD - 1], "text/plain"),
    ],
)
def test_when_a_file_comes_then_its_bytes_say_what_it_is(head: bytes, kind: str) -> None:
    assert files.type_of(head) == kind
    assert (kind in files.ALLOWED) == (kind not in ("", "application/x-msdownload"))


@given(st.text(max_size=400))
def test_when_a_name_comes_then_what_is_kept_is_safe_to_write(said: str) -> None:
    name = files.name_of(said)
    assert 0 < len(name) <= files.MAX_NAME
    assert not set(name) & {"/", "\\", "\x00", "\n", "\r", "\u202e"}
    assert name not in (".", "..")


# --- attaching


@pytest.mark.requirement("R119")
def test_when_a_log_and_a_screenshot_are_attached_then_they_are_listed_checked_and_given_to_nobody_else(
    night: World, browser_of: Browser, file_incident: Any, files_of_this_test: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    log, shot = attach(night, incident), attach(night, incident, PNG, "../till.png", public=True)
    assert (log.content_type, log.size, log.state, shot.name) == ("text/plain", len(LOG), "clean", "till.png")
    assert len(stored(files_of_this_test)) == 2
    assert set(LedgerEntry.objects.filter(action="attachment.add").values_list("object_label", flat=True)) == {
        "boot.log",
        "till.png",
    }
    assert incident.timeline.filter(kind="attachment.add").count() == 2
    # Refused: too large, of no kind that is allowed, more than fits; nothing of them stays.
    monkeypatch.setattr("incidents.services.attachments.MAX_SIZE", 100)
    monkeypatch.setattr("incidents.services.attachments.MAX_TOTAL", 150)
    for content in (b"x" * 101, b"MZ\x90\x00" + b"\x00" * 60, b"x" * 90):
        with pytest.raises(DomainError) as refused:
            attach(night, incident, content)
        assert refused.value.field == "files"
    assert len(stored(files_of_this_test)) == 2
    # Given out as a download that runs nothing; a picture may be shown.
    address = f"/incidents/attachments/{log.pk}/"
    answer = browser_of("marta").get(address)
    assert answer.content == LOG
    assert answer.headers["Content-Disposition"] == 'attachment; filename="boot.log"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert browser_of("marta").get(f"{address}?show=1").headers["Content-Disposition"].startswith("attachment")
    shown = browser_of("sofie").get(f"/incidents/attachments/{shot.pk}/?show=1")
    assert shown.headers["Content-Disposition"].startswith("inline")
    # The requester has what is public only.
    assert browser_of("sofie").get(address).status_code == 404
    listed = browser_of("sofie").get(f"/incidents/{incident.pk}/files/").content.decode()
    assert ("till.png" in listed, "boot.log" in listed) == (True, False)
    # A restricted incident's are for its own people.
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    assert browser_of("nils").get(address).status_code == 404
    assert browser_of("amara").get(address).status_code == 200
    assert night.client.get(address).status_code == 302
    with pytest.raises(NotAllowed):
        attach(night, incident, actor=night.cast.nils)
    with pytest.raises(NotAllowed):
        attach(night, incident, actor=night.cast.amara)


def test_when_an_attachment_is_removed_then_the_row_stays_and_the_bytes_go(
    night: World, file_incident: Any, files_of_this_test: Path, django_capture_on_commit_callbacks: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    kept, gone = attach(night, incident), attach(night, incident)
    with pytest.raises(NotAllowed):
        attachment_remove(attachment_id=gone.pk, actor=night.cast.sofie, at=night.now)
    for _twice in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            attachment_remove(attachment_id=gone.pk, actor=night.cast.marta, at=night.now)
    gone.refresh_from_db()
    assert gone.removed_at == night.now
    assert [path.as_posix() for path in stored(files_of_this_test)] == [kept.file.path]
    assert LedgerEntry.objects.filter(action="attachment.remove").count() == 1


def test_when_the_scanner_refuses_a_file_then_nobody_gets_it(
    night: World,
    browser_of: Browser,
    file_incident: Any,
    files_of_this_test: Path,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    settings.ATTACHMENT_SCANNER = "true"
    good, bad = attach(night, incident), attach(night, incident, b"EICAR")
    address = f"/incidents/attachments/{bad.pk}/"
    assert browser_of("marta").get(address).status_code == 409
    assert attachment_scan(good.pk) == "clean"
    script = files_of_this_test / "scan.py"
    script.write_text(
        "import sys\nprint(sys.argv[1] + ': Eicar FOUND')\nsys.exit(int(open(sys.argv[1]).read() == 'EICAR'))"
    )
    settings.ATTACHMENT_SCANNER = f"{sys.executable} {script} "
    with django_capture_on_commit_callbacks(execute=True):
        assert attachment_scan(bad.pk) == "refused"
    bad.refresh_from_db()
    assert bad.reason == "Eicar FOUND"
    assert not Path(bad.file.path).exists()
    assert browser_of("marta").get(address).status_code == 404
    assert incident.timeline.filter(kind="attachment.refuse").count() == 1
    assert (LedgerEntry.objects.get(action="attachment.refuse").data or {})["reason"] == "Eicar FOUND"
    # Asked again it does nothing; a scanner that fails is asked again.
    assert attachment_scan(bad.pk) == ""
    settings.ATTACHMENT_SCANNER = f'{sys.executable} -c "raise SystemExit(2)"'
    waiting = attach(night, incident)
    with pytest.raises(ScanFailed):
        attachment_scan(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == "waiting"
