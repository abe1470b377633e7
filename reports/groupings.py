"""What figures are grouped by besides their own dimensions: incidents by their state, by whether they were escalated, by an answer to
a question of the house's own; pages by whom they were for and when they came. Pure."""

from array import array
from collections.abc import Mapping
from itertools import repeat

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.figures.columns import Columns
from reports.figures.definitions import METRICS, NO, YES
from reports.names import ESCALATED, HOURS, PERSON, STATE, STATES, TITLES

GROUP_TITLES: Mapping[str, str | Promise] = {
    **TITLES,
    STATE: _("State"),
    ESCALATED: METRICS[ESCALATED].title,
    PERSON: _("Person"),
    HOURS: _("Hours of the person"),
    "task_state": _("State of the task"),
}
"""By what a card may be grouped, in the order of the menu. Filters and pages side by side have TITLES alone."""


def grouped(columns: Columns, dimension: str) -> Columns:
    """The columns with one of ``dimension``; the state follows from what has happened and is not stored."""
    if dimension == HOURS:
        # A page that was withdrawn interrupted nobody.
        return columns.narrowed({"sleep": (YES, NO)})
    return _Stated(columns) if dimension == STATE else columns


def answered(columns: Columns, dimension: str, answers: Mapping[int, int]) -> Columns:
    """The columns of incidents with one of ``dimension``: the number of each one's answer, nought where there is none."""
    return _Answered(columns, dimension, answers)


class _Answered(Columns):
    """Columns of incidents with their answers to a question."""

    def __init__(self, base: Columns, dimension: str, answers: Mapping[int, int]) -> None:
        super().__init__(base.layout, {})
        self._base, self._dimension, self._answers = base, dimension, answers

    def __len__(self) -> int:
        return len(self._base)

    def __getitem__(self, name: str) -> "array[int]":
        if name != self._dimension:
            return self._base[name]
        if name not in self._arrays:
            self._arrays[name] = array("i", map(self._answers.get, self._base["id"], repeat(0)))
        return self._arrays[name]


class _Stated(Columns):
    """Columns of incidents with their state (a place in STATES, from 1)."""

    def __init__(self, base: Columns) -> None:
        super().__init__(base.layout, {})
        self._base = base

    def __len__(self) -> int:
        return len(self._base)

    def __getitem__(self, name: str) -> "array[int]":
        if name != STATE:
            return self._base[name]
        if name not in self._arrays:
            triggered, acknowledged, resolved = (
                STATES.index(one) + 1 for one in ("triggered", "acknowledged", "resolved")
            )
            both = zip(self._base["acknowledge"], self._base["resolve"], strict=True)
            self._arrays[name] = array(
                "B", (resolved if ended >= 0 else acknowledged if taken >= 0 else triggered for taken, ended in both)
            )
        return self._arrays[name]
