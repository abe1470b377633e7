"""Checkpoints reach those who keep them outside, what was sent is on record, and a witness who saw another tree is heard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from audit import keys
from audit.findings import KEPT
from audit.keeping import FAILS, cosigned, keeper_set, keepers_send
from audit.models import Keeper, KeeperSending, LedgerEntry, LedgerSeal
from audit.proofs.notes import BadNote, checkpoint_read, note_read
from audit.sealing import ledger_seal
from audit.verifying import cosigned_kept, ledger_verify
from escalation_site.kernel.outbound import Answer, OutboundFailed
from tests.audit.tampering import tamper
from tests.audit.witness import Witness
from tests.audit.writing import MARTA, MINUTE, NOON, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def witness() -> Witness:
    """One who knows this ledger's key, and is on the list."""
    write(5)
    ledger_seal(at=NOON)
    witness = Witness(keys.verifiers())
    keeper("witness", "https://witness.example/w1/", public_key=witness.signer.verifier.encoded())
    return witness


def keeper(kind: str, address: str, **more: Any) -> Keeper:
    values = {"name": f"Keeper by {kind}", "kind": kind, "address": address, **more}
    return keeper_set(keeper=Keeper(slug=kind), values=values, actor=MARTA, at=NOON)


def newest() -> LedgerSeal:
    return LedgerSeal.objects.order_by("-begins")[0]


@pytest.mark.requirement("R299")
def test_when_a_checkpoint_is_due_then_it_is_mailed_once_and_again_only_when_the_ledger_grew() -> None:
    keeper("email", "notary@brightquay.example", every_minutes=60)
    ledger_seal(at=NOON)

    assert keepers_send(at=NOON) == 1
    assert keepers_send(at=NOON + 30 * MINUTE) == 0
    assert keepers_send(at=NOON + 60 * MINUTE) == 0, "nothing was added"

    (message,) = mail.outbox
    assert message.to == ["notary@brightquay.example"]
    assert newest().note in message.body
    assert message.attachments[0][1] == newest().note
    write(1)
    ledger_seal(at=NOON + 61 * MINUTE)
    assert keepers_send(at=NOON + 61 * MINUTE) == 1
    assert [(one.size, one.outcome) for one in KeeperSending.objects.all()][-1] == (newest().size, "sent")


def test_when_a_webhook_fails_then_it_is_tried_again_told_once_and_counted() -> None:
    one = keeper("webhook", "https://keeper.example/in")
    ledger_seal(at=NOON)
    answers = iter([500, 503, 200])
    heard: list[bytes] = []

    def ask(url: str, *, content: bytes, headers: Mapping[str, str], **_options: Any) -> Answer:
        heard.append(content)
        return Answer(next(answers), {}, b"", url)

    for minute, sent in ((0, 0), (0, 0), (1, 0), (2, 0), (3, 1)):
        assert keepers_send(at=NOON + minute * MINUTE, ask=ask) == sent
    one.refresh_from_db()
    assert heard == [newest().note.encode()] * 3
    assert (one.failures, one.last_error, one.sent_size) == (0, "", newest().size)
    actions = LedgerEntry.objects.filter(object_type="keeper").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["keeper.create", "keeper.fail", "keeper.recover"]
    assert list(KeeperSending.objects.values_list("outcome", "detail")) == [
        ("failed", "It answered 500."),
        ("failed", "It answered 503."),
        ("sent", ""),
    ]


def test_when_one_keeper_cannot_be_reached_then_the_others_get_theirs() -> None:
    keeper("webhook", "https://keeper.example/in")
    keeper("email", "notary@brightquay.example")
    ledger_seal(at=NOON)

    def ask(_url: str, **_options: Any) -> Answer:
        raise OutboundFailed("Nobody answers there.")

    assert keepers_send(at=NOON, ask=ask) == 1
    assert Keeper.objects.get(kind="webhook").last_error == "Nobody answers there."


@pytest.mark.requirement("R299")
def test_a_witness_signs_what_continues_what_it_saw_and_its_signatures_are_kept(witness: Witness) -> None:
    assert keepers_send(at=NOON, ask=witness) == 1
    first = newest().size
    write(3)
    ledger_seal(at=NOON + 60 * MINUTE)
    assert keepers_send(at=NOON + 60 * MINUTE, ask=witness) == 1

    note = cosigned()
    assert note is not None
    assert checkpoint_read(note.text).size == newest().size
    assert witness.signer.verifier.verified(note) == witness.time
    assert keys.verifiers()[0].verified(note) == 0
    assert [old for _origin, old in witness.asked] == [0, first]
    assert [one.size for one in cosigned_kept([witness.signer.verifier])] == [first, newest().size]
    assert ledger_verify(kept=cosigned_kept()).whole


