"""What stands beside the seals: rows that none has, and numbers between sealed ones that no row has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db import connection
from django.db.models import Q

from audit.batches import OWN_WORDS, Facts, contents_hold, facts, is_range
from audit.findings import ADDED, GONE, SEAL, Finding
from audit.leaves import ENTRIES, count_in, edges, merged, portions, tables, within
from audit.models import LedgerHorizon, LedgerSeal


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the seals: rows that none has, and entry numbers that were undone."""

    findings: tuple[Finding, ...]
    undone: int


def rows_beside(known: Facts | None = None) -> Beside:
    """Rows that no seal has although their table is sealed beyond them, rows that came back after their segment was taken
    out, and numbers that were sealed twice."""
    known = known or facts()
    covered: dict[str, list[list[int]]] = {}
    taken_out: dict[str, list[list[int]]] = {}
    twice: set[str] = set()
    seals = LedgerSeal.objects.order_by("begins").values_list("begins", "size", "contents")
    for begins, size, contents in seals.iterator(chunk_size=500):
        is_dropped = any(one.begins <= begins and size <= one.size for one in known.dropped)
        for name, ranges in contents if contents_hold(contents, most=2**63) else ():
            own = covered.setdefault(name, [])
            if is_dropped and name in tables() and not tables()[name].stands:
                # By the seals: what a segment says of itself, nothing is held against.
                taken_out.setdefault(name, []).extend(ranges)
            for first, last in ranges:
                if own and own[-1][1] + 1 == first:
                    own[-1][1] = last
                else:
                    own.append([first, last])
    findings = [
        # No sequence gives such numbers, and sealing never looks below one.
        Finding(ADDED, table=name, row=number)
        for name, lowest in edges("MIN").items()
        if lowest < 1
        for number in _numbers(name, [[-(2**63), 0]])
    ]
    undone = 0
    horizons = {row.table: row for row in LedgerHorizon.objects.all()}
    for name in tables():
        ranges = covered.get(name, [])
        together = merged(ranges)
        if count_in(together) != count_in(ranges):
            twice.add(name)
        found, holes = _slipped_in(name, together, horizons.get(name), known)
        findings += found
        undone += holes
    findings += [Finding(SEAL, table=name, detail="rows of it were sealed twice") for name in sorted(twice)]
    for name, ranges in taken_out.items():
        back = _numbers(name, merged(ranges), without=OWN_WORDS if name == ENTRIES else None)
        findings += [Finding(ADDED, table=name, row=row, detail="it was archived and taken out") for row in back]
    return Beside(tuple(findings), undone)


def _slipped_in(
    name: str, covered: list[list[int]], horizon: LedgerHorizon | None, known: Facts
) -> tuple[list[Finding], int]:
    """Rows in the holes of what is sealed, and how many numbers of those holes no row has."""
    upto = max(horizon.upto if horizon else 0, covered[-1][1] if covered else 0)
    holes, begin = [], 1
    for first, last in covered:
        if first > begin:
            holes.append([begin, first - 1])
        begin = last + 1
    if begin <= upto:
        holes.append([begin, upto])
    gaps = horizon.gaps if horizon and isinstance(horizon.gaps, list) else []
    # One that is none excuses nothing.
    waiting = merged(gap[:2] for gap in gaps if isinstance(gap, list) and is_range(gap[:2]))
    extra = _numbers(name, holes)
    found = [
        Finding(ADDED, table=name, row=number)
        for number in extra
        if not any(first <= number <= last for first, last in waiting)
    ]
    lost = _taken_away(name, covered, merged([*([n, n] for n in extra), *known.skipped.get(name, ())]))
    return found + lost, count_in(holes) - len(extra)


def _taken_away(name: str, covered: Sequence[Sequence[int]], told: Sequence[Sequence[int]]) -> list[Finding]:
    """Numbers between sealed ones that no row has, where numbers are never lost: what a transaction took that was undone, SQLite gives
    to the next one. So is a number beyond all rows that was given out. (INSERT OR IGNORE would lose some: nothing that is sealed is
    written so.) ``told`` are numbers of which is known what became of them."""
    if connection.vendor != "sqlite" or not covered:
        return []
    ranges = [[before[1] + 1, after[0] - 1] for before, after in pairwise(covered)]
    table = tables()[name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [name])
        given = cursor.fetchone()
        cursor.execute(f"SELECT MAX({table.key}) FROM {name}")  # noqa: S608  own names
        last = max(cursor.fetchone()[0] or 0, covered[-1][1])
    ranges.append([last + 1, given[0] if given else last])
    detail = "no row has the numbers from here to {}: they were taken away before they were sealed"
    return [Finding(GONE, table=name, row=low, detail=detail.format(high)) for low, high in _without(ranges, told)]


def _without(ranges: Sequence[Sequence[int]], told: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """What is left of ``ranges`` without ``told``; both ascend. One walk through both."""
    place = 0
    for low, high in ranges:
        while place < len(told) and told[place][1] < low:
            place += 1
        begin, at = low, place
        while at < len(told) and told[at][0] <= high:
            if begin < told[at][0]:
                yield begin, told[at][0] - 1
            begin, at = told[at][1] + 1, at + 1
        if begin <= high:
            yield begin, high


def _numbers(name: str, ranges: Sequence[Sequence[int]], *, without: Q | None = None) -> list[int]:
    """Which of these numbers the table has."""
    table = tables().get(name)
    if table is None:
        return []
    leaving_out = without or Q(pk__in=())
    return [
        number
        for part in portions(ranges, most=2**65)
        for number in table.model._base_manager.filter(within(table.key, part))
        .exclude(leaving_out)
        .order_by(table.key)
        .values_list(table.key, flat=True)
    ]
