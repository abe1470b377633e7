"""Whatever somebody with the database in hand does to what was sealed, with every trigger off, is found, and found where it is.

`LEDGER_EXAMPLES=5000` looks longer.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import models, transaction
from django.db.models import Max
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audit import keys
from audit.checking import ledger_check
from audit.findings import ADDED, CHANGED, GONE, KEPT, SALT, SEAL
from audit.forgetting import subject_forget
from audit.leaves import ENTRIES, tables
from audit.models import LedgerDigest, LedgerEntry, LedgerHorizon, LedgerKey, LedgerSalt, LedgerSeal, LedgerTile
from audit.proofs.merkle import Frontier, leaf_hash
from audit.proofs.notes import checkpoint_read, note_read, note_sign, signer_make
from audit.sealing import ledger_seal
from audit.values import Actor
from audit.verifying import Verdict, ledger_verify
from incidents.models import Stage
from tests.audit.tampering import triggers_off
from tests.audit.writing import MARTA, MINUTE, NOON, write

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "30"))
HISTORY = "incidents_historicalstage"
_many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    # An example is a tampered database: the first one that fails says enough, and shrinking it takes minutes.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def sealed() -> None:
    """Entries and rows of histories over several seals, and one subject that was forgotten."""
    write(20)
    for _version in range(3):
        Stage.objects.get(key="new").save()
    ledger_seal(at=NOON)
    write(30, subject="incident:43", actor=Actor("user", "8", "Jonas Weiss"))
    ledger_seal(at=NOON + MINUTE)
    subject_forget(subject="incident:43", actor=MARTA, at=NOON + 2 * MINUTE, reason="asked for")
    write(10, subject="incident:43")
    ledger_seal(at=NOON + 3 * MINUTE)
    assert ledger_verify().whole


def model_of(table: str) -> type[models.Model]:
    return tables()[table].model


def rows_of(table: str) -> list[int]:
    key = tables()[table].key
    return list(model_of(table)._base_manager.order_by(key).values_list(key, flat=True))


def other_than(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """Another value of the same type: one bit, letter, member or second beside it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << draw(st.integers(0, 12)))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=draw(st.integers(1, 10**9)))
    if isinstance(value, dict):
        return {**value, "forged": draw(st.integers(0, 9))}
    if isinstance(value, str) and value:
        at = draw(st.integers(0, len(value) - 1))
        return value[:at] + chr(ord("a") + (ord(value[at]) + draw(st.integers(1, 25))) % 26) + value[at + 1 :]
    return "x" if value == "" else None


def flipped(draw: Any) -> set[tuple[str, str, int]] | None:
    """One column of one row."""
    table = draw(st.sampled_from([ENTRIES, HISTORY]))
    number = draw(st.sampled_from(rows_of(table)))
    fields = [one for one in model_of(table)._meta.concrete_fields if not one.primary_key]
    field = draw(st.sampled_from(fields))
    found = model_of(table)._base_manager.filter(pk=number)
    before = found.values_list(field.attname, flat=True).get()
    after = other_than(before, draw)
    if after is None or after == before or (isinstance(before, str) and len(before) > 100):
        return None
    if field.attname == "action_id":
        after = before.__class__(int=before.int ^ (1 << draw(st.integers(0, 127))))
    if _hidden(table, number, field.attname):
        return None
    found.update(**{field.attname: after})
    return {(CHANGED, table, number)}


def _hidden(table: str, number: int, column: str) -> bool:
    """Whether it is of a part whose salt is destroyed: what it said, nobody can show any more."""
    part = "who" if column in ("actor_id", "actor_label", "address") else "what"
    open_now = ("at", "action_id", "action", "actor_kind", "object_type", "source")
    return column not in open_now and LedgerDigest.objects.filter(table=table, row=number, part=part).exists()


def deleted(draw: Any) -> set[tuple[str, str, int]]:
    table = draw(st.sampled_from([ENTRIES, HISTORY]))
    number = draw(st.sampled_from(plain_rows(table)))
    model_of(table)._base_manager.filter(pk=number)._raw_delete("default")
    return {(GONE, table, number)}


def plain_rows(table: str) -> list[int]:
    """Without what the ledger says of itself: taking that away has more consequences than one."""
    found = model_of(table)._base_manager.order_by("pk")
    found = found.exclude(action__startswith="ledger.") if table == ENTRIES else found
    return list(found.values_list("pk", flat=True))


