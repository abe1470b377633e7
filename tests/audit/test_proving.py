"""The proof of one entry is asked for in two statements of text; it is the very one that the models give for many."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from django.conf import LazySettings
from pytest_django import DjangoAssertNumQueries

from audit.forgetting import subject_forget
from audit.leaves import ENTRIES
from audit.models import LedgerEntry, LedgerHorizon
from audit.proofs.merkle import inclusion_root
from audit.proofs.notes import checkpoint_read, note_read
from audit.proving import EntryProof, entries_proved, entry_proof, newest_seal
from audit.sealing import ledger_seal
from audit.services import EntryValue, entries_append
from audit.tiles import Tiles
from audit.values import Actor
from tests.audit.tampering import tamper
from tests.audit.writing import MARTA, MINUTE, NOON, write

ADMIN = Actor("user", "1", "Ada Admin")

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def among_many(numbers: Sequence[int]) -> list[EntryProof]:
    newest = newest_seal()
    assert newest is not None
    return list(entries_proved(numbers, tiles=Tiles(), newest=newest))


def assert_leads_to_the_root(proof: EntryProof) -> None:
    checkpoint = checkpoint_read(note_read(proof.note).text)
    assert checkpoint.size == proof.size
    assert inclusion_root(proof.leaf, proof.index, proof.size, proof.steps) == checkpoint.root


def test_an_entry_is_proved_alike_alone_and_among_many() -> None:
    comments = write(300)
    entries_append([EntryValue(at=NOON, action="user.change", object_type="user", object_id="7", actor=MARTA)])
    plain = LedgerEntry.objects.get(action="user.change").pk
    ledger_seal(at=NOON)
    later = write(2, subject="incident:43", at=NOON + MINUTE)
    ledger_seal(at=NOON + MINUTE)
    asked = [comments[0], comments[255], comments[-1], plain, later[1]]
    alone = [entry_proof(number) for number in asked]
    assert alone == among_many(asked)
    for proof in alone:
        assert proof is not None
        assert_leads_to_the_root(proof)


def test_the_way_that_is_drawn_is_the_one_that_the_proof_goes() -> None:
    numbers = write(5)
    ledger_seal(at=NOON)
    tiles, places = Tiles(), set()
    for number in numbers:
        proof = entry_proof(number)
        assert proof is not None
        assert proof.holds
        assert proof.top == proof.steps[-1]
        places.add(proof.is_right)
        if proof.index ^ 1 < proof.size:
            assert proof.parent == tiles.node(1, proof.index // 2)
        else:
            assert proof.is_right, "the last of an odd number joins what stands to its left"
    assert places == {True, False}


def test_the_proof_of_an_entry_takes_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    numbers = write(300)
    ledger_seal(at=NOON)
    with django_assert_num_queries(2):
        assert entry_proof(numbers[100]) is not None


def test_when_its_subject_was_forgotten_then_an_entry_is_proved_without_telling_what_it_says() -> None:
    numbers = write(3)
    ledger_seal(at=NOON)
    subject_forget(subject="incident:42", actor=ADMIN, at=NOON + MINUTE, reason="retention")
    # A new salt for the same subject says nothing about what was sealed under the old one.
    write(1, at=NOON + MINUTE)
    ledger_seal(at=NOON + 2 * MINUTE)
    proof = entry_proof(numbers[1])
    assert proof is not None
    assert_leads_to_the_root(proof)
    assert proof.parts["what"].content is None
    assert "Marta Keller" in str(proof.parts["who"].content)
    assert [proof] == among_many([numbers[1]])


def test_when_there_is_no_such_entry_or_no_seal_then_there_is_no_proof() -> None:
    (number,) = write(1)
    assert entry_proof(number) is None
    ledger_seal(at=NOON)
    assert entry_proof(number + 1) is None


@pytest.mark.postgres
def test_when_an_entry_filled_a_gap_then_the_later_seal_proves_it() -> None:
    """A transaction took a number, and committed after a higher one was sealed."""
    first, late, last = write(3)
    row = LedgerEntry.objects.filter(pk=late).values().get()
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", late)  # noqa: S608  own names, values are parameters
    ledger_seal(at=NOON)
    LedgerEntry.objects.create(**row)
    later = write(2, at=NOON + MINUTE)
    ledger_seal(at=NOON + MINUTE)
    assert LedgerHorizon.objects.get(table=ENTRIES).upto == later[-1]
    alone = [entry_proof(number) for number in (first, late, last)]
    assert [proof and proof.sealed_at for proof in alone] == [NOON, NOON + MINUTE, NOON]
    assert alone == among_many([first, late, last])
    assert_leads_to_the_root(alone[1])  # type: ignore[arg-type]
