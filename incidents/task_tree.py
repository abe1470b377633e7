"""The tasks of one incident as a tree, with what rolls up, and whether waiting would go round in a circle. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

DEEPEST = 3
URGENT = 1
DONE, DROPPED = "done", "dropped"
ENDED = frozenset({DONE, DROPPED})


class Piece(Protocol):
    """What the tree needs to know of a task."""

    pk: int
    parent_id: int | None
    state: str
    priority: int
    position: int


@dataclass(slots=True)
class Node:
    """A task with its subtasks. ``done`` of ``total`` counts what is below it (itself where nothing is), dropped ones left out;
    ``minutes`` is the time spent on it and below."""

    task: Piece
    children: list["Node"] = field(default_factory=list)
    done: int = 0
    total: int = 0
    minutes: int = 0

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()


def tree_of(tasks: Iterable[Piece], minutes: Mapping[int, int] | None = None) -> list[Node]:
    """The tasks that are part of no other, each with what is below it. Open urgent ones come first (R211), then the order people
    gave them. ``minutes`` are those spent on each task itself."""
    nodes = {task.pk: Node(task, minutes=(minutes or {}).get(task.pk, 0)) for task in tasks}
    tops: list[Node] = []
    for node in sorted(nodes.values(), key=lambda one: order_key(one.task)):
        parent = nodes.get(node.task.parent_id) if node.task.parent_id else None
        (parent.children if parent else tops).append(node)
    for top in tops:
        _roll_up(top)
    return tops


def order_key(task: Piece) -> tuple[bool, int, int]:
    """What is urgent and not over first, then as people put it."""
    return (not (task.priority == URGENT and task.state not in ENDED), task.position, task.pk)


def _roll_up(node: Node) -> None:
    for child in node.children:
        _roll_up(child)
        node.minutes += child.minutes
    if not node.children:
        node.total = int(node.task.state != DROPPED)
        node.done = int(node.task.state == DONE)
        return
    node.total = sum(child.total for child in node.children)
    node.done = sum(child.done for child in node.children)


Edges = Mapping[int, Collection[int]]
"""From a task to those that must be over before it can be."""


def edges_of(waits: Iterable[tuple[int, int]], parents: Iterable[tuple[int, int | None]]) -> dict[int, set[int]]:
    """``waits`` are (task, what it waits on), ``parents`` (task, what it is part of). A task is over only when its parts are, so
    that a part which waits on its own whole is a circle too."""
    edges: dict[int, set[int]] = {}
    for task, other in waits:
        edges.setdefault(task, set()).add(other)
    for task, parent in parents:
        if parent is not None:
            edges.setdefault(parent, set()).add(task)
    return edges


def way(edges: Edges, start: int, goal: int) -> list[int]:
    """The tasks from ``start`` to ``goal`` along what each waits for, both included; empty where there is no way."""
    came: dict[int, int | None] = {start: None}
    queue = [start]
    while queue:
        here = queue.pop(0)
        if here == goal:
            found: list[int] = []
            step: int | None = here
            while step is not None:
                found.append(step)
                step = came[step]
            return found[::-1]
        for other in sorted(edges.get(here, ())):
            if other not in came:
                came[other] = here
                queue.append(other)
    return []


def circle(edges: Edges, task: int, waits_on: int) -> list[int]:
    """The circle there would be if ``task`` waited on ``waits_on``: from ``task`` back to itself; empty where there is none."""
    back = way(edges, waits_on, task)
    return [task, *back] if back else []
