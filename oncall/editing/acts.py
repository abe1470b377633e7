"""What the buttons of the form do to a draft: add, remove, move. Pure.

A button is named by its place: "layer-add", "layer-2-up", "layer-0-turn-1-down", "layer-0-turn-1-join",
"layer-0-window-add", "layer-0-shift-3-remove", "member-add".
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.utils.translation import gettext as _

from oncall.editing.documents import local_text
from oncall.editing.draft import Draft, LayerDraft, ShiftDraft, WindowDraft
from oncall.rota_document.words import WEEKDAYS

T = TypeVar("T")

_PLACE = re.compile(r"(?:layer-(?P<layer>\d{1,4})-)?(?P<what>[a-z]+)-(?:(?P<row>\d{1,4})-)?(?P<verb>[a-z]+)")
WORKDAYS = list(WEEKDAYS[:5])


def act(draft: Draft, name: str, *, start: str) -> str:
    """Change ``draft`` as the button ``name`` says; the id of the element that should have the focus then, "" for none.

    ``start`` (local) begins a layer that is added. A name that fits nothing changes nothing.
    """
    found = _PLACE.fullmatch(name)
    if found is None:
        return ""
    what, verb, row = found["what"], found["verb"], int(found["row"] or 0)
    if what == "layer" and verb == "add":
        draft.layers.append(LayerDraft(name=_free_name(draft), start=start, turns=[[]]))
        return f"id_layer-{len(draft.layers) - 1}-name"
    if what == "layer" and found["layer"] is None and found["row"]:
        return _moved(draft.layers, row, verb, "layer-{}", "layer-add")
    if what == "member":
        draft.members.append("")
        return f"member-{len(draft.members) - 1}"
    if found["layer"] is None or int(found["layer"]) >= len(draft.layers):
        return ""
    return _act_on_layer(draft.layers[int(found["layer"])], f"layer-{found['layer']}", what, row, verb, start)


def _act_on_layer(layer: LayerDraft, prefix: str, what: str, row: int, verb: str, start: str) -> str:
    if what == "turn":
        if verb == "join" and row < len(layer.turns):
            layer.turns[row].append("")
            return f"{prefix}-turn-{row}-{len(layer.turns[row]) - 1}"
        return _row_act(layer.turns, row, verb, f"{prefix}-turn", list, first="{}-0")
    if what == "window":
        fresh: Callable[[], WindowDraft] = lambda: WindowDraft(list(WORKDAYS), "09:00", "17:00")  # noqa: E731
        return _row_act(layer.windows, row, verb, f"{prefix}-window", fresh, first="{}-start")
    if what == "shift":
        if verb == "join" and row < len(layer.shifts):
            layer.shifts[row].people.append("")
            return f"{prefix}-shift-{row}-people-{len(layer.shifts[row].people) - 1}"

        def following() -> ShiftDraft:
            return _next_shift(layer.shifts, start)

        return _row_act(layer.shifts, row, verb, f"{prefix}-shift", following, first="{}-start")
    return ""


def _next_shift(shifts: Sequence[ShiftDraft], start: str) -> ShiftDraft:
    """Where the last one ends, and as long; the first one a day from ``start``."""
    try:
        if not shifts:
            begins = datetime.fromisoformat(start)
            return ShiftDraft(start, local_text(begins + timedelta(days=1)))
        last = shifts[-1]
        begins = datetime.fromisoformat(last.end)
        return ShiftDraft(last.end, local_text(begins + (begins - datetime.fromisoformat(last.start))))
    except (ValueError, OverflowError, TypeError):
        return ShiftDraft(start=shifts[-1].end if shifts else start)


def _row_act(rows: list[T], row: int, verb: str, prefix: str, fresh: Callable[[], T], *, first: str) -> str:
    if verb == "add":
        rows.append(fresh())
        return f"{prefix}-{first.format(len(rows) - 1)}"
    return _moved(rows, row, verb, prefix + "-{}", f"{prefix}-add")


def _moved(rows: list[T], row: int, verb: str, place: str, add: str) -> str:
    """Move or remove a row. The focus follows it, to a button that is still of use there."""
    if row >= len(rows):
        return ""
    if verb == "remove":
        del rows[row]
        return f"{place.format(min(row, len(rows) - 1))}-remove" if rows else add
    other = {"up": row - 1, "down": row + 1}.get(verb, -1)
    if not 0 <= other < len(rows):
        return f"{place.format(row)}-{verb}" if verb in ("up", "down") else ""
    rows[row], rows[other] = rows[other], rows[row]
    at_edge = other in (0, len(rows) - 1)
    return f"{place.format(other)}-{({'up': 'down', 'down': 'up'}[verb]) if at_edge else verb}"


def _free_name(draft: Draft) -> str:
    """A name no other layer has; the person gives it a better one."""
    taken = {layer.name for layer in draft.layers}
    first = len(taken) + 1
    names = (_("Layer %(number)d") % {"number": number} for number in range(first, first + len(taken) + 1))
    return next(name for name in names if name not in taken)
