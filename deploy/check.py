"""`make test`: checks, then tests in Chromium; beside them those with real processes, then on PostgreSQL with Redis; last those on SQLite.

    python deploy/check.py [--only-checks]

A check prints its output only when it fails. All are run even if one fails; the exit code says whether all passed,
and the last line is pytest's. With CI=true nothing may be skipped: an absent PostgreSQL or Redis, or a skipped test,
is a failure.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() == "true"
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

# What takes longest begins first.
CHECKS: list[tuple[str, list[str]]] = [
    ("types (mypy --strict)", ["-m", "mypy"]),
    ("translations are complete", ["deploy/translations.py"]),
    ("system (manage.py check)", ["manage.py", "check", "--fail-level", "WARNING"]),
    ("migrations are complete", ["manage.py", "makemigrations", "--check", "--dry-run"]),
    ("templates (djlint)", ["-m", "djlint", "templates", "--lint", "--quiet"]),
    ("lint (ruff)", ["-m", "ruff", "check", "--output-format", "concise", "."]),
    ("format (ruff)", ["-m", "ruff", "format", "--check", "--output-format", "concise", "."]),
    ("imports (import-linter)", ["-m", "importlinter.cli", "lint-imports"]),
]
# What the tests begin with; without it they would make it themselves, while others wait.
TABLES: list[tuple[str, list[str]]] = [
    ("tables on SQLite", ["-m", "tests.prepared"]),
    ("tables on PostgreSQL", ["-m", "tests.prepared", DATABASE_URL]),
]
CHECK_SECONDS = 600
SUITE_SECONDS = 1800
"""Nothing may hang: a suite that takes longer is stopped and has failed."""
_running: set[int] = set()
_stopped = threading.Event()


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with ``changes``; checks and tests never use the data of an installation."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        # A run starts more than a hundred programs: compiling the product and its libraries takes each five seconds of a processor.
        kept["PYTHONPYCACHEPREFIX"] = str(ROOT / "build" / "bytecode")
    return {**kept, "DATA_DIR": str(ROOT / "build" / "check-data"), **changes}


def run_check(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    # They give way to programs that run beside them in real time.
    passed, said = run(["nice", "-n", "10", sys.executable, *command], environment(), seconds=CHECK_SECONDS)
    print(f"{name:<28} {'ok' if passed else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True)
    if not passed:
        print(said, flush=True)
    return passed


def run(
    command: Sequence[str], variables: Mapping[str, str], *, seconds: float, shown: bool = False
) -> tuple[bool, str]:
    """Whether the program ended well, and what it said, unless that is ``shown`` at once.

    It leads a group of its own: one that is stopped after ``seconds`` takes what it started with it.
    """
    if _stopped.is_set():
        return False, ""
    output = None if shown else subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=output, stderr=None if shown else subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as program:  # fmt: skip
        _running.add(program.pid)
        try:
            said, _none = program.communicate(timeout=seconds)
        except BaseException as stopped:
            _kill(program.pid)
            if not isinstance(stopped, subprocess.TimeoutExpired):
                raise
            print(f"stopped after {seconds:.0f} seconds: {' '.join(command[1:6])}", flush=True)
            return False, ""
        finally:
            _running.discard(program.pid)
    return program.returncode == 0, said or ""


def stop_everything() -> None:
    """End what runs; nothing else is begun."""
    _stopped.set()
    for leader in list(_running):
        _kill(leader)


def _kill(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def run_checks(checks: Iterable[tuple[str, list[str]]]) -> bool:
    """Two beside each other: each keeps one processor busy."""
    with ThreadPoolExecutor(2) as lanes:
        return all(list(lanes.map(lambda check: run_check(*check), checks)))


# What no database has a part in: pure cores, templates, styles, who may enter which address, that the simulation can fail.
# Once is enough.
PURE = (
    "tests/ui/*",
    "tests/incidents/test_intake_parsers.py",
    "tests/notifications/test_decisions.py",
    "tests/notifications/test_email_build.py",
    "tests/oncall/test_editing_draft.py",
    "tests/oncall/test_rota*",
    "tests/oncall/test_workload_figures.py",
    "tests/policies/test_conditions*",
    "tests/policies/test_definition*",
    "tests/policies/test_editing_draft.py",
    "tests/policies/test_escalation*",
    "tests/policies/test_examples.py",
    "tests/policies/test_lint.py",
    "tests/policies/test_policy_document.py",
    "tests/policies/test_routing.py",
    "tests/policies/test_severity.py",
    "tests/reports/test_exports_formats.py",
    "tests/reports/test_figures.py",
    "tests/reports/test_metrics.py",
    "tests/reports/test_process.py",
    "tests/simulation/test_defects.py",
    "tests/audit/test_proofs.py",
    "tests/incidents/test_markdown.py",
    "tests/incidents/test_scheduling.py",
    "tests/site/test_apply_errors.py",
    "tests/site/test_crawl.py",
    "tests/site/test_demo.py",
    "tests/site/test_design_rules.py",
    "tests/site/test_env.py",
    "tests/site/test_outbound.py",
    "tests/site/test_templates.py",
)


# Pages and their forms, files, and what is told to other servers: PostgreSQL is the stricter of the two about statements, and the crawl
# opens every address on SQLite.
ONCE = (
    "tests/audit/test_c2sp.py",
    "tests/audit/test_keepers.py",
    "tests/incidents/views/*",
    "tests/notifications/test_contact_methods.py",
    "tests/notifications/test_destinations.py",
    "tests/notifications/test_email.py",
    "tests/oncall/*",
    "tests/reports/*",
    "tests/incidents/test_a[lpst]*.py",
    "tests/incidents/test_backtest*.py",
    "tests/incidents/test_channel_criteria.py",
    "tests/incidents/test_checkpoints_guarded.py",
    "tests/incidents/test_custom_fields.py",
    "tests/incidents/test_dut*.py",
    "tests/incidents/test_exception_rules.py",
    "tests/incidents/test_handoffs.py",
    "tests/incidents/test_handovers.py",
    "tests/incidents/test_judging.py",
    "tests/incidents/test_major.py",
    "tests/incidents/test_merged_shown.py",
    "tests/incidents/test_organisation.py",
    "tests/incidents/test_partner_contact.py",
    "tests/incidents/test_pla*.py",
    "tests/incidents/test_policy_types.py",
    "tests/incidents/test_preview.py",
    "tests/incidents/test_responding_teams.py",
    "tests/incidents/test_restricted.py",
    "tests/incidents/test_routing*.py",
    "tests/incidents/test_rules_held.py",
    "tests/incidents/test_scans.py",
    "tests/incidents/test_severity_changes.py",
    "tests/incidents/test_shipped_rules.py",
    "tests/incidents/test_snoozing.py",
    "tests/incidents/test_stages.py",
    "tests/incidents/test_suppression.py",
    "tests/incidents/test_terms*.py",
    "tests/incidents/test_told_again.py",
    "tests/incidents/test_work_*.py",
    "tests/incidents/test_*_page.py",
    "tests/incidents/test_*_pages.py",
)

# What of them asks each database in another way: SQLite is led by other indexes.
BOTH = (
    "tests/incidents/views/test_few_queries.py",
    "tests/incidents/views/test_list_narrowed.py",
)

# These write through the ORM alone what the others test on both: SQLite is where the site is installed, applied to and crawled.
LITE = ("tests/policies/*", "tests/site/*")


def _tests() -> list[Path]:
    return sorted(ROOT.glob("tests/*/**/test_*.py"))


def of_browsers() -> tuple[str, ...]:
    """The files of tests that drive Chromium. tests/conftest.py sees to it that each says so."""
    return tuple(str(path.relative_to(ROOT)) for path in _tests() if "mark.browser" in path.read_text(encoding="utf-8"))


def left_out(database: str) -> tuple[str, ...]:
    """Files of tests that add nothing on ``database`` ("postgres" or "sqlite"), as patterns of pytest.

    Engine, intake, notifications, the ledger, live updates and real processes are tested on both, and so is every file with a test that is
    marked for one of them.
    """
    return tuple(str(path.relative_to(ROOT)) for path in _tests() if _elsewhere(path, database))


def _elsewhere(path: Path, database: str) -> bool:
    def among(patterns: Sequence[str]) -> bool:
        return any(fnmatch(str(path.relative_to(ROOT)), pattern) for pattern in patterns)

    if among(("tests/peers/*",)):
        return True
    if among(BOTH):
        return False
    if f"mark.{database}" in path.read_text(encoding="utf-8"):
        return False
    if among(PURE) or among(LITE):
        return database == "postgres"
    return among(ONCE) and database == "sqlite"


# Browsers, processes, threads and sockets run in real time, beside whatever else the machine does: a pause of a second belongs to a shared
# machine and says nothing of the product. They are in every suite, so whatever fails is run once more, alone, and is red only if it fails
# again. Every test that passed only then is named, and is a defect to mend: a test that waits too little or asks for one of two orders, or
# a program that is too slow.
SHAKY = ROOT / "build" / "shaky.txt"
MOST_TRIED_AGAIN = 6  # more are no coincidence


@dataclass(frozen=True)
class Suite:
    """``name`` tells its databases and records apart. ``workers`` of 0: no others, in the very process."""

    name: str
    title: str
    selection: str
    variables: Mapping[str, str]
    workers: int
    paths: Sequence[str] = ("tests",)
    without: Sequence[str] = ()

    def run(self, *, shown: bool = True) -> tuple[bool, str]:
        """Whether all its tests passed, and what pytest said if it was not ``shown`` at once."""
        self._failures.unlink(missing_ok=True)
        return self._pytest(*self.paths, workers=self.workers, shown=shown)

    def run_again(self) -> bool:
        """Run what failed once more, with nothing beside it. Whether all of it passed."""
        failed = self._failures.read_text(encoding="utf-8").splitlines() if self._failures.exists() else []
        if not failed or len(failed) > MOST_TRIED_AGAIN:
            return False
        print(f"{self.title}: {len(failed)} failed, run once more, alone", flush=True)
        self._failures.unlink()
        passed, _said = self._pytest(*failed, workers=0, shown=True)
        still = self._failures.read_text(encoding="utf-8").splitlines() if self._failures.exists() else []
        shaky = [name for name in failed if name not in still] if passed or still else []
        for name in shaky:
            print(f"SHAKY: {name} failed in “{self.title}” and passed alone", flush=True)
        with SHAKY.open("a", encoding="utf-8") as kept:
            kept.writelines(f"{name}\n" for name in shaky)
        return passed

    @property
    def _failures(self) -> Path:
        return ROOT / "build" / f"failed-{self.name}.txt"

    def _pytest(self, *tests: str, workers: int, shown: bool) -> tuple[bool, str]:
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", self.selection, "--durations=10"),
            # One file's tests stay on one worker, so that what a module sets up is set up once; in the order of tests/conftest.py.
            *(("-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder") if workers else ("-p", "no:xdist")),
            *(f"--ignore-glob={pattern}" for pattern in self.without),
            *tests,
        ]
        variables = environment(**self.variables, TEST_RUN=self.name, TEST_FAILURES=str(self._failures))
        # Suites that run beside each other have databases of their own.
        variables["TEST_DB_SUFFIX"] = "-".join(filter(None, (os.environ.get("TEST_DB_SUFFIX"), self.name)))
        return run(command, variables, seconds=SUITE_SECONDS, shown=shown)


def unreachable() -> str:
    """Why the tests cannot run on PostgreSQL and Redis, "" when they can."""
    import psycopg
    import redis

    try:
        psycopg.connect(DATABASE_URL, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"PostgreSQL (TEST_DATABASE_URL): {str(error).strip().splitlines()[0]}"
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3).ping()
    except redis.RedisError as error:
        return f"Redis (TEST_REDIS_URL): {error}"
    return ""


@dataclass(frozen=True)
class Suites:
    """What is run. Those of ``real_peers`` are run beside each other: their programs mostly wait."""

    on_servers: Suite | None
    real_peers: Sequence[Suite]
    in_chromium: Suite
    on_sqlite: Suite


def suites(servers: Mapping[str, str]) -> Suites:
    """``servers`` is empty where there are none; everything is tested on SQLite then."""
    workers = int(os.environ.get("TEST_WORKERS") or min(os.cpu_count() or 1, 4))
    on_servers, on_sqlite = "not browser and not sqlite", "not postgres and not browser"
    peers: dict[str, Any] = {"workers": 0, "paths": ("tests/peers",)}
    first, real = None, [Suite("peers-sqlite", "Tests with real processes on SQLite", on_sqlite, {}, **peers)]
    if servers:
        first = Suite(
            "postgres", "Tests on PostgreSQL with Redis", on_servers, servers, workers,
            without=(*left_out("postgres"), *of_browsers()),
        )  # fmt: skip
        real.insert(
            0, Suite("peers", "Tests with real processes on PostgreSQL and Redis", on_servers, servers, **peers)
        )
    # What a suite does not select it need not read either.
    without = (*(left_out("sqlite") if servers else ("tests/peers",)), *of_browsers())
    return Suites(
        on_servers=first,
        real_peers=real,
        # By itself: the browser's driver keeps an event loop running in its worker, where others may not ask the database.
        # One worker more than elsewhere: pages are waited for, half a second each until nothing moves any more.
        in_chromium=Suite("browser", "Tests in Chromium", "browser", {}, workers + 1, paths=of_browsers()),
        on_sqlite=Suite("sqlite", "Tests on SQLite", on_sqlite, {}, workers, without=without),
    )


def run_suites(tested: Suites, checks: Sequence[tuple[str, list[str]]], *, passed: bool) -> bool:
    """Whether everything passed, also what came before (``passed``).

    Two rows beside each other, so that the processors have work while one waits: for real processes and the server of the database, or for
    pages. What failed is run again after both, with nothing beside it. SQLite waits for nothing and comes last.
    """

    def on_servers() -> list[Suite]:
        with ThreadPoolExecutor(len(tested.real_peers)) as lanes:
            failed = [suite for among in lanes.map(_failed, tested.real_peers) for suite in among]
        return [*failed, *(_failed(tested.on_servers) if tested.on_servers else ())]

    def in_chromium() -> tuple[bool, list[Suite]]:
        return run_checks(checks), _failed(tested.in_chromium)

    with ThreadPoolExecutor(2) as rows:
        served, drawn = rows.submit(on_servers), rows.submit(in_chromium)
        try:
            (checked, failed) = drawn.result()
            failed += served.result()
        except KeyboardInterrupt:
            stop_everything()
            raise
    passed &= checked
    for suite in failed:
        passed &= suite.run_again()
    print(tested.on_sqlite.title + ("" if passed else " (something above FAILED)"), flush=True)
    return (tested.on_sqlite.run()[0] or tested.on_sqlite.run_again()) and passed


def _failed(suite: Suite) -> list[Suite]:
    """Run the suite and print at its end what it said; the suite itself if it failed."""
    well, said = suite.run(shown=False)
    print(f"{suite.title}\n{said}", flush=True)
    return [] if well else [suite]


def main(arguments: list[str]) -> int:
    (ROOT / "build").mkdir(exist_ok=True)
    SHAKY.unlink(missing_ok=True)
    if "--only-checks" in arguments:
        return 0 if run_checks(CHECKS) else 1
    reason = unreachable()
    passed = run_checks(TABLES[:1] if reason else TABLES)
    if reason:
        print(f"SKIPPED the tests on PostgreSQL and Redis, which cannot be reached: {reason}", flush=True)
        passed &= not IN_CI
    servers = {} if reason else {"DATABASE_URL": DATABASE_URL, "REDIS_URL": REDIS_URL}
    return 0 if run_suites(suites(servers), CHECKS, passed=passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
