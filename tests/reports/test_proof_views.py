"""The ledger's proof in the browser, and what anybody may keep of it."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from audit import keys, watchbell_verify
from audit.models import LedgerEntry
from audit.proofs.notes import checkpoint_read, note_read, note_signed_by, verifier_read
from audit.sealing import ledger_seal
from tests.world.harness import World


@pytest.fixture
def sealed(world: World, settings: LazySettings, tmp_path: Path) -> World:
    """An incident's night is sealed; one more entry waits."""
    settings.DATA_DIR = tmp_path
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    ledger_seal(at=world.now)
    return world


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


@pytest.mark.requirement("R261")
def test_the_browser_shows_what_is_sealed_and_proves_it(sealed: World, client: Client, tmp_path: Path) -> None:
    client.force_login(sealed.cast.amara)
    page = client.get("/audit/").content.decode()
    assert "Sealed" in page
    assert "leads from it to the root" in page or "lead from it to the root" in page
    entry = LedgerEntry.objects.order_by("pk")[0]
    proof = client.get(f"/audit/{entry.pk}/proof.json").json()
    leaf = watchbell_verify.leaf_of(proof)
    _origin, size, root = watchbell_verify.checkpoint(proof["checkpoint"])
    steps = [bytes.fromhex(step) for step in proof["proof"]]
    assert watchbell_verify.root_from(leaf, proof["index"], size, steps) == root
    before = LedgerEntry.objects.count()
    answer = client.post("/audit/bundle/?subject=incident:" + str(sealed.incident.pk))
    target = tmp_path / "bundle.zip"
    target.write_bytes(body(answer))
    assert watchbell_verify.check(str(target)).startswith("PROVED")
    assert "watchbell_verify.py" in zipfile.ZipFile(BytesIO(target.read_bytes())).namelist()
    noted = LedgerEntry.objects.order_by("-pk")[0]
    assert (LedgerEntry.objects.count(), noted.action, noted.actor_label) == (
        before + 1,
        "ledger.export",
        sealed.cast.amara.name,
    )
    assert client.get(f"/audit/{noted.pk}/proof.json").status_code == 404, "it waits for its seal"
    assert "Next seal" in client.get("/audit/").content.decode()


def test_anybody_may_keep_the_checkpoint_and_the_keys_and_nothing_else(sealed: World, client: Client) -> None:
    note = note_read(client.get("/audit/checkpoint").content.decode())
    (public,) = client.get("/audit/keys").content.decode().split()
    assert note_signed_by(note, [verifier_read(public)])
    assert checkpoint_read(note.text).origin == keys.origin()
    entry = LedgerEntry.objects.order_by("pk")[0]
    for address in (f"/audit/{entry.pk}/proof.json", "/audit/"):
        assert client.get(address).status_code in (302, 403)
    client.force_login(sealed.cast.elena)
    assert client.post("/audit/bundle/").status_code == 403


def test_before_the_first_seal_there_is_nothing_to_keep(world: World, client: Client) -> None:
    assert client.get("/audit/checkpoint").status_code == 404