def swapped(draw: Any) -> set[tuple[str, str, int]]:
    """Two rows change their numbers."""
    numbers = plain_rows(ENTRIES)
    first, second = draw(st.lists(st.sampled_from(numbers), min_size=2, max_size=2, unique=True))
    away = numbers[-1] + 10_000
    for was, becomes in ((first, away), (second, first), (away, second)):
        LedgerEntry.objects.filter(pk=was).update(id=becomes)
    return {(CHANGED, ENTRIES, first), (CHANGED, ENTRIES, second)}


def slipped_in(draw: Any) -> set[tuple[str, str, int]]:
    """A row under a number that no transaction ever had, or below all numbers."""
    number = draw(st.integers(-50, 0))
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                pk=number, at=NOON, action="user.sign_in", actor_kind="user", actor_id="9", actor_label="Ghost",
                object_type="user", object_id="9",
            )
        ]
    )  # fmt: skip
    return {(ADDED, ENTRIES, number)}


def salted(draw: Any) -> set[tuple[str, str, int]]:
    """Another salt: nothing of its subject is what was sealed."""
    LedgerSalt.objects.filter(subject="incident:42").update(salt=draw(st.binary(min_size=32, max_size=32)))
    numbers = LedgerEntry.objects.filter(subject="incident:42").values_list("pk", flat=True)
    return {(CHANGED, ENTRIES, number) for number in numbers}


ROWS = (flipped, deleted, swapped, slipped_in, salted)


def located(verdict: Verdict) -> set[tuple[str, str, int | None]]:
    return {(one.kind, one.table, one.row) for one in verdict.findings}


@_many
@given(data=st.data())
@pytest.mark.requirement("R299", "R035")
def test_when_any_rows_are_tampered_with_then_exactly_those_are_named(sealed: None, data: st.DataObject) -> None:
    found = expected = None
    with suppress(Undone), transaction.atomic():
        with triggers_off(ENTRIES), triggers_off(HISTORY):
            expected = data.draw(st.sampled_from(ROWS))(data.draw)
            found = located(ledger_verify()) if expected is not None else None
        raise Undone
    assert found == expected


class Undone(Exception):
    """What was tampered with is as it was."""


def _root(seal: LedgerSeal) -> None:
    seal.root = bytes([bytes(seal.root)[0] ^ 1, *bytes(seal.root)[1:]])


def _size(seal: LedgerSeal) -> None:
    seal.size += 1


def _note(seal: LedgerSeal) -> None:
    seal.note = seal.note.replace("\n", "\nx", 1)


def _strange(seal: LedgerSeal) -> None:
    stated = checkpoint_read(note_read(seal.note).text)
    seal.note = note_sign(stated.text(), [signer_make(keys.origin())]).encoded()


def _contents(seal: LedgerSeal) -> None:
    seal.contents = [[name, [[first, last] for first, last in ranges[:-1]]] for name, ranges in seal.contents]


def _highest(seal: LedgerSeal) -> None:
    seal.highest = (seal.highest or 0) + 1


def test_when_any_column_of_a_seal_is_changed_then_that_seal_is_named(sealed: None) -> None:
    for change, which in product((_root, _size, _note, _strange, _contents, _highest), (0, -1)):
        seal = list(LedgerSeal.objects.order_by("begins"))[which]
        with suppress(Undone), transaction.atomic():
            with triggers_off("audit_ledgerseal"):
                change(seal)
                seal.save()
            findings = ledger_verify().findings
            raise Undone
        assert seal.begins in {one.leaf for one in findings if one.kind == SEAL}, (change.__name__, which)


def test_when_a_seal_is_deleted_then_its_place_is_named(sealed: None) -> None:
    for which in (0, 1, -1):
        seal = list(LedgerSeal.objects.order_by("begins"))[which]
        with suppress(Undone), transaction.atomic():
            with triggers_off("audit_ledgerseal"):
                LedgerSeal.objects.filter(pk=seal.pk).delete()
            findings = [one for one in ledger_verify().findings if one.kind == SEAL]
            raise Undone
        assert findings[0].leaf in (seal.begins, seal.size), which


