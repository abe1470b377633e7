"""What the buttons of the form do to a draft: add, remove, move, open a part. Pure.

A button is named by its place: "level-add", "level-2-up", "level-0-target-add", "level-0-target-1-remove",
"level-0-raci-add", "catch_all-0-remove", "guideline-add".
"""

import re
from typing import TypeVar

from django.utils.translation import gettext as _

from policies.definition import CRITICAL, OWN, severity_name
from policies.editing.draft import FINER, LISTS, RACI, SEVERITIES, Draft, LevelDraft

T = TypeVar("T")

_PLACE = re.compile(r"(?:level-(?P<level>\d{1,4})-)?(?P<what>[a-z_]+)-(?:(?P<row>\d{1,4})-)?(?P<verb>[a-z]+)")


def act(draft: Draft, name: str) -> str:
    """Change ``draft`` as the button ``name`` says; the id of the element that should have the focus then, "" for none.

    A name that fits nothing changes nothing.
    """
    found = _PLACE.fullmatch(name)
    if found is None:
        return ""
    what, verb, row = found["what"], found["verb"], int(found["row"] or 0)
    if found["level"] is not None:
        level = int(found["level"])
        return (
            _act_on_level(draft.levels[level], f"level-{level}", what, row, verb) if level < len(draft.levels) else ""
        )
    match what, verb:
        case "level", "add":
            draft.levels.append(fresh_level(draft))
            return f"id_level-{len(draft.levels) - 1}-name"
        case "level", _verb if found["row"]:
            return _level_moved(draft, row, verb)
        case "catch_all", _verb:
            return _row_act(draft.catch_all, row, verb, "catch_all", "")
        case "guideline", _verb:
            focus = _row_act(draft.guidelines, row, verb, "guideline", ("", ""))
            return f"{focus}-title" if verb == "add" else focus
    return ""


def fresh_level(draft: Draft) -> LevelDraft:
    """A level that lasts as long as most do; the person gives it a better name."""
    name = _("Level %(number)d") % {"number": len(draft.levels) + 1}
    return LevelDraft(texts={"name": name, "told_by": OWN, "ack": "5m" if not draft.levels else "10m"})


def _act_on_level(level: LevelDraft, prefix: str, what: str, row: int, verb: str) -> str:
    if what in LISTS and what != "accountable":
        return _row_act(level.targets(what), row, verb, f"{prefix}-{what}", "")
    match what, verb:
        case "finer", "add":
            level.finer = True
            return f"id_{prefix}-delay_from"
        case "finer", "remove":
            level.finer = False
            for name in (*FINER, "if_unreachable"):
                level.texts.pop(name, None)
            return f"{prefix}-finer-add"
        case "repeat", "add":
            level.repeat = True
            level.texts |= {"repeat_every": "5m", "repeat_times": ""}
            level.repeat_severities = [severity_name(severity) for severity in CRITICAL]
            return f"id_{prefix}-repeat_every"
        case "repeat", "remove":
            level.repeat = False
            return f"{prefix}-repeat-add"
        case "raci", "add":
            level.raci = True
            # Whoever is told does the work, most of the time.
            level.lists["responsible"] = [text for text in level.targets("target") if text] or [""]
            level.lists["accountable"] = [""]
            return f"{prefix}-accountable-0"
        case "raci", "remove":
            level.raci = False
            for name in RACI:
                level.lists.pop(name, None)
            return f"{prefix}-raci-add"
    return ""


def _row_act(rows: list[T], row: int, verb: str, prefix: str, fresh: T) -> str:
    if verb == "add":
        rows.append(fresh)
        return f"{prefix}-{len(rows) - 1}"
    if verb == "remove" and row < len(rows):
        del rows[row]
        return f"{prefix}-{min(row, len(rows) - 1)}-remove" if rows else f"{prefix}-add"
    return ""


def _level_moved(draft: Draft, row: int, verb: str) -> str:
    """Move or remove a level. Severities that begin at a level go on beginning at that one, wherever it stands now."""
    levels = draft.levels
    if row >= len(levels):
        return ""
    order = list(range(len(levels)))
    if verb == "remove":
        del order[row], levels[row]
        _renumber(draft, order)
        return f"level-{min(row, len(levels) - 1)}-remove" if levels else "level-add"
    other = {"up": row - 1, "down": row + 1}.get(verb, -1)
    if not 0 <= other < len(levels):
        return f"level-{row}-{verb}" if verb in ("up", "down") else ""
    levels[row], levels[other] = levels[other], levels[row]
    order[row], order[other] = order[other], order[row]
    _renumber(draft, order)
    at_edge = other in (0, len(levels) - 1)
    return f"level-{other}-{({'up': 'down', 'down': 'up'}[verb]) if at_edge else verb}"


def _renumber(draft: Draft, order: list[int]) -> None:
    """``order`` has the old places in the new order."""
    places = {str(old + 1): str(new + 1) for new, old in enumerate(order)}
    for severity in SEVERITIES:
        if text := draft.text(f"start_sev{severity}"):
            draft.texts[f"start_sev{severity}"] = places.get(text, "")
