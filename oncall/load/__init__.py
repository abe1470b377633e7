"""What being on call asks of people: hours, nights, weekends and holidays, fairness, limits, clashes, and hours for pay.

Everything here is computed from ``selectors.Loaded``, the one function behind every surface. For whoever changes a
schedule: ``capacity_warnings`` and ``overloads_brought`` say whom a change pushes over their limit,
``clashes_brought`` who would be on call in two places at once.
"""

from oncall.load.capacity import Overload, capacity_warnings, overload_text, overloads_brought
from oncall.load.clashing import Clash, clash_text, clashes_brought

__all__ = [
    "Clash",
    "Overload",
    "capacity_warnings",
    "clash_text",
    "clashes_brought",
    "overload_text",
    "overloads_brought",
]
