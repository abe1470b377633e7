"""What every figure is printed with: when, where, and what else the machine was doing."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime


def heading(title: str) -> None:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{title}")
    print(
        f"  {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load average {load}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def judged(value: float, goal: float, *, at_most: bool) -> str:
    """Whether ``value`` meets its goal, in words."""
    met = value <= goal if at_most else value >= goal
    return f"goal {'≤' if at_most else '≥'} {goal:g}: {'met' if met else 'MISSED'}"
