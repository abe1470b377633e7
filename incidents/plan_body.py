"""What a plan template says: its JSON Schema, and the reading of it with an error that names the place. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from escalation_site.kernel.errors import DomainError

MOST_TASKS = 200
PRIORITIES = {"urgent": 1, "high": 2, "normal": 3, "low": 4}
_TEXT = {"type": "string", "maxLength": 10_000}
_LINE = {"type": "string", "minLength": 1, "maxLength": 200}
_KEY = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"}


def _task(depth: int) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "key": {**_KEY, "description": "A name for it, so that other tasks can wait on it."},
        "title": _LINE,
        "details": _TEXT,
        "kind": {"enum": ["task", "milestone"]},
        "priority": {"enum": list(PRIORITIES)},
        "role": {"type": "string", "description": "The key of the role whose holder does it."},
        "due_minutes": {"type": "integer", "minimum": 0, "maximum": 525_600, "description": "After it is applied."},
        "needs_approval": {"type": "boolean"},
        "waits_on": {"type": "array", "items": _KEY, "description": "Not begun before these are over."},
        "should_wait_on": {"type": "array", "items": _KEY, "description": "Whoever begins it before is warned."},
    }
    if depth > 1:
        properties["subtasks"] = {"type": "array", "items": _task(depth - 1)}
    return {"type": "object", "required": ["title"], "additionalProperties": False, "properties": properties}


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Plan template",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "objectives": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 240},
            "description": "What is to be reached, the most important first.",
        },
        "sections": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["title"],
                "additionalProperties": False,
                "properties": {"title": _LINE, "text": _TEXT},
            },
        },
        "roles": {"type": "array", "items": {"type": "string"}, "description": "Keys of the roles it needs filled."},
        "tasks": {"type": "array", "items": _task(3)},
    },
}


@dataclass(frozen=True, slots=True)
class PlanTask:
    """A task of the template. ``place`` is where it stands, ``parent`` the place of what it is part of."""

    place: str
    parent: str
    title: str
    details: str
    kind: str
    priority: int
    role: str
    due_minutes: int | None
    needs_approval: bool
    waits: tuple[tuple[str, bool], ...]
    """The places of what it waits on, each with whether strictly."""


@dataclass(frozen=True, slots=True)
class PlanDef:
    objectives: tuple[str, ...]
    sections: tuple[tuple[str, str], ...]
    roles: tuple[str, ...]
    tasks: tuple[PlanTask, ...]

    @property
    def all_roles(self) -> frozenset[str]:
        """The roles it asks for and those its tasks name."""
        return frozenset(self.roles) | {task.role for task in self.tasks if task.role}


def plan_parse(body: Any) -> PlanDef:
    """The plan that ``body`` says. Raises DomainError whose field is the place at fault ("tasks[2].waits_on[0]")."""
    errors = sorted(
        Draft202012Validator(SCHEMA).iter_errors(body), key=lambda error: list(map(str, error.absolute_path))
    )
    if errors:
        raise DomainError(errors[0].message, field=_place(errors[0].absolute_path))
    found = list(_walk(body.get("tasks", []), "tasks", ""))
    if len(found) > MOST_TASKS:
        raise DomainError(_("A plan has at most %(most)d tasks.") % {"most": MOST_TASKS}, field="tasks")
    keys: dict[str, str] = {}
    for place, _parent, task in found:
        if key := task.get("key"):
            if key in keys:
                raise DomainError(_("Another task has the key “%(key)s”.") % {"key": key}, field=f"{place}.key")
            keys[key] = place
    return PlanDef(
        objectives=tuple(body.get("objectives", [])),
        sections=tuple((one["title"], one.get("text", "")) for one in body.get("sections", [])),
        roles=tuple(dict.fromkeys(body.get("roles", []))),
        tasks=tuple(_plan_task(place, parent, task, keys) for place, parent, task in found),
    )


def _place(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _walk(tasks: list[Mapping[str, Any]], place: str, parent: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every task before its parts, with its place and that of what it is part of."""
    for number, task in enumerate(tasks):
        here = f"{place}[{number}]"
        yield here, parent, task
        yield from _walk(task.get("subtasks", []), f"{here}.subtasks", here)


def _plan_task(place: str, parent: str, task: Mapping[str, Any], keys: Mapping[str, str]) -> PlanTask:
    waits = []
    for name, strict in (("waits_on", True), ("should_wait_on", False)):
        for number, key in enumerate(task.get(name, [])):
            if key not in keys:
                raise DomainError(_("No task has the key “%(key)s”.") % {"key": key}, field=f"{place}.{name}[{number}]")
            waits.append((keys[key], strict))
    return PlanTask(
        place=place,
        parent=parent,
        title=task["title"],
        details=task.get("details", ""),
        kind=task.get("kind", "task"),
        priority=PRIORITIES[task.get("priority", "normal")],
        role=task.get("role", ""),
        due_minutes=task.get("due_minutes"),
        needs_approval=task.get("needs_approval", False),
        waits=tuple(waits),
    )
