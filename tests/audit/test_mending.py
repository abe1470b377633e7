"""Tiles that were lost or changed are written anew from what still leads to the signed roots, and from nothing else."""

from pathlib import Path

import pytest
from django.conf import LazySettings

from audit.leaves import ENTRIES
from audit.mending import tiles_mend
from audit.models import LedgerEntry, LedgerTile
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from tests.audit.tampering import tamper
from tests.audit.writing import MARTA, MINUTE, NOON, write

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def test_when_a_tile_above_the_leaves_was_changed_then_it_is_what_it_was_and_sealing_goes_on() -> None:
    write(300)
    ledger_seal(at=NOON)
    tile = LedgerTile.objects.get(level=1, index=0)
    LedgerTile.objects.filter(pk=tile.pk).update(hashes=bytes(32))
    write(1)
    with pytest.raises(LookupError, match="ledger_mend"):
        ledger_seal(at=NOON + MINUTE)

    assert tiles_mend(actor=MARTA, at=NOON + MINUTE) == 1
    assert bytes(LedgerTile.objects.get(level=1, index=0).hashes) == bytes(tile.hashes)
    assert LedgerEntry.objects.get(action="ledger.mend").data == {"tiles": ["1/0"], "count": 1}
    assert ledger_seal(at=NOON + MINUTE) == 2, "the row that waited, and the entry that says what was written"
    assert ledger_verify().whole
    assert tiles_mend(actor=MARTA, at=NOON + MINUTE) == 0


@pytest.mark.parametrize("harm", ["gone", "cut", "zeroed"])
def test_when_leaves_are_lost_then_they_are_made_again_from_the_rows_and_each_tile_is_what_it_was(harm: str) -> None:
    write(300)
    ledger_seal(at=NOON)
    write(300)
    ledger_seal(at=NOON + MINUTE)
    before = stored()
    lost = LedgerTile.objects.filter(level=0, index=1)
    if harm == "gone":
        lost.delete()
    else:
        lost.update(hashes=bytes(lost.get().hashes)[:320] if harm == "cut" else bytes(32 * 256))

    assert tiles_mend(actor=MARTA, at=NOON + MINUTE) == 1
    assert stored() == before
    ledger_seal(at=NOON + 2 * MINUTE)
    assert ledger_verify().whole


def test_when_neither_rows_nor_leaves_lead_to_a_root_then_no_tile_is_written() -> None:
    number = write(300)[7]
    ledger_seal(at=NOON)
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", number)  # noqa: S608  own names, values are parameters
    LedgerTile.objects.update(hashes=bytes(32))

    with pytest.raises(LookupError, match="neither rows nor tiles"):
        tiles_mend(actor=MARTA, at=NOON + MINUTE)
    assert {bytes(tile.hashes) for tile in LedgerTile.objects.all()} == {bytes(32)}


def test_when_a_root_and_its_tiles_are_forged_then_mending_makes_nothing_fit_what_was_not_signed() -> None:
    write(3)
    ledger_seal(at=NOON)
    tamper("audit_ledgerseal", "UPDATE audit_ledgerseal SET root = %s", bytes(32))

    with pytest.raises(LookupError, match="its signed note says another"):
        tiles_mend(actor=MARTA, at=NOON + MINUTE)


def stored() -> dict[tuple[int, int], bytes]:
    return {(tile.level, tile.index): bytes(tile.hashes) for tile in LedgerTile.objects.all()}
