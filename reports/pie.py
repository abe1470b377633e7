"""A ring of shares as SVG paths. Pure: numbers in, paths out.

Slices go from dark to light in the order of their size and are parted by gaps, so that they are told apart on paper
without colour; each carries the number of its line in the table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

MOST = 6
"""Slices; more cannot be told apart. What is beyond is one slice of its own."""
SIZE = 160
OUTER, INNER = 76.0, 46.0
GAP = 0.012
"""Of the circle, between two slices."""
LABELLED = 0.05
"""A slice smaller than this has no room for its number."""


@dataclass(frozen=True, slots=True)
class Slice:
    """``path`` draws it; ``shade`` 1 is the darkest. ``x`` and ``y`` are where its number stands; none where it is too small."""

    number: int
    path: str
    shade: int
    x: float | None
    y: float | None


@dataclass(frozen=True, slots=True)
class Ring:
    slices: tuple[Slice, ...]
    size: int = SIZE


def ring(values: Sequence[float]) -> Ring:
    """A slice for each value that is above nought, numbered by its place from 1."""
    total = sum(value for value in values if value > 0)
    gap = GAP if sum(value > 0 for value in values) > 1 else 0.0
    slices, begin = [], 0.0
    for number, value in enumerate(values, start=1):
        if value <= 0:
            continue
        share = value / total
        middle = begin + share / 2
        room = share >= LABELLED
        x, y = _place(middle, (OUTER + INNER) / 2)
        path = _slice(begin + min(gap, share / 3) / 2, begin + share - min(gap, share / 3) / 2)
        slices.append(Slice(number, path, min(number, MOST + 1), x if room else None, y if room else None))
        begin += share
    return Ring(tuple(slices))


def _circle(radius: float, sweep: int) -> str:
    (x1, y1), (x2, y2) = _place(0.0, radius), _place(0.5, radius)
    half = f"A{radius:g} {radius:g} 0 1 {sweep}"
    return f"M{x1:g} {y1:g}{half} {x2:g} {y2:g}{half} {x1:g} {y1:g}Z"


def _place(turn: float, radius: float) -> tuple[float, float]:
    angle = 2 * pi * turn - pi / 2
    return round(SIZE / 2 + radius * cos(angle), 2), round(SIZE / 2 + radius * sin(angle), 2)


def _slice(begin: float, end: float) -> str:
    if end - begin > 0.9999:
        # An arc that ends where it begins is not drawn: two rings of two halves are, and the inner one, drawn the other way, is a hole.
        return _circle(OUTER, 1) + _circle(INNER, 0)
    large = int(end - begin > 0.5)
    (x1, y1), (x2, y2) = _place(begin, OUTER), _place(end, OUTER)
    (x3, y3), (x4, y4) = _place(end, INNER), _place(begin, INNER)
    return (
        f"M{x1:g} {y1:g}A{OUTER:g} {OUTER:g} 0 {large} 1 {x2:g} {y2:g}"
        f"L{x3:g} {y3:g}A{INNER:g} {INNER:g} 0 {large} 0 {x4:g} {y4:g}Z"
    )
