"""What the ledger's proof costs: `python -m benchmarks.ledger [COUNT] [sqlite] [postgresql]`; COUNT is 100000 unless said.

Entries as incidents leave them, ten about each subject, what was said before mostly the same and what is said after always
another thing, made in the database itself; then in one process: sealing all of them, verifying all of them (once more with a
process for each core), and the proofs of a thousand entries drawn evenly.
Processor time of these processes, the database's not counted, and time on the clock, which a busy machine stretches. Beside
it SHA-256 alone over the same bytes, the least that anybody has to do. And what an alert's way from the stored signal to the
queued page costs with the ledger and without.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.bench_list import cpu
from benchmarks.figures import heading, judged, percentile
from benchmarks.site import ROOT, site

COUNT, PROOFS, ALERTS = 100_000, 1_000, 3_000
SEALED_PER_SECOND, VERIFIED_SECONDS, PROOF_MS, SHARE = 50_000, 60.0, 5.0, 0.15


def main() -> None:
    asked = [name for name in ("sqlite", "postgresql") if name in sys.argv[1:]] or ["sqlite", "postgresql"]
    count = next((name for name in sys.argv[1:] if name.isdecimal()), str(COUNT))
    for database in asked:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            bench.python("-m", "benchmarks.organisation")
            command = [sys.executable, "-m", "benchmarks.ledger", "inside", count]
            done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=False, capture_output=True, text=True)
        heading(f"the ledger's proof, {count} entries, {database}")
        print(done.stdout.strip() or done.stderr)


def inside() -> None:
    """In the environment of a throw-away site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()
    import logging

    logging.disable(logging.INFO)
    from audit.sealing import ledger_seal
    from audit.verifying import ledger_verify
    from escalation_site.kernel.instants import now

    print(_share())
    ledger_seal(at=now())
    _fill(int(sys.argv[2]))
    bare = _bare()
    sealed, cpu, wall = _timed(lambda: ledger_seal(at=now()))
    print(f"sealing            {sealed / cpu:9.0f} /s of a core, {sealed / wall:.0f}/s on the clock   ", end="")
    print(judged(round(sealed / cpu), SEALED_PER_SECOND, at_most=False), f"  ratio to SHA-256 {cpu / bare:.0f}")
    for jobs in (1, os.cpu_count() or 1):
        verdict, cpu, wall = _timed(partial(ledger_verify, jobs=jobs))
        assert verdict.whole
        million = 1_000_000 / verdict.leaves
        print(
            f"verifying, {jobs} process{'es' if jobs > 1 else '  '}{cpu * million:7.1f} s of processors a million, ",
            end="",
        )
        print(
            f"{wall * million:.1f} s on the clock   {judged(round(wall * million, 1), VERIFIED_SECONDS, at_most=True)}",
            end="",
        )
        print(f"  ratio to SHA-256 {cpu / bare:.0f}")
    _proofs()


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The answer, seconds of processors (of children that ended too) and on the clock."""
    begun, used = time.perf_counter(), _used()
    answer = work()
    return answer, _used() - used, time.perf_counter() - begun


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _fill(count: int) -> None:
    """Entries in the database itself: one statement for each hundred thousand."""
    from django.db import connection

    text = {"sqlite": "CAST(n AS text)", "postgresql": "n::text"}[connection.vendor]
    lite = connection.vendor == "sqlite"
    series = (
        "WITH RECURSIVE s(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM s WHERE n + 1 < %s) "
        if lite
        else "WITH s AS (SELECT generate_series(%s, %s - 1) AS n) "
    )
    made = "'2026-11-22 12:00:00'" if lite else "'2026-11-22T12:00:00Z'::timestamptz"
    unique = "lower(hex(randomblob(16)))" if lite else "gen_random_uuid()"
    kind = "" if lite else "::jsonb"
    columns = (
        "at, action_id, action, actor_kind, actor_id, actor_label, source, address, object_type, object_id, "
        "object_label, subject, before, after, data"
    )
    with connection.cursor() as cursor:
        for first in range(0, count, 100_000):
            cursor.execute(
                f"{series} INSERT INTO audit_ledgerentry ({columns}) SELECT {made}, {unique}, 'incident.stage', 'user', "  # noqa: S608  own names, values are parameters
                f"CAST(n %% 50 AS text), 'Marta Keller ' || (n %% 50), 'web', '203.0.113.7', 'incident', "
                f"CAST(1000000 + n / 10 AS text), 'INC-' || (1000000 + n / 10) || ' Payments fail at the gateway', "
                f"'incident:' || (1000000 + n / 10), '{{\"stage\": 1, \"owner\": null}}'{kind}, "
                f'(\'{{"stage": 2, "owner": 42, "note": "taken over by shift \' || {text} || \'"}}\'){kind}, NULL FROM s '
                f"WHERE {text} <> ''",
                [first, min(first + 100_000, count)],
            )


def _bare() -> float:
    """Seconds of SHA-256 over the bytes of every leaf's parts and text."""
    from django.db.models import Q

    from audit.leaves import ENTRIES, tables
    from audit.proofs.canonical import canonical

    parts = [
        b"".join(content for _subject, content in row.secret.values()) + canonical(dict(row.told))
        for row in tables()[ENTRIES].rows(Q(), most=20_000)
    ]
    from audit.models import LedgerEntry

    begun = time.process_time()
    for part in parts:
        hashlib.sha256(part).digest()
    return (time.process_time() - begun) / len(parts) * LedgerEntry.objects.count()


def _proofs() -> None:
    from audit.models import LedgerEntry
    from audit.proving import entry_proof

    numbers = list(LedgerEntry.objects.order_by("pk").values_list("pk", flat=True))
    asked = numbers[:: max(1, len(numbers) // PROOFS)]
    took, before = [], cpu()
    for number in asked:
        begun = time.process_time()
        assert entry_proof(number) is not None
        took.append((time.process_time() - begun) * 1000)
    whole = (cpu() - before) / len(asked)
    print(f"an inclusion proof {percentile(took, 0.5):9.2f} ms, p99 {percentile(took, 0.99):.2f} ms, ", end="")
    print(f"with the server's share {whole:.2f} ms   ", end="")
    print(judged(round(percentile(took, 0.99), 2), PROOF_MS, at_most=True))


def _share() -> str:
    """An alert's way with the ledger, and with nobody writing to it: three rounds of each in turn, the best of each."""
    from audit import services
    from benchmarks.bench_routing import wave

    original = services.entries_append
    holders = [module for module in list(sys.modules.values()) if getattr(module, "entries_append", None) is original]
    wave("warm", 500)
    took: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(3):
        took["with"].append(wave(f"with{number}", ALERTS))
        for module in holders:
            module.entries_append = _nothing  # type: ignore[attr-defined]  # a module's function is put aside for the run
        took["without"].append(wave(f"without{number}", ALERTS))
        for module in holders:
            module.entries_append = original  # type: ignore[attr-defined]  # a module's function is put aside for the run
    share = min(took["with"]) / min(took["without"]) - 1
    return (
        f"an alert's way     {min(took['with']):9.3f} ms with the ledger, {min(took['without']):.3f} ms without: "
        f"{share:.0%} more   {judged(round(share, 2), SHARE, at_most=True)}"
    )


def _nothing(values: Any, **_more: Any) -> None:
    list(values)


if __name__ == "__main__":
    if "inside" in sys.argv:
        inside()
    else:
        main()
