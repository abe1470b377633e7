"""The mathematics of the ledger's proof, against the vectors of RFC 6962, RFC 8785 and C2SP, and against naive readings of them."""

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.proofs.canonical import NotCanonical, canonical, number_text
from audit.proofs.merkle import (
    EMPTY,
    BadProof,
    Kept,
    consistency_check,
    consistency_proof,
    inclusion_proof,
    inclusion_root,
    leaf_hash,
    node_hash,
    root_at,
)
from audit.proofs.notes import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    Note,
    checkpoint_read,
    note_read,
    note_sign,
    note_signed_by,
    signer_make,
    signer_read,
    verifier_read,
)

# The test vectors of Certificate Transparency's reference implementation.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Of Go's golang.org/x/mod/sumdb/note, the first implementation of signed notes.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962's definition, word for word."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def test_the_roots_of_the_reference_leaves_are_those_of_rfc_6962() -> None:
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES]
    kept = Kept(map(leaf_hash, leaves))
    assert [root_at(kept, size).hex() for size in range(1, 9)] == list(ROOTS)
    assert root_at(kept, 0).hex() == hashlib.sha256(b"").hexdigest()
    assert kept.root() == naive_root(leaves)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 130), st.data())
def test_every_leaf_and_every_earlier_tree_has_a_proof_and_no_other_leaf_or_tree_passes_by_it(
    size: int, data: st.DataObject
) -> None:
    leaves = [f"entry {number}".encode() for number in range(size)]
    kept = Kept(map(leaf_hash, leaves))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(kept, index, size)
    assert inclusion_root(leaf_hash(leaves[index]), index, size, proof) == kept.root() == naive_root(leaves)
    assert inclusion_root(leaf_hash(b"forged"), index, size, proof) != kept.root()
    for wrong in (proof[:-1], [*proof, EMPTY]):
        if len(wrong) != len(proof):
            with pytest.raises(BadProof):
                inclusion_root(leaf_hash(leaves[index]), index, size, wrong)
    before = data.draw(st.integers(0, size))
    steps = consistency_proof(kept, before, size)
    earlier = naive_root(leaves[:before])
    consistency_check(before, earlier, size, kept.root(), steps)
    forked = naive_root([*leaves[: before - 1], b"forged"]) if before else leaf_hash(b"forged")
    with pytest.raises(BadProof):
        consistency_check(before, forked, size, kept.root(), steps)


@pytest.mark.parametrize(
    ("number", "text"),
    [  # RFC 8785, appendix B
        (0.0, "0"), (-0.0, "0"), (5e-324, "5e-324"), (-5e-324, "-5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"), (295147905179352830000.0, "295147905179352830000"), (1e21, "1e+21"),
        (9.999999999999997e22, "9.999999999999997e+22"), (1e23, "1e+23"), (999999999999999700000.0, "999999999999999700000"),
        (9.999999999999997e-7, "9.999999999999997e-7"), (0.000001, "0.000001"), (333333333.3333332, "333333333.3333332"),
        (333333333.33333325, "333333333.33333325"), (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_rfc_8785_lists_them(number: float, text: str) -> None:
    assert number_text(number) == text


def test_the_example_of_rfc_8785_has_its_canonical_form() -> None:
    given_text = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        ' "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    )
    assert canonical(json.loads(given_text)).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    order = canonical({"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "ö": 7})
    assert [int(item.rpartition(b":")[2]) for item in order.strip(b"{}").split(b",")] == [2, 4, 6, 7, 1, 5, 3]


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_canonical_text_means_the_same_and_is_a_fixed_point(value: Any) -> None:
    text = canonical(value)
    again = json.loads(text)
    assert canonical(again) == text
    assert again == json.loads(json.dumps(value))


def test_half_a_surrogate_pair_stays_an_escape() -> None:
    assert canonical({"text": "a\ud800b"}) == b'{"text":"a\\ud800b"}'
    assert json.loads(canonical("\udc00")) == "\udc00"


@pytest.mark.parametrize("value", [math.nan, math.inf, {1: "a"}, b"bytes", {"a": object()}])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_peter_neumanns_note_verifies_and_a_changed_one_does_not() -> None:
    peter, note = verifier_read(PETER), note_read(PETERS_NOTE)
    assert note_signed_by(note, [peter]) == [peter]
    assert note.encoded() == PETERS_NOTE
    assert peter.encoded() == PETER
    with pytest.raises(BadNote, match="no known key"):
        note_signed_by(Note(note.text.replace("answer", "question"), note.signatures), [peter])


def test_a_checkpoint_is_signed_read_and_cosigned_by_a_witness() -> None:
    log, witness = signer_make("watchbell.example/ledger"), signer_make("witness.example", kind=COSIGNATURE)
    stated = Checkpoint("watchbell.example/ledger", 42, leaf_hash(b"root"), ("2026-11-22T05:00:00Z",))
    note = note_sign(stated.text(), [log])
    both = Note(note.text, (*note.signatures, witness.signature(note.text, at=1_795_000_000)))
    again = note_read(both.encoded())
    assert checkpoint_read(again.text) == stated
    assert log.verifier.verified(again) == 0
    assert witness.verifier.verified(again) == 1_795_000_000
    assert signer_make("watchbell.example/ledger").verifier.verified(again) is None
    assert signer_read(log.encoded()).verifier == log.verifier or signer_read(log.encoded()).encoded() == log.encoded()
    assert verifier_read(witness.verifier.encoded()).verified(again) == 1_795_000_000


@pytest.mark.parametrize(
    "text",
    ["", "origin\n12\n", "origin\n012\nAAAA\n", "origin\n-1\n" + "A" * 43 + "=\n", "origin\n1\nnot base64\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        checkpoint_read(text)


@pytest.mark.parametrize("text", ["", "nobody", "a+b", "PRIVATE+KEY+a+b+c", PETER.replace("c74f20a3", "c74f20a4")])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    for read in (signer_read, verifier_read):
        with pytest.raises(BadNote) as refused:
            read(text)
        assert not text or text not in str(refused.value)
