"""The cores of conditions and routing take values and return values: they know no table, no clock and no network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import policies

POLICIES = Path(policies.__file__).parent
ALLOWED = (
    "__future__", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "re", "types", "typing", "unicodedata",
    "django.utils", "oncall.rota", "policies.conditions", "policies.definition", "policies.durations", "policies.reading",
    "policies.routing", "policies.sentences", "policies.severity",
)  # fmt: skip
MODULES = [*(POLICIES / "conditions").glob("*.py"), *(POLICIES / "routing").glob("*.py")]
CLOCKS = {"now", "utcnow", "today"}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES, ids=lambda module: f"{module.parent.name}.{module.stem}")
def test_when_a_core_is_read_then_it_imports_only_what_is_pure_and_reads_no_clock(module: Path) -> None:
    tree = ast.parse(module.read_text())

    foreign = [
        name for name in _imported(tree) if not any(name == one or name.startswith(f"{one}.") for one in ALLOWED)
    ]
    clocks = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in CLOCKS]

    assert foreign == []
    assert clocks == []