def test_when_a_row_and_its_tile_are_forged_together_then_the_seal_tells(sealed: None) -> None:
    """The owner of the database writes a row anew and the hash that it would have: only the signature is beyond him."""
    seal = LedgerSeal.objects.order_by("begins")[1]
    victim = seal.contents[0][1][0][0]
    with triggers_off(ENTRIES):
        LedgerEntry.objects.filter(pk=victim).update(action="incident.resolve")
    (row,) = tables()[ENTRIES].rows(models.Q(pk=victim))
    kept = {(victim, one.part): one.digest for one in LedgerDigest.objects.filter(table=ENTRIES, row=victim)}
    salts = {one.subject: bytes(one.salt) for one in LedgerSalt.objects.all() if one.salt}
    leaf = row.leaf({subject: salt for subject, salt in salts.items() if subject != "incident:43"}, kept)
    assert leaf is not None
    tile = LedgerTile.objects.get(level=0, index=seal.begins // 256)
    at = seal.begins % 256 * 32
    tile.hashes = bytes(tile.hashes)[:at] + leaf + bytes(tile.hashes)[at + 32 :]
    tile.save()
    findings = ledger_verify().findings
    assert {one.kind for one in findings} == {SEAL}
    assert findings[0].leaf == seal.begins


def test_when_salts_are_destroyed_without_a_word_then_it_is_no_hiding_place(sealed: None) -> None:
    salt = LedgerSalt.objects.get(subject="incident:42", destroyed_at=None)
    secret = bytes(salt.salt or b"")
    victims = LedgerEntry.objects.filter(subject="incident:42")
    for row in tables()[ENTRIES].rows(models.Q(subject="incident:42")):
        LedgerDigest.objects.create(table=ENTRIES, row=row.number, part="what", digest=row.digest("what", secret))
    LedgerSalt.objects.filter(pk=salt.pk).update(salt=None, destroyed_at=NOON + 5 * MINUTE)
    with triggers_off(ENTRIES):
        victims.update(after={"note": "nothing happened"})
    assert [(one.kind, one.detail) for one in ledger_verify().findings] == [
        (SALT, "the salt of incident:42 was destroyed, and no entry says so")
    ]


def test_when_the_horizon_is_moved_on_then_what_is_never_sealed_is_named(sealed: None) -> None:
    LedgerHorizon.objects.filter(table=ENTRIES).update(upto=rows_of(ENTRIES)[-1] + 10)
    (fresh,) = write(1)
    ledger_seal(at=NOON + 9 * MINUTE)
    assert located(ledger_verify()) == {(ADDED, ENTRIES, fresh)}


def test_when_the_horizon_is_moved_back_then_what_is_sealed_twice_is_said(sealed: None) -> None:
    LedgerHorizon.objects.filter(table=ENTRIES).update(upto=rows_of(ENTRIES)[-3])
    write(1)
    ledger_seal(at=NOON + 9 * MINUTE)
    assert [(one.kind, one.table) for one in ledger_verify().findings] == [(SEAL, ENTRIES)]


@pytest.mark.requirement("R299")
def test_when_the_whole_log_is_forged_under_a_replaced_key_then_what_was_kept_outside_tells(sealed: None) -> None:
    kept = checkpoint_read(note_read(LedgerSeal.objects.order_by("begins")[1].note).text)
    forger = signer_make(keys.origin())
    with triggers_off(ENTRIES), triggers_off("audit_ledgerseal"):
        LedgerEntry.objects.filter(action="incident.comment").update(actor_label="Nobody")
        LedgerSeal.objects.all().delete()
    for model in (LedgerTile, LedgerHorizon, LedgerSalt, LedgerDigest):
        model._default_manager.all().delete()
    LedgerKey.objects.update(public=forger.verifier.encoded())
    keys.key_file().write_text(forger.encoded() + "\n", encoding="utf-8")
    ledger_seal(at=NOON + 9 * MINUTE)
    assert ledger_verify().whole, "it agrees with itself"
    assert {one.kind for one in ledger_verify(kept=[kept]).findings} == {KEPT}


def test_a_verification_in_slices_finds_what_one_in_a_piece_finds(sealed: None) -> None:
    victim = rows_of(ENTRIES)[3]
    with triggers_off(ENTRIES):
        LedgerEntry.objects.filter(pk=victim).update(action="incident.resolve")
    assert located(ledger_verify(stop=lambda: True)) == {(CHANGED, ENTRIES, victim)}
    size = LedgerSeal.objects.aggregate(Max("size"))["size__max"]
    assert ledger_check(at=NOON + 10 * MINUTE, seconds=-1.0) == size


def test_the_frontier_grows_alike_one_by_one_and_in_bulk() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(100)]
    one, many = Frontier(), Frontier()
    for leaf in leaves:
        list(one.add(leaf))
    many.extend(leaves)
    assert (one.size, one.peaks, one.root()) == (many.size, many.peaks, many.root())
