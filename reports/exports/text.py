"""CSV and JSON, piece by piece: never more than some hundreds of rows in memory, however many there are."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

from escalation_site.kernel.streams import csv_pieces
from reports.exports.table import Kind, Row, Table

AT_ONCE = 500


def csv_of(table: Table) -> Iterator[str]:
    """The keys of the columns, then a line for each row. Instants in UTC (ISO 8601), spans in seconds, flags yes or no."""
    return csv_pieces(_lines(table), at_once=AT_ONCE)


def _lines(table: Table) -> Iterator[list[Any]]:
    yield [column.key for column in table.columns]
    for row in table.rows:
        yield [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return round(value) if isinstance(value, float) and value.is_integer() else value


def json_of(table: Table) -> Iterator[str]:
    """One array of objects; an instant in UTC (ISO 8601), what is not there as null."""
    keys = [column.key for column in table.columns]
    spans = {place for place, column in enumerate(table.columns) if column.kind is Kind.SECONDS}
    rows, before = iter(table.rows), "[\n"
    while some := list(islice(rows, AT_ONCE)):
        yield before + ",\n".join(_object(keys, row, spans) for row in some)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _object(keys: Iterable[str], row: Row, spans: set[int]) -> str:
    values = (round(value) if place in spans and value is not None else value for place, value in enumerate(row))
    return orjson.dumps(dict(zip(keys, values, strict=True)), option=orjson.OPT_UTC_Z).decode()
