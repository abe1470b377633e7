"""A percentile of what is not kept as figures (``reports.figures.counting`` counts those by the same rule). Pure."""

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest of `values` that at least `percent` % of them do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]
