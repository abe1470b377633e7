"""Sealing: what was committed since the last seal goes into the tree, and the tree's new head is signed.

Writers know nothing of it and never wait for one another: a row is sealed after it is committed. On PostgreSQL numbers
are taken before a transaction ends, so that a lower number may appear after a higher one: such gaps are kept and looked
at again for a day, and what never came is a number of a transaction that was undone. On SQLite there are no gaps.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from audit import keys
from audit.leaves import ENTRIES, Table, edges, missing_in, ranges_of, tables, within
from audit.models import LedgerHorizon, LedgerSalt, LedgerSeal
from audit.proofs.merkle import Frontier
from audit.proofs.notes import Checkpoint, note_sign
from audit.sheets import Sheet, sheet_read
from audit.tiles import Tiles
from escalation_site.kernel.rows import facts_insert

MOST = {"sqlite": 4_000, "postgresql": 10_000}
"""Rows in one seal. On SQLite nobody writes while one is made: so many take less than a tenth of a second of a core, and a page must not
wait longer."""
GAP = timedelta(days=1)
"""How long a missing number is waited for. No transaction lives that long."""
_LOCK = 0x5EA1


@dataclass(frozen=True, slots=True)
class _Part:
    """What one table gives to a seal: its rows, those that filled a gap first, and where it then stands."""

    table: Table
    sheets: Sequence[Sheet]
    upto: int
    gaps: list[list[int | str]]
    numbers: Sequence[int]


def ledger_seal(*, at: datetime, stop: Callable[[], bool] = lambda: False) -> int:
    """Seal everything that is committed by now; returns how many rows that were. Nothing to seal costs two queries.

    ``stop`` is asked after each portion; what is left then is for the next time. Two at once do no harm: the second finds the work taken
    and leaves it.
    """
    sealed = 0
    highest: dict[str, int] = {}
    while True:
        count, more = _seal_some(at, highest)
        sealed += count
        if not more or stop():
            return sealed


@transaction.atomic
def _seal_some(at: datetime, highest: dict[str, int]) -> tuple[int, bool]:
    """One seal. ``highest`` numbers of the tables are asked for once: what comes meanwhile is for the next time."""
    if not _alone():
        return 0, False
    known = {row.table: row for row in LedgerHorizon.objects.all()}
    highest.update(highest or edges("MAX"))
    parts, left, more = [], MOST[connection.vendor], False
    for table, most in _behind(known, highest):
        part = _part(table, known.get(table.name), most, left, at)
        left -= len(part.numbers)
        parts.append(part)
        if part.upto < most or left <= 0:
            more = True
            break
    rows = sum(len(part.numbers) for part in parts)
    if rows:
        _write(parts, at)
    _advance(parts, known)
    return rows, more and rows > 0


def _alone() -> bool:
    """Whether nobody else seals now. SQLite has one writer at a time anyway; the horizon is read after its turn began."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def sealing_held() -> None:
    """Wait until nobody seals, and let nobody begin before the transaction under way has ended. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _behind(known: Mapping[str, LedgerHorizon], highest: Mapping[str, int]) -> list[tuple[Table, int]]:
    """The tables that have rows beyond their horizon, or gaps to look at, with their highest number."""
    found = []
    for table in tables().values():
        horizon = known.get(table.name)
        most = highest.get(table.name, 0)
        if most > (horizon.upto if horizon else 0) or (horizon and horizon.gaps):
            found.append((table, most))
    return found


def _part(table: Table, horizon: LedgerHorizon | None, most: int, left: int, at: datetime) -> _Part:
    """The rows that came since, at most ``left``, and those that filled a gap."""
    begin = horizon.upto if horizon else 0
    waited = [gap for gap in (horizon.gaps if horizon else []) if datetime.fromisoformat(gap[2]) > at - GAP]
    late = sheet_read(table, within(table.key, [gap[:2] for gap in waited])) if waited else None
    fresh = sheet_read(table, Q(**{f"{table.key}__gt": begin, f"{table.key}__lte": most}), most=left)
    end = fresh.numbers[-1] if len(fresh.numbers) == left else max(begin, most)
    gaps: list[list[int | str]] = []
    if connection.vendor == "postgresql":
        here = late.numbers if late else ()
        for first, last, seen in waited:
            inside = [number for number in here if first <= number <= last]
            gaps += [[low, high, seen] for low, high in missing_in(inside, first, last)]
        gaps += [[low, high, at.isoformat()] for low, high in missing_in(fresh.numbers, begin + 1, end)]
    sheets = [late, fresh] if late else [fresh]
    return _Part(table, sheets, end, gaps, [number for sheet in sheets for number in sheet.numbers])


def _write(parts: Iterable[_Part], at: datetime) -> None:
    last = LedgerSeal.objects.order_by("-begins").first()
    tiles, begins = Tiles(), last.size if last else 0
    frontier = tiles.frontier(begins) if last else Frontier()
    if last and frontier.root() != bytes(last.root):
        # Whoever changed a tile must not get a head signed that does not continue the one before.
        raise LookupError(f"the tiles do not lead to the sealed root of {begins} leaves (manage.py ledger_mend)")
    parts = [part for part in parts if part.numbers]
    sheets = [sheet for part in parts for sheet in part.sheets]
    # A row about a subject whose salt is destroyed gets a new one: only what was sealed before is beyond telling.
    salts = salts_for({subject for sheet in sheets for subject in sheet.subjects()})
    tiles.grow(frontier, [leaf for sheet in sheets for leaf in _leaves(sheet, salts)])
    tiles.write()
    checkpoint = Checkpoint(keys.origin(), frontier.size, frontier.root())
    entries = [number for part in parts if part.table.name == ENTRIES for number in part.numbers]
    LedgerSeal.objects.create(
        at=at,
        begins=begins,
        size=frontier.size,
        root=frontier.root(),
        note=note_sign(checkpoint.text(), [keys.signer(at=at)]).encoded(),
        contents=[[part.table.name, ranges_of(part.numbers)] for part in parts],
        lowest=min(entries, default=None),
        highest=max(entries, default=None),
    )


def _leaves(sheet: Sheet, salts: Mapping[str, bytes]) -> list[bytes]:
    leaves = [leaf for leaf in sheet.leaves(salts) if leaf is not None]
    if len(leaves) != len(sheet.numbers):
        raise RuntimeError(f"no salt for some of {sorted(sheet.subjects() - salts.keys())[:9]}")
    return leaves


def salts_for(subjects: Collection[str]) -> dict[str, bytes]:
    """The salt of each subject, made where there is none yet."""
    found = salts_known(subjects)
    made = {subject: secrets.token_bytes(32) for subject in subjects if subject not in found}
    if made:
        facts_insert(LedgerSalt, ("subject", "salt"), list(made.items()))
    return found | made


def salts_known(subjects: Collection[str]) -> dict[str, bytes]:
    """The salts in use; those that were destroyed are not. By the index of those in use: asked for salts that are there, both
    databases read all of them, for each five hundred subjects."""
    found: dict[str, bytes] = {}
    wanted = list(subjects)
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            # Built as a query of models it took twice as long. Names of our own model.
            cursor.execute(
                f"SELECT subject, salt FROM {LedgerSalt._meta.db_table} "  # noqa: S608  own names, values are parameters
                f"WHERE destroyed_at IS NULL AND subject IN ({', '.join(['%s'] * len(some))})",
                some,
            )
            found |= {subject: bytes(salt or b"") for subject, salt in cursor.fetchall()}
    return found


def _advance(parts: Iterable[_Part], known: Mapping[str, LedgerHorizon]) -> None:
    for part in parts:
        row = known.get(part.table.name)
        if row is None:
            LedgerHorizon.objects.create(table=part.table.name, upto=part.upto, gaps=part.gaps)
        elif (row.upto, row.gaps) != (part.upto, part.gaps):
            row.upto, row.gaps = part.upto, part.gaps
            row.save(update_fields=["upto", "gaps"])
