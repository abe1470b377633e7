"""A pack is evidence that somebody checks who has nothing else: it is asked for, made, taken away, proved, and tampered with."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.test import Client

from audit import keys, watchbell_verify
from audit.leaves import instant
from audit.models import LedgerEntry
from audit.proofs.notes import note_read, note_signed_by
from escalation_site.kernel.errors import DomainError
from incidents.models import Page
from incidents.services.attachments import attachment_add
from incidents.services.helping import Help, responder_add
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.services.talk import decision_record
from reports.audit.packs import KEPT, STALE, pack_ask, pack_make, packs_tend
from reports.models import AuditPack
from tests.world.harness import World

LOG = b"Out of memory"


@pytest.fixture
def night(world: World, settings: LazySettings, tmp_path: Path) -> World:
    """An alert pages Marta, who takes it, attaches a log, tells Jonas, decides and resolves it."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(minutes=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    upload = ContentFile(LOG, name="=boot.log")
    by_marta: dict[str, Any] = {"incident_id": world.incident.pk, "actor": world.cast.marta, "at": world.now}
    attachment_add(upload=upload, **by_marta)
    responder_add(wanted=Help("Know this gateway?", user=world.cast.jonas, page=False), **by_marta)
    decision_record(text="Fail over to Milan", **by_marta)
    incident_resolve(resolution="Failed over.", **by_marta)
    return world


def made(world: World, **about: Any) -> AuditPack:
    pack = pack_ask(actor=world.cast.amara, at=world.now, **about)
    assert pack_make(pack_id=pack.pk, at=world.now) == "ready"
    pack.refresh_from_db()
    return pack


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


