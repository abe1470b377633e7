"""The quick way to a leaf and the one that is written down give the same bytes, whatever an entry says."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.leaves import ENTRIES, missing_in, ranges_of, tables
from audit.models import LedgerEntry
from audit.proofs.merkle import Frontier, Kept, leaf_hash
from audit.services import EntryValue, entries_append
from audit.sheets import sheet_read
from audit.values import Actor
from incidents.models import Stage
from tests.audit.tampering import triggers_off
from tests.audit.writing import NOON, write

pytestmark = pytest.mark.django_db

# PostgreSQL keeps no nought in a text, and no half of a surrogate pair.
TEXTS = st.text(
    st.characters(exclude_characters="\x00", categories=("L", "M", "N", "P", "S", "Z", "Cc", "Cf", "Co")), max_size=20
)
NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.1, 1e21, 1e-7, 5e-324, -0.0, 2.0, 1.5, 1e16, 123456789.125, 2**53 + 1, 2**64 - 1, -(2**63)])
    | st.sampled_from([0.001, 0.0009, -0.06, 999999999999999.9, 1e15, 1e15 + 0.5])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.none() | st.dictionaries(TEXTS, VALUES, max_size=4)
_several = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def salts_of(subjects: set[str]) -> dict[str, bytes]:
    """One for each, none alike."""
    return {subject: subject.encode().rjust(32, b"\x01") for subject in subjects}


def both_ways(numbers: Q) -> tuple[list[bytes | None], list[bytes | None]]:
    """The leaves of those entries: as `audit.leaves` writes them down, and by the sheet."""
    rows = list(tables()[ENTRIES].rows(numbers))
    sheet = sheet_read(tables()[ENTRIES], numbers)
    wanted = {subject for row in rows for subject, _content in row.secret.values()}
    assert sheet.subjects() == wanted
    assert list(sheet.numbers) == [row.number for row in rows]
    salts = salts_of(wanted)
    return [row.leaf(salts) for row in rows], sheet.leaves(salts)


@_several
@given(OBJECTS, OBJECTS, OBJECTS, TEXTS, st.integers(0, 2 * 10**6))
def test_whatever_an_entry_says_both_ways_lead_to_one_leaf(
    before: Any, after: Any, data: Any, label: str, microseconds: int
) -> None:
    entries_append(
        [
            EntryValue(
                at=NOON + timedelta(microseconds=microseconds),
                action="incident.comment",
                object_type="incident",
                object_id=label[:60],
                object_label=label,
                actor=Actor("user", label[:9], label),
                before=before,
                after=after,
                data=data,
            )
        ]
    )

    written, quick = both_ways(Q(pk=LedgerEntry.objects.latest("pk").pk))

    assert None not in written
    assert quick == written


@pytest.mark.parametrize(
    "stored",
    [
        '{"note": 0.50, "deep": [[1.0], {"a": 1e3}]}',
        '{"x": 5.0}',
        '{"x": [1, 2.50, 3]}',
        # SQLite keeps the text, and Python reads infinity, which is no JSON: neither way seals it.
        pytest.param('{"x": 1E400}', marks=pytest.mark.postgres),
        '{"x": 123456789012345678901234567890}',
        '{"b": 1, "a": {"d": 1, "c": 2}}',
        '{"\N{LATIN SMALL LETTER O WITH DIAERESIS}": 1, "z": 2, "\\ud83d\\ude00": 3, "\\ufb33": 4}',
        '{"at": "2026-11-22T12:30:15.123456+00:00", "list": "1,2.5,3", "brace": "{:1.5}"}',
        '{"q": "\\"\\\\ \\u2028 \\/ \\u0001"}',
        '  {"blanks" :\t1 }',
        "null",
        "[]",
        "12.50",
        '"text"',
    ],
)
def test_however_the_database_writes_a_value_both_ways_lead_to_one_leaf(stored: str) -> None:
    """Rows that were not written by us: a restored dump, another version, a hand."""
    (number,) = write(1)
    with triggers_off(ENTRIES), connection.cursor() as cursor:
        kind = "::jsonb" if connection.vendor == "postgresql" else ""
        cursor.execute(
            f"UPDATE {ENTRIES} SET after = %s{kind}, data = %s{kind} WHERE id = %s",  # noqa: S608  own names
            [stored, stored, number],
        )

    written, quick = both_ways(Q(pk=number))

    assert quick == written


def test_when_a_salt_is_missing_then_neither_way_gives_a_leaf_for_those_entries_alone() -> None:
    write(2, subject="incident:1")
    write(2, subject="incident:2")
    sheet = sheet_read(tables()[ENTRIES], Q(subject__in=("incident:1", "incident:2")))
    salts = salts_of(sheet.subjects() - {"incident:2"})

    assert [leaf is None for leaf in sheet.leaves(salts)] == [False, False, True, True]
    assert sheet.about({"incident:2"}) == list(sheet.numbers)[2:]
    assert sheet.about({"user:7"}) == list(sheet.numbers)
    assert sheet.leaves({}) == [None] * 4


def test_rows_of_a_history_go_through_the_same_door() -> None:
    stage = Stage.objects.get(key="new")
    stage.save()
    table = tables()["incidents_historicalstage"]

    sheet = sheet_read(table, Q(id=stage.pk))

    assert sheet.subjects() == {f"stage:{stage.pk}"}
    assert sheet.about({f"stage:{stage.pk}"}) == list(sheet.numbers)
    salts = salts_of(sheet.subjects())
    assert sheet.leaves(salts) == [row.leaf(salts) for row in table.rows(Q(id=stage.pk))]


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(0, 70), min_size=1, max_size=12))
def test_when_a_tree_grows_in_bulk_then_every_subtree_is_told_once_with_its_place(portions: list[int]) -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(sum(portions))]
    kept, frontier = Kept(leaves), Frontier()
    told: dict[tuple[int, int], bytes] = {}
    begin = 0
    for portion in portions:
        for level, first, hashes in frontier.extend(leaves[begin : begin + portion]):
            for at, value in enumerate(hashes):
                assert told.setdefault((level, first + at), value) is value, "told twice"
        begin += portion

    assert (frontier.size, frontier.root()) == (kept.size, kept.root())
    assert told == kept._nodes


def test_numbers_that_follow_each_other_are_told_as_one_range_and_what_is_missing_around_them() -> None:
    assert ranges_of([4, 5, 6]) == [[4, 6]]
    assert ranges_of([4, 6, 7]) == [[4, 4], [6, 7]]
    assert ranges_of([]) == []
    assert missing_in([4, 5, 6], 2, 9) == [[2, 3], [7, 9]]
    assert missing_in([4], 4, 4) == []
    assert missing_in([4, 6], 4, 6) == [[5, 5]]


@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 200])
def test_when_a_salt_has_another_length_then_both_ways_still_lead_to_one_leaf(length: int) -> None:
    write(1)
    numbers = Q(pk=LedgerEntry.objects.latest("pk").pk)
    sheet = sheet_read(tables()[ENTRIES], numbers)
    salts = {subject: bytes(range(1, length + 1)) for subject in sheet.subjects()}

    written = [row.leaf(salts) for row in tables()[ENTRIES].rows(numbers)]

    assert None not in written
    assert sheet.leaves(salts) == written


def test_when_entries_say_the_same_and_others_do_not_then_each_has_its_own_leaf() -> None:
    """What was read of one column serves the next: it must not serve another."""
    said = [None, {"late": 0.06}, {"late": 0.06}, {"late": 2.5e-7}, {}, {"late": "0.06"}, {"late": 0.06}]
    entries_append(
        [
            EntryValue(at=NOON, action="page.create", object_type="page", object_id=str(at), before=one, after=two)
            for at, (one, two) in enumerate(zip(said, reversed(said), strict=True))
        ]
    )

    written, quick = both_ways(Q(action="page.create"))

    assert len(set(written)) == len(said)
    assert quick == written
