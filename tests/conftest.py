"""What every test may use: the flush of append-only tables, clean limits, and the record of which requirement each test
shows."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from deploy.requirements_table import titles
from tests.append_only import flushing_append_only_tables
from tests.world.fixtures import world as world

BUILD_DIR = Path(__file__).resolve().parent.parent / "build"
IN_CI = os.environ.get("CI", "").lower() == "true"
_OUTCOMES = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    BUILD_DIR.mkdir(exist_ok=True)
    config.stash[_OUTCOMES] = {}


@pytest.fixture(scope="session", autouse=True)
def append_only_tables_can_be_flushed() -> Iterator[None]:
    """Tests with real transactions empty every table afterwards, also those whose triggers refuse it."""
    with flushing_append_only_tables():
        yield


@pytest.fixture(autouse=True)
def limits_start_at_zero() -> None:
    """Sign-in limits count in the cache; one test's attempts are not the next one's."""
    cache.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = titles()
    for item in items:
        for marker in item.iter_markers("requirement"):
            # A slip in a number would hide that a requirement has no test.
            if not marker.args or not all(number in known for number in marker.args):
                raise pytest.UsageError(f"{item.nodeid}: {marker.args} is not in docs/requirements.md")
        for name, vendor in (("postgres", "postgresql"), ("sqlite", "sqlite")):
            if item.get_closest_marker(name) and connection.vendor != vendor:
                item.add_marker(pytest.mark.skip(reason=f"needs {vendor}; this run uses {connection.vendor}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and with CI=true nothing may be: {report.longrepr}"
    numbers = sorted({number for marker in item.iter_markers("requirement") for number in marker.args})
    if numbers and (report.when == "call" or not report.passed):
        item.config.stash[_OUTCOMES][item.nodeid] = {"requirements": numbers, "outcome": report.outcome}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this run showed for `make requirements`; runs with a TEST_RUN (or suffix) of their own do not mix."""
    outcomes = session.config.stash.get(_OUTCOMES, {})
    if outcomes:
        parts = [os.environ.get(name, "") for name in ("TEST_RUN", "TEST_DB_SUFFIX", "PYTEST_XDIST_WORKER")]
        name = "-".join(["requirements", *(part for part in parts if part)])
        (BUILD_DIR / f"{name}.json").write_text(json.dumps(outcomes, indent=1, sort_keys=True), encoding="utf-8")
