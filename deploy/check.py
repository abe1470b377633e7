"""`make test`: every check, then the tests on PostgreSQL with Redis, in Chromium, and on SQLite.

    python deploy/check.py [--only-checks]

A check prints its output only when it fails. All are run even if one fails; the exit code says whether all passed,
and the last line is pytest's. With CI=true nothing may be skipped: an absent PostgreSQL or Redis, or a skipped test,
is a failure.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() == "true"
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

CHECKS: list[tuple[str, list[str]]] = [
    ("lint (ruff)", ["-m", "ruff", "check", "--output-format", "concise", "."]),
    ("format (ruff)", ["-m", "ruff", "format", "--check", "--output-format", "concise", "."]),
    ("types (mypy --strict)", ["-m", "mypy"]),
    ("imports (import-linter)", ["-m", "importlinter.cli", "lint-imports"]),
    ("system (manage.py check)", ["manage.py", "check", "--fail-level", "WARNING"]),
    ("migrations are complete", ["manage.py", "makemigrations", "--check", "--dry-run"]),
    ("templates (djlint)", ["-m", "djlint", "templates", "--lint", "--quiet"]),
    ("translations are complete", ["deploy/translations.py"]),
]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with ``changes``; checks and tests never use the data of an installation."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**kept, "DATA_DIR": str(ROOT / "build" / "check-data"), **changes}


def run_check(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{name:<28} {'ok' if ended.returncode == 0 else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True)
    if ended.returncode != 0:
        print(ended.stdout, flush=True)
    return ended.returncode == 0


# What no database has a part in: pure cores, templates, styles, who may enter which address. Once is enough.
PURE = (
    "tests/ui",
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
    "tests/reports/test_metrics.py",
    "tests/site/test_crawl.py",
    "tests/site/test_outbound.py",
    "tests/site/test_templates.py",
)


def run_tests(selection: str, changes: Mapping[str, str], *, without: Sequence[str] = ()) -> bool:
    workers = os.environ.get("TEST_WORKERS", str(min(os.cpu_count() or 1, 4)))
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", selection, "--durations=10"),
        # One file's tests stay on one worker, so that what a module sets up is set up once.
        *("-n", workers, "--dist", "loadfile"),
        *(f"--ignore-glob={pattern}" for pattern in without),
    ]
    return subprocess.run(command, cwd=ROOT, env=environment(**changes), check=False).returncode == 0


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


def run_tests_on_servers() -> bool:
    if reason := unreachable():
        print(f"SKIPPED the tests on PostgreSQL and Redis, which cannot be reached: {reason}", flush=True)
        return not IN_CI
    print("Tests on PostgreSQL with Redis (all but browsers and pure cores)", flush=True)
    servers = {"DATABASE_URL": DATABASE_URL, "REDIS_URL": REDIS_URL, "TEST_RUN": "postgres"}
    return run_tests("not browser and not sqlite", servers, without=PURE)


def main(arguments: list[str]) -> int:
    (ROOT / "build").mkdir(exist_ok=True)
    failed = [name for name, command in CHECKS if not run_check(name, command)]
    passed = not failed
    if "--only-checks" in arguments:
        return 0 if passed else 1
    passed &= run_tests_on_servers()
    # By themselves: the browser's driver keeps an event loop running in its worker, where others may not ask the database.
    print("Tests in Chromium", flush=True)
    passed &= run_tests("browser", {"TEST_RUN": "browser"})
    print("Tests on SQLite" + ("" if passed else " (something above FAILED)"), flush=True)
    passed &= run_tests("not postgres and not browser", {"TEST_RUN": "sqlite"})
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