@pytest.mark.requirement("R299", "R300", "R301", "R302", "R311")
def test_when_a_pack_of_an_incident_is_made_then_it_tells_and_proves_what_happened(
    night: World, tmp_path: Path
) -> None:
    pack = made(night, incident=night.incident)
    target = tmp_path / "pack.zip"
    target.write_bytes(pack.file.open("rb").read())
    assert (pack.sha256, pack.size) == (hashlib.sha256(target.read_bytes()).hexdigest(), target.stat().st_size)
    with zipfile.ZipFile(target) as archive:
        archive.extract("watchbell_verify.py", tmp_path)
        paged, answered = table(archive, "paged.csv"), table(archive, "acknowledgements.csv")
        assert [(row["person"], row["level"], row["outcome"]) for row in paged] == [("Marta Ferri", "1", "delivered")]
        assert [(row["actor"], row["action"]) for row in answered] == [("Marta Ferri", "incident.acknowledge")]
        assert answered[0]["at"].startswith("2026-11-22T02:11:00")
        steps = {row["action"] for row in table(archive, "automated-steps.csv")}
        assert {"alert.receive", "escalation.enter_level", "page.create"} <= steps
        assert all(row["actor_kind"] != "user" for row in table(archive, "automated-steps.csv"))
        assert [(row["actor"], json.loads(row["after"])["text"]) for row in table(archive, "decisions.csv")] == [
            ("Marta Ferri", "Fail over to Milan")
        ]
        told = [(row["actor"], row["action"]) for row in table(archive, "notices.csv")]
        assert ("Marta Ferri", "incident.tell") in told
        closing = [(row["actor"], row["action"]) for row in table(archive, "resolutions.csv")]
        assert closing == [("Marta Ferri", "incident.resolve")]
        done = {row["action"] for row in table(archive, "actions.csv")}
        assert {"incident.acknowledge", "attachment.add", "incident.decide", "incident.resolve"} <= done
        assert {row["actor_kind"] for row in table(archive, "actions.csv")} == {"user"}
        (file,) = table(archive, "attachments.csv")
        assert (file["name"], file["sha256"]) == ("'=boot.log", hashlib.sha256(LOG).hexdigest()), "no formula runs"
        entries = json.loads(archive.read("entries.json"))
        assert {entry["subject"] for entry in entries} == {night.incident.subject}
        assert len(entries) == LedgerEntry.objects.filter(subject=night.incident.subject).count()
        report = archive.read("report.html").decode()
        assert "Marta Ferri" in report
        assert "Who was paged (1)" in report
        assert archive.read("report.pdf").startswith(b"%PDF-")
    ended = subprocess.run(
        [sys.executable, "-I", "watchbell_verify.py", target.name, "--key", keys.verifiers()[0].encoded()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith(f"PROVED: {len(entries)} entries of "), ended.stdout + ended.stderr
    assert "files of the pack" in ended.stdout
    actions = LedgerEntry.objects.filter(object_type="pack").order_by("pk").values_list("action", "actor_label")
    assert list(actions) == [("pack.ask", "Amara Okafor"), ("pack.make", "audit-pack")]


@pytest.mark.requirement("R299", "R300")
def test_when_somebody_with_the_database_in_hand_changes_pages_then_a_pack_tells_what_the_ledger_does(
    night: World,
) -> None:
    """Pages are rows like any other; what is sealed is the ledger."""
    jonas = night.cast.jonas
    Page.objects.update(recipient=jonas, state="failed", state_reason="forged", answered_at=None, level=2)
    with zipfile.ZipFile(made(night, incident=night.incident).file.open("rb")) as archive:
        (row,) = table(archive, "paged.csv")
        assert (row["person"], row["level"], row["outcome"], row["reason"]) == ("Marta Ferri", "1", "delivered", "")
        assert row["ways"].startswith("email Delivered")
        entry = LedgerEntry.objects.get(action="page.create")
        answered = LedgerEntry.objects.get(action="incident.acknowledge")
        assert row["entry"] == str(entry.pk)
        assert row["answered_at"] == instant(answered.at)
        told = [json.loads(line)["entry"] for line in archive.read("entries.jsonl").splitlines()]
        assert entry.pk in told, "and its proof is in the pack"


@pytest.mark.requirement("R311")
def test_when_a_file_of_a_pack_is_changed_added_or_taken_out_then_the_verifier_names_it(
    night: World, tmp_path: Path
) -> None:
    pack = made(night, since=night.now - timedelta(days=1), until=night.now + timedelta(days=1))
    whole = pack.file.open("rb").read()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    listed = note_read(contents["signed-manifest.txt"].decode())
    assert note_signed_by(listed, keys.verifiers())
    named = {line.split("  ")[1] for line in listed.text.splitlines()[4:]}
    assert named == set(contents) - {"signed-manifest.txt"}
    forgeries = {
        "paged.csv": {**contents, "paged.csv": contents["paged.csv"].replace(b"Marta", b"Jonas")},
        "more.txt": {**contents, "more.txt": b"and this"},
        "report.pdf": {name: body for name, body in contents.items() if name != "report.pdf"},
    }
    unsigned = {name: body for name, body in contents.items() if name != "signed-manifest.txt"}
    forgeries["acknowledgements.csv"] = {**unsigned, "acknowledgements.csv": b"nobody"}
    for name, forged in forgeries.items():
        target = tmp_path / "forged.zip"
        with zipfile.ZipFile(target, "w") as archive:
            for one, body in forged.items():
                archive.writestr(one, body)
        with pytest.raises(watchbell_verify.NotProved, match=name):
            watchbell_verify.check(str(target))


def test_when_a_pack_is_taken_away_then_that_is_on_record_and_after_its_time_it_is_gone(
    night: World, client: Client
) -> None:
    client.force_login(night.cast.amara)
    answer = client.post("/audit/packs/", {"about": "incident", "incident": night.incident.reference})
    pack = AuditPack.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/audit/packs/{pack.pk}/")
    assert "Waiting" in client.get(f"/audit/packs/{pack.pk}/").content.decode()
    assert client.post(f"/audit/packs/{pack.pk}/file/").status_code == 404
    pack_make(pack_id=pack.pk, at=night.now)
    assert pack_make(pack_id=pack.pk, at=night.now) == "", "made once"
    sent: Any = client.post(f"/audit/packs/{pack.pk}/file/")
    assert zipfile.is_zipfile(io.BytesIO(b"".join(sent.streaming_content)))
    newest = LedgerEntry.objects.order_by("-pk")[0]
    assert (newest.action, newest.actor_label) == ("pack.download", "Amara Okafor")
    name = AuditPack.objects.get().file.name
    night.jump(days=KEPT.days)
    assert packs_tend(at=night.now)["expired"] == 1
    assert (AuditPack.objects.get().state, AuditPack.objects.get().file.name) == ("gone", "")
    assert name


def test_when_a_task_was_lost_then_the_pack_is_asked_for_again(night: World) -> None:
    pack = pack_ask(actor=night.cast.amara, at=night.now, incident=night.incident)
    AuditPack.objects.update(state="making", begun_at=night.now)
    assert packs_tend(at=night.now + STALE / 2)["asked again"] == 0
    assert packs_tend(at=night.now + STALE * 2)["asked again"] == 1
    assert pack_make(pack_id=pack.pk, at=night.now + STALE * 2) == "ready"


def test_when_a_period_is_none_or_too_many_packs_are_under_way_then_it_is_refused(night: World) -> None:
    amara, at = night.cast.amara, night.now
    with pytest.raises(DomainError, match="The end must come after the start"):
        pack_ask(actor=amara, at=at, since=at, until=at)
    for _number in range(3):
        pack_ask(actor=amara, at=at, incident=night.incident)
    with pytest.raises(DomainError, match="Wait until the packs"):
        pack_ask(actor=amara, at=at, incident=night.incident)
