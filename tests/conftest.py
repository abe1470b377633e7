"""What every test may use: the flush of append-only tables, and the record of which requirement each test shows."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.append_only import flushing_append_only_tables
from tests.world.harness import World, world_made

BUILD_DIR = Path(__file__).resolve().parent.parent / "build"
_OUTCOMES = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    BUILD_DIR.mkdir(exist_ok=True)
    config.stash[_OUTCOMES] = {}


@pytest.fixture(scope="session", autouse=True)
def append_only_tables_can_be_flushed() -> Iterator[None]:
    """Tests with real transactions empty every table afterwards, also those whose triggers refuse it."""
    with flushing_append_only_tables():
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    numbers = sorted({str(number) for marker in item.iter_markers("requirement") for number in marker.args})
    if not numbers or (report.when != "call" and report.passed):
        return
    shown = item.config.stash[_OUTCOMES]
    shown[item.nodeid] = {"requirements": numbers, "outcome": report.outcome}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A marker without a number, or with one that is no requirement, is a slip that would hide a missing test."""
    for item in items:
        for marker in item.iter_markers("requirement"):
            if not marker.args or not all(_is_requirement(number) for number in marker.args):
                raise pytest.UsageError(f"{item.nodeid}: requirement markers take numbers like R131, not {marker.args}")


def _is_requirement(number: object) -> bool:
    return isinstance(number, str) and len(number) == 4 and number[0] == "R" and number[1:].isdigit()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add what this run showed to build/requirements.json (under xdist each worker writes its own share)."""
    outcomes = session.config.stash.get(_OUTCOMES, {})
    if outcomes:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        suffix = os.environ.get("TEST_DB_SUFFIX", "")
        name = "-".join(part for part in ("requirements", suffix, worker) if part)
        (BUILD_DIR / f"{name}.json").write_text(json.dumps(outcomes, indent=1, sort_keys=True), encoding="utf-8")


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """The whole product on a virtual clock; fails on any message no test expected."""
    with world_made() as made:
        yield made