def test_when_the_witness_knows_another_size_than_we_think_then_it_is_asked_from_there(witness: Witness) -> None:
    keepers_send(at=NOON, ask=witness)
    Keeper.objects.update(sent_size=0, next_at=None)

    assert keepers_send(at=NOON + MINUTE, ask=witness) == 1
    assert [old for _origin, old in witness.asked] == [0, 0, newest().size]


def test_when_the_witness_saw_more_than_we_have_then_the_log_was_cut_and_somebody_is_told(witness: Witness) -> None:
    keepers_send(at=NOON, ask=witness)
    assert witness.last is not None
    witness.last = checkpoint_read(f"{witness.last.origin}\n999999\n{'A' * 43}=\n")
    Keeper.objects.update(sent_size=0, next_at=None)

    assert keepers_send(at=NOON, ask=witness) == 0
    assert "it was cut, or written anew" in Keeper.objects.get().last_error


def test_when_the_witness_saw_another_tree_then_it_refuses_and_the_log_was_forked(witness: Witness) -> None:
    keepers_send(at=NOON, ask=witness)
    assert witness.last is not None
    witness.last = checkpoint_read(f"{witness.last.origin}\n{witness.last.size}\n{'A' * 43}=\n")
    write(1)
    ledger_seal(at=NOON + 60 * MINUTE)

    for minute in range(60, 60 + 2**FAILS, 1):
        assert keepers_send(at=NOON + minute * MINUTE, ask=witness) == 0
    one = Keeper.objects.get()
    assert "the log was forked" in one.last_error
    assert one.failures >= FAILS


def test_when_an_answer_is_not_signed_by_the_witness_then_it_is_not_kept(witness: Witness) -> None:
    stranger = Witness(keys.verifiers())

    assert keepers_send(at=NOON, ask=stranger) == 0
    assert cosigned() is None
    assert not KeeperSending.objects.exclude(cosigned="").exists()


def test_when_the_log_is_written_anew_then_what_a_witness_signed_tells(witness: Witness) -> None:
    keepers_send(at=NOON, ask=witness)
    (sent,) = KeeperSending.objects.all()
    forged = sent.cosigned.replace("A", "B")
    tamper("audit_keepersending", "UPDATE audit_keepersending SET cosigned = %s WHERE id = %s", forged, sent.pk)
    with pytest.raises(BadNote):
        cosigned_kept()
    note = note_read(sent.cosigned)
    other = checkpoint_read(note.text.replace(str(newest().size), str(newest().size), 1))
    assert ledger_verify(kept=[other]).whole
    fork = checkpoint_read(f"{other.origin}\n{other.size}\n{'A' * 43}=\n")
    assert [one.kind for one in ledger_verify(kept=[fork]).findings] == [KEPT]


def test_what_was_sent_is_never_changed(witness: Witness) -> None:
    keepers_send(at=NOON, ask=witness)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        KeeperSending.objects.update(outcome="failed")


@pytest.mark.parametrize(
    ("kind", "address", "more", "field"),
    [
        ("email", "nobody", {}, "address"),
        ("webhook", "ftp://keeper.example/", {}, "address"),
        ("webhook", "http://127.0.0.1/", {}, "address"),
        ("witness", "https://witness.example/", {}, "__all__"),
        ("witness", "https://witness.example/", {"public_key": "a+b+c"}, "public_key"),
        ("email", "a@brightquay.example", {"every_minutes": 0}, "every_minutes"),
    ],
)
def test_a_keeper_that_could_not_be_reached_is_refused(kind: str, address: str, more: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        keeper(kind, address, **more)
    assert field in refused.value.message_dict


def test_a_witness_without_a_log_key_of_the_witness_kind_is_refused() -> None:
    ledger_seal(at=NOON)
    with pytest.raises(ValidationError, match="does not sign as a witness"):
        keeper("witness", "https://witness.example/", public_key=keys.verifiers()[0].encoded())
