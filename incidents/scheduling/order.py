"""What comes before what. Pure."""

from collections.abc import Collection, Hashable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Circle(ValueError):
    """Work that waits on itself in the end; ``keys`` are those who wait for each other, in a row."""

    def __init__(self, keys: tuple[Any, ...]) -> None:
        super().__init__(f"these wait for each other: {keys}")
        self.keys = keys


def in_order(before: Mapping[Key, Collection[Key]]) -> list[Key]:
    """The keys, each after all that ``before`` names for it. Raises Circle where there is no such order."""
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        keys = tuple(error.args[1])
        # The sorter names the first one again at the end.
        raise Circle(keys[:-1]) from error


def circle_of(before: Mapping[Key, Collection[Key]]) -> tuple[Key, ...]:
    """The keys of a circle, in a row; none where ``before`` can be put in order. For whoever is about to add to it."""
    try:
        in_order(before)
    except Circle as circle:
        return circle.keys
    return ()
