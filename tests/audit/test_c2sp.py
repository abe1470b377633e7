"""What others have signed is read as they meant it: the examples of C2SP's specifications and of the first implementation, and a
checkpoint of a public log that independent witnesses have signed.

A checkpoint is data that a log publishes for everybody to keep; the one below is of Certificate Transparency's staging log
"arche2025h1" of May 2026. The examples of tlog-cosignature and tlog-witness come without keys: they hold the form.
"""

import base64

import pytest

from audit.proofs.notes import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    Note,
    checkpoint_read,
    cosigned,
    note_read,
    note_sign,
    note_signed_by,
    signer_make,
    signer_read,
    verifier_read,
)
from audit.proofs.witness import addition_read, cosignature_read, cosigned_by
from tests.audit.test_proofs import PETER, PETERS_NOTE

pytestmark = pytest.mark.requirement("R299")

DASH = "\N{EM DASH}"

# c2sp.org/signed-note, "Verifier keys"
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    f"{DASH} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# c2sp.org/signed-note, "Note": there is an empty line within the text
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    f"{DASH} quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
# golang.org/x/mod/sumdb/note
PETERS_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
# c2sp.org/tlog-checkpoint and tlog-cosignature
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SOFA_LOG = (
    f"{DASH} example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
SOFA_WITNESS = (
    f"{DASH} witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
SOFA_SEEN = 1679315147
# c2sp.org/tlog-witness, "add-checkpoint"
SOFA_STEPS = (
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
)
LOG = "arche2025h1.staging.ct.transparency.dev"
LOG_KEY = f"{LOG}+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
PUBLIC = (
    f"{LOG}\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    f"{DASH} {LOG} zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    f"{DASH} {LOG} ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    f"{DASH} transparency.dev/DEV:witness-little-garden "
    "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    f"{DASH} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
)
PUBLIC_SEEN = 0x6A122120


@pytest.mark.parametrize(("key", "note"), [(EXAMPLE_KEY, EXAMPLE_NOTE), (PETER, PETERS_NOTE), (LOG_KEY, PUBLIC)])
def test_what_others_signed_verifies_by_their_key_and_not_when_a_letter_is_changed(key: str, note: str) -> None:
    verifier, read = verifier_read(key), note_read(note)

    assert note_signed_by(read, [verifier]) == [verifier]
    assert (verifier.encoded(), read.encoded()) == (key, note)
    for at in range(len(read.text) - 1):
        forged = read.text[:at] + chr(ord(read.text[at]) ^ 1) + read.text[at + 1 :]
        assert verifier.verified(Note(forged, read.signatures)) is None, at


def test_when_the_first_implementations_key_signs_its_text_then_the_note_is_the_same_to_the_byte() -> None:
    signer = signer_read(PETERS_SECRET)

    assert note_sign(note_read(PETERS_NOTE).text, [signer]).encoded() == PETERS_NOTE
    assert (signer.verifier.encoded(), signer.encoded()) == (PETER, PETERS_SECRET)


def test_when_a_text_has_an_empty_line_then_the_last_one_parts_it_from_the_signatures() -> None:
    note = note_read(POEM)

    assert note.text.count("\n") == 4
    assert note.text.endswith("sera.\n")
    assert [(one.name, len(one.value)) for one in note.signatures] == [("quasimodo.example/salvatore", 64)]
    assert note.encoded() == POEM


def test_a_public_logs_checkpoint_is_read_and_its_witness_signed_it_at_that_second() -> None:
    note, remora = note_read(PUBLIC), verifier_read(REMORA)

    stated = checkpoint_read(note.text)
    assert (stated.origin, stated.size, stated.extensions) == (LOG, 1_432_088_532, ())
    assert stated.text() == note.text
    assert remora.kind == COSIGNATURE
    assert cosigned_by(note, [remora]) == {"remora.n621.de": PUBLIC_SEEN}
    answer = "".join(line + "\n" for line in PUBLIC.splitlines()[-2:])
    assert cosignature_read(answer.encode(), note, remora) == (answer.splitlines()[1] + "\n", PUBLIC_SEEN)


def test_when_the_time_of_a_cosignature_is_changed_then_it_is_none() -> None:
    remora = verifier_read(REMORA)
    line = PUBLIC.splitlines()[-1]
    raw = bytearray(base64.b64decode(line.rpartition(" ")[2]))
    raw[11] ^= 1
    later = f"{line.rpartition(' ')[0]} {base64.b64encode(raw).decode()}"

    assert cosigned_by(note_read(PUBLIC.replace(line, later)), [remora]) == {}


def test_when_a_key_of_one_kind_is_used_for_the_other_then_it_has_signed_nothing() -> None:
    """Whoever signs plain notes and is a witness too has two keys, by their ids; neither counts for the other."""
    signer = signer_make("both.example")
    note = note_sign(SOFA, [signer])
    witness = verifier_read(REMORA)

    assert witness.verified(note) is None
    raw = base64.b64decode(signer.verifier.encoded().split("+", 2)[2])
    swapped = base64.b64encode(bytes((COSIGNATURE,)) + raw[1:]).decode()
    with pytest.raises(BadNote, match="does not belong"):
        verifier_read("+".join([*signer.verifier.encoded().split("+", 2)[:2], swapped]))


def test_the_example_of_a_cosigned_checkpoint_has_the_form_and_the_message_of_the_specification() -> None:
    note = note_read(f"{SOFA}\n{SOFA_LOG}{SOFA_WITNESS}")

    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint_read(note.text) == Checkpoint("example.com/behind-the-sofa", 20_852_163, root)
    (log, witness) = note.signatures
    assert (log.name, log.key_id.hex(), len(log.value)) == ("example.com/behind-the-sofa", "033de0ae", 64)
    assert (witness.name, witness.key_id.hex(), len(witness.value)) == ("witness.example.com/w1", "8d66cf3f", 72)
    assert int.from_bytes(witness.value[:8], "big") == SOFA_SEEN
    assert cosigned(note.text, SOFA_SEEN).decode() == f"cosignature/v1\ntime {SOFA_SEEN}\n{SOFA}"


def test_the_example_of_a_request_to_a_witness_is_read_and_written_alike() -> None:
    body = "".join(f"{line}\n" for line in ("old 20852014", *SOFA_STEPS, "")) + f"{SOFA}\n{SOFA_LOG}"

    request = addition_read(body.encode())

    assert (request.old, len(request.steps), request.note) == (20_852_014, 4, f"{SOFA}\n{SOFA_LOG}")
    assert request.encoded() == body.encode()


@pytest.mark.parametrize(
    "head", ["old 020852014", "old -1", "old", "new 20852014", "old 20852014\nshort", "old " + "9" * 20]
)
def test_a_request_that_the_specification_does_not_know_is_refused(head: str) -> None:
    with pytest.raises(BadNote):
        addition_read(f"{head}\n\n{SOFA}\n{SOFA_LOG}".encode())


def test_sixteen_signatures_are_read_and_those_of_unknown_keys_are_passed_over() -> None:
    known = signer_make("known.example")
    others = [signer_make(f"other{number}.example") for number in range(15)]
    # One has the known name and not its key: it must not be mistaken for it.
    others.append(signer_make("known.example"))

    note = note_read(note_sign(SOFA, [*others, known]).encoded())

    assert len(note.signatures) == 17
    assert note_signed_by(note, [known.verifier]) == [known.verifier]


@pytest.mark.parametrize("text", ["no line feed", "a\ttab\n", "a\rreturn\n", "a\x00nought\n"])
def test_a_text_with_control_characters_or_no_end_is_never_signed(text: str) -> None:
    with pytest.raises(BadNote):
        note_sign(text, [signer_make("log.example")])


@pytest.mark.parametrize("name", ["", "two words", "non\N{NO-BREAK SPACE}breaking", "a+b"])
def test_a_key_has_a_name_without_blanks_and_plus(name: str) -> None:
    with pytest.raises(BadNote):
        signer_make(name)
