"""What every test may use: the flush of append-only tables, clean limits, and the record of which requirement each test
shows."""

import gc
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.db import connection

from deploy.requirements_table import titles
from policies.conditions import VOCABULARY
from tests import prepared
from tests.append_only import flushing_append_only_tables
from tests.browser.flags import FLAGS
from tests.world.fixtures import world as world

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BUILD_DIR = Path(__file__).resolve().parent.parent / "build"
IN_CI = os.environ.get("CI", "").lower() == "true"
# Files that take more than ten seconds, the longest first. One that is missing here only makes a run a little longer.
LONGEST = (
    "tests/site/test_crawl.py",
    "tests/simulation/test_simulation.py",
    "tests/simulation/test_under_faults.py",
    "tests/incidents/views/test_talk.py",
    "tests/incidents/test_invariants.py",
    "tests/site/test_demo.py",
    "tests/site/test_demo_history.py",
    "tests/browser/test_axe.py",
    "tests/browser/test_axe_incidents.py",
    "tests/browser/test_walks.py",
)
_OUTCOMES = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    BUILD_DIR.mkdir(exist_ok=True)
    config.stash[_OUTCOMES] = {}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_use_migrations: bool
) -> None:
    """pytest-django's own, and: the test database is a copy of one that was migrated once."""
    if django_db_use_migrations:
        prepared.begin_with_copy(connection)


@pytest.fixture(scope="session", autouse=True)
def append_only_tables_can_be_flushed() -> Iterator[None]:
    """Tests with real transactions empty every table afterwards, also those whose triggers refuse it."""
    with flushing_append_only_tables():
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One Chromium for all tests of this process that ask for it: Playwright runs once in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def limits_start_at_zero() -> None:
    """Sign-in limits count in the cache; one test's attempts are not the next one's."""
    cache.clear()


@pytest.fixture(autouse=True)
def the_house_has_no_facts_of_its_own() -> Iterator[None]:
    """A process remembers the custom fields it read; one test's are not the next one's."""
    yield
    VOCABULARY.declare(())


def _browsers_by_themselves(items: list[pytest.Item]) -> None:
    """What asks for Chromium says so, and all of its file with it: its driver keeps an event loop running, beside which no later test may
    ask the database, and deploy/check.py runs such files by themselves."""
    marked = {item.path for item in items if item.get_closest_marker("browser")}
    for item in items:
        asks = "browser" in getattr(item, "fixturenames", ()) or item.path in marked
        if asks and not item.get_closest_marker("browser"):
            raise pytest.UsageError(f"{item.nodeid}: its file drives Chromium, and it is not marked browser")


def _longest_first(items: list[pytest.Item]) -> None:
    """File by file: those known to take long, then those with many tests, so that no worker is left with a long one at the end."""
    counts = Counter(item.path for item in items)
    ranks = {BUILD_DIR.parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path, len(ranks)), -counts[item.path], str(item.path)))


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what -m does not select
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _browsers_by_themselves(items)
    if hasattr(config, "workerinput"):
        _longest_first(items)
    known = titles()
    for item in items:
        for marker in item.iter_markers("requirement"):
            # A slip in a number would hide that a requirement has no test.
            if not marker.args or not all(number in known for number in marker.args):
                raise pytest.UsageError(f"{item.nodeid}: {marker.args} is not in docs/requirements.md")
        for name, vendor in (("postgres", "postgresql"), ("sqlite", "sqlite")):
            if item.get_closest_marker(name) and connection.vendor != vendor:
                item.add_marker(pytest.mark.skip(reason=f"needs {vendor}; this run uses {connection.vendor}"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: a million objects need not be looked through again with each collection of garbage."""
    gc.collect()
    gc.freeze()


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
    _outcomes_keep(session)
    _failures_keep(session.config)


def _failures_keep(config: pytest.Config) -> None:
    """For deploy/check.py: which tests failed, in the file it names."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if (file := os.environ.get("TEST_FAILURES")) and reporter and not hasattr(config, "workerinput"):
        failed = [report.nodeid for kind in ("failed", "error") for report in reporter.stats.get(kind, [])]
        Path(file).write_text("".join(f"{name}\n" for name in dict.fromkeys(failed)), encoding="utf-8")


def _outcomes_keep(session: pytest.Session) -> None:
    """Write what this run showed for `make requirements`; runs with a TEST_RUN (or suffix) of their own do not mix."""
    outcomes = session.config.stash.get(_OUTCOMES, {})
    if outcomes:
        parts = [os.environ.get(name, "") for name in ("TEST_RUN", "TEST_DB_SUFFIX", "PYTEST_XDIST_WORKER")]
        name = "-".join(["requirements", *(part for part in parts if part)])
        (BUILD_DIR / f"{name}.json").write_text(json.dumps(outcomes, indent=1, sort_keys=True), encoding="utf-8")
