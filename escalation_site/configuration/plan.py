"""What applying a file changes, and how that reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.configuration.fields import Secret
from escalation_site.configuration.problems import Keys, path_text

MOST_WIDTH = 100
DEFINITION = "definition"


class Step(StrEnum):
    """What becomes of one object."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value of one field, by the path to it; ``before`` or ``after`` is None where there is nothing."""

    keys: Keys
    before: Any
    after: Any

    def __str__(self) -> str:
        # A definition's parts stand in the entry itself: "definition" is only how they are compared.
        path = path_text(self.keys[1:] if self.keys[0] == DEFINITION and len(self.keys) > 1 else self.keys)
        return (
            f"{path}: {shown(self.after)}"
            if self.before is None
            else f"{path}: {shown(self.before)} → {shown(self.after)}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the object ``name`` of ``section``; ``name`` is "" where the section is one document."""

    section: str
    name: str
    step: Step
    fields: tuple[FieldChange, ...] = ()

    def lines(self) -> Iterator[str]:
        sign = {Step.CREATED: "+", Step.CHANGED: "~", Step.UNCHANGED: "="}[self.step]
        place = f"{self.section}/{self.name}" if self.name else self.section
        yield f"{sign} {place} {self.step.value}"
        for field in self.fields:
            yield f"    {field}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes in the order they are made, and the keys that were generated: (integration, key), to be told once."""

    changes: tuple[Change, ...]
    new_keys: tuple[tuple[str, str], ...] = ()

    def of(self, step: Step) -> list[Change]:
        return [change for change in self.changes if change.step is step]

    @property
    def is_empty(self) -> bool:
        """Whether everything is already as the file says."""
        return not self.of(Step.CREATED) and not self.of(Step.CHANGED)

    def summary(self, *, dry_run: bool = False) -> str:
        unchanged = len(self.of(Step.UNCHANGED))
        if self.is_empty:
            return ngettext(
                "Nothing to change: %(count)d object is as the file says.",
                "Nothing to change: %(count)d objects are as the file says.",
                unchanged,
            ) % {"count": unchanged}
        counts = {"created": len(self.of(Step.CREATED)), "changed": len(self.of(Step.CHANGED)), "unchanged": unchanged}
        text = _("%(created)d created, %(changed)d changed, %(unchanged)d unchanged.") % counts
        return " ".join((text, _("Dry run: nothing was written."))) if dry_run else text


def created(section: str, name: str, wanted: Mapping[str, Any]) -> Change:
    """The plan's line for a new object: what it is given, one line a field."""
    parts: dict[Keys, Any] = {(key,): value for key, value in wanted.items() if key != DEFINITION}
    parts |= {(DEFINITION, key): value for key, value in wanted.get(DEFINITION, {}).items()}
    return Change(section, name, Step.CREATED, tuple(FieldChange(keys, None, value) for keys, value in parts.items()))


def compared(section: str, name: str, before: Mapping[str, Any], changed: Mapping[str, Any]) -> Change:
    """The plan's line for an object that exists, of which ``changed`` differs."""
    if not changed:
        return Change(section, name, Step.UNCHANGED)
    differences = [
        difference for key, value in changed.items() for difference in _differences((key,), before.get(key), value)
    ]
    return Change(section, name, Step.CHANGED, tuple(differences))


def _differences(keys: Keys, before: Any, after: Any) -> Iterator[FieldChange]:
    """The smallest parts that differ: a definition of twenty levels shows the one timeout that changed."""
    if isinstance(after, Secret):
        yield FieldChange(keys, _("(as before)"), after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            if before.get(key) != after.get(key):
                yield from _differences((*keys, key), before.get(key), after.get(key))
    elif (
        isinstance(before, list)
        and isinstance(after, list)
        and len(before) == len(after)
        and _are_parts(before + after)
    ):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                yield from _differences((*keys, index), old, new)
    else:
        yield FieldChange(keys, before if before is not None else "", after)


def _are_parts(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def shown(value: Any) -> str:
    """A value in one short line; a secret never."""
    if isinstance(value, Secret):
        return _("(a new secret)")
    if value is None or value == "" or value == [] or value == {}:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return _short(", ".join(value))
    if isinstance(value, dict | list):
        return _short(_flat(value))
    return _short(str(value))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{key}: {_flat(part)}" for key, part in value.items() if part not in (None, "", [], {}))
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_flat(part) for part in value) + "]"
    return shown(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_WIDTH else line[: MOST_WIDTH - 1] + "…"
