"""What the drafts share: rows that are moved and removed by buttons, and where on the page a problem belongs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

Row = dict[str, Any]
_ACT = re.compile(r"([a-z]+)-(\d{1,4})-(up|down|remove)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing to mend: the element it belongs to, where that is in words, and what is wrong."""

    target: str
    where: str
    message: str


def rows_sent(data: QueryDict, prefix: str, read: Callable[[str], Row], *, most: int) -> list[Row]:
    """The rows of a form in their order; the hidden field "<prefix>-count" says how many there are."""
    count = data.get(f"{prefix}-count", "")
    number = min(int(count), most) if count.isascii() and count.isdecimal() and len(count) < 6 else 0
    return [read(f"{prefix}-{index}") for index in range(number)]


def rows_act(lists: Mapping[str, tuple[list[Row], Row, str]], wanted: str) -> str:
    """Do what a button says: "t-add", "t-2-up", "t-2-remove"; returns the element to go to, "" for no such button.

    ``lists`` are by prefix: the rows, what a new one is like, and the field it begins with.
    """
    for prefix, (rows, blank, first) in lists.items():
        if wanted == f"{prefix}-add":
            rows.append(dict(blank))
            return f"{prefix}-{len(rows) - 1}-{first}"
    match = _ACT.fullmatch(wanted)
    if match is None or match[1] not in lists:
        return ""
    prefix, index, move = match[1], int(match[2]), match[3]
    rows = lists[prefix][0]
    if index >= len(rows):
        return ""
    if move == "remove":
        del rows[index]
        return f"{prefix}-{min(index, len(rows) - 1)}-remove" if rows else f"{prefix}-add"
    other = index - 1 if move == "up" else index + 1
    if not 0 <= other < len(rows):
        return ""
    rows[index], rows[other] = rows[other], rows[index]
    # At an end there is no further button of that name: the one that is left gets the focus.
    last = other == 0 if move == "up" else other == len(rows) - 1
    return f"{prefix}-{other}-{({'up': 'down', 'down': 'up'}[move]) if last else move}"


def text_sent(data: QueryDict, name: str) -> str:
    """What was typed, without the blanks around it and without NUL, which PostgreSQL refuses."""
    return data.get(name, "").replace("\x00", "").strip()


def number_sent(text: str) -> int | str:
    """A whole number where the text is one; else the text, for the reader of documents to name as wrong."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def numbered(rows: Sequence[Row]) -> list[tuple[int, Row, bool, bool]]:
    """Index, row, whether it is the first, whether it is the last."""
    return [(index, row, index == 0, index == len(rows) - 1) for index, row in enumerate(rows)]
