"""All kinds, in the order in which they are written, and the JSON Schema of a whole file."""

from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from escalation_site.configuration import kinds
from escalation_site.configuration.kind import Kind

IGNORED_PREFIX = "x-"
"""Sections that begin so are for anchors and remarks; nothing is made of them."""


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Every kind, what others refer to first."""
    found: dict[str, Kind] = {}
    for module in iter_modules(kinds.__path__):
        kind: Kind = import_module(f"{kinds.__name__}.{module.name}").KIND
        found[kind.section] = kind
    order = TopologicalSorter({section: kind.after for section, kind in found.items()})
    return tuple(found[section] for section in order.static_order())


def kind_of(section: str) -> Kind:
    """The kind of that section. Raises KeyError for none."""
    return {kind.section: kind for kind in all_kinds()}[section]


def file_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a configuration file, for editors and checks.

    What it accepts may still be refused: it does not know which names there are, nor the rules that cross fields.
    """
    schemas = {kind.section: kind.schema() for kind in all_kinds()}
    # References lead to the file's own definitions: those of a section stand at the top.
    definitions = {name: part for schema in schemas.values() for name, part in schema.pop("$defs", {}).items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Watchbell configuration",
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {f"^{IGNORED_PREFIX}": {}},
        "properties": {kind.section: _section_schema(kind, schemas[kind.section]) for kind in all_kinds()},
        "$defs": definitions,
    }


def _section_schema(kind: Kind, schema: dict[str, Any]) -> dict[str, Any]:
    if kind.single:
        return {"description": kind.help, **schema, "type": ["object", "null"]}
    return {
        "description": kind.help,
        "type": ["object", "null"],
        "propertyNames": {"pattern": f"^{kind.name_pattern}$", "maxLength": kind.name_length},
        "additionalProperties": schema,
    }
