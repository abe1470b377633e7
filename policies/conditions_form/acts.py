"""What the buttons of the form do to a draft: add, remove, move. Pure.

A button is named by its place: "when-add-check", "when-1-add-group", "when-0-remove", "when-1-0-up",
"when-2-add-window", "when-2-window-1-remove", "when-show" (draw the form again, as facts were changed).
"""

from __future__ import annotations

import re

from policies.conditions.values import MAX_CHECKS
from policies.conditions_form.draft import MAX_WINDOW_ROWS, CheckDraft, GroupDraft, WindowDraft

_PLACE = re.compile(r"(?P<path>(?:-\d{1,3})*)(?:-window-(?P<window>\d{1,3}))?-(?P<verb>[a-z]+(?:-[a-z]+)?)")
_VERBS = ("show", "add-check", "add-group", "add-window", "remove", "up", "down")


def is_act(name: str, prefix: str) -> bool:
    """Whether the button `name` belongs to the condition `prefix`."""
    return _found(name, prefix) is not None


def _found(name: str, prefix: str) -> re.Match[str] | None:
    found = _PLACE.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
    return found if found is not None and found["verb"] in _VERBS else None


def act(draft: GroupDraft, name: str, prefix: str) -> str:
    """Change `draft` as the button `name` says; the id of the element that should have the focus then, "" for none.

    A name that fits nothing changes nothing.
    """
    found = _found(name, prefix)
    if found is None:
        return ""
    path = [int(step) for step in found["path"].split("-") if step]
    verb = found["verb"]
    if verb == "show":
        return ""
    if verb in ("add-check", "add-group"):
        return _added(draft, path, verb, prefix)
    if not path:
        return ""
    parent = _group_at(draft, path[:-1])
    if parent is None or path[-1] >= len(parent.parts):
        return ""
    place = prefix + "".join(f"-{step}" for step in path[:-1])
    part = parent.parts[path[-1]]
    if isinstance(part, CheckDraft) and (verb == "add-window" or found["window"] is not None):
        return _window_act(part, verb, f"{place}-{path[-1]}", found["window"])
    return _moved(parent, path[-1], verb, place)


def _group_at(draft: GroupDraft, path: list[int]) -> GroupDraft | None:
    for step in path:
        part = draft.parts[step] if step < len(draft.parts) else None
        if not isinstance(part, GroupDraft):
            return None
        draft = part
    return draft


def _added(draft: GroupDraft, path: list[int], verb: str, prefix: str) -> str:
    group = _group_at(draft, path)
    if group is None or len(group.parts) >= MAX_CHECKS:
        return ""
    # A fact most rules ask for, and nothing that could be saved without a look at it.
    group.parts.append(CheckDraft() if verb == "add-check" else GroupDraft("any", [CheckDraft()]))
    name = prefix + "".join(f"-{step}" for step in [*path, len(group.parts) - 1])
    return f"{name}-fact" if verb == "add-check" else f"{name}-join"


def _moved(parent: GroupDraft, row: int, verb: str, place: str) -> str:
    """The focus follows the row, to a button that is still of use there."""
    if verb == "remove":
        del parent.parts[row]
        return f"{place}-{min(row, len(parent.parts) - 1)}-remove" if parent.parts else f"{place}-add-check"
    other = row - 1 if verb == "up" else row + 1
    if verb not in ("up", "down") or not 0 <= other < len(parent.parts):
        return ""
    parts = parent.parts
    parts[row], parts[other] = parts[other], parts[row]
    at_edge = other in (0, len(parts) - 1)
    turned = {"up": "down", "down": "up"}[verb]
    return f"{place}-{other}-{turned if at_edge else verb}"


def _window_act(check: CheckDraft, verb: str, name: str, window: str | None) -> str:
    if verb == "add-window" and len(check.windows) < MAX_WINDOW_ROWS:
        check.windows.append(WindowDraft())
        return f"{name}-window-{len(check.windows) - 1}-start"
    number = int(window or 0)
    if verb == "remove" and number < len(check.windows):
        del check.windows[number]
        return f"{name}-add-window"
    return ""
