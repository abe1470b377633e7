"""What every export is before it is written: a title, columns, and rows that come one after the other. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds; each format writes it its own way. An instant is an aware datetime, seconds a number of them."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    INSTANT = "instant"
    FLAG = "flag"
    SECONDS = "seconds"


Row = Sequence[Any]
"""One value for each column: str, int, float, bool, datetime, a list of str, or None."""


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` is for machines and never translated; ``label`` is for people. Wide tables leave out on paper what is not ``printed``."""

    key: str
    label: str
    kind: Kind = Kind.TEXT
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``count`` rows (``more`` where counting stopped there). ``about`` says in words what it holds: filters, period, what is left
    out. ``rows`` can be read once."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    count: int
    more: bool = False
    about: Sequence[tuple[str, str]] = field(default_factory=tuple)
    detail: "Callable[[Row], Table | None] | None" = None

    @property
    def printed(self) -> list[int]:
        """Places of the columns that a page of paper has room for."""
        return [place for place, column in enumerate(self.columns) if column.printed]


def columns_of(*given: tuple[str, str, Kind] | tuple[str, str, Kind, bool]) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in given)


def counting(rows: Iterable[Row], counted: list[int]) -> Iterator[Row]:
    """The same rows; ``counted[0]`` says how many have passed."""
    for row in rows:
        counted[0] += 1
        yield row
