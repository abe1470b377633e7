"""What figures are grouped by besides their own dimensions: incidents by their state, pages by whom they were for. Pure."""

from array import array
from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.figures.columns import Columns
from reports.names import PERSON, STATE, STATES, TITLES

GROUP_TITLES: Mapping[str, str | Promise] = {**TITLES, STATE: _("State"), PERSON: _("Person")}
"""By what a card may be grouped, in the order of the menu. Filters and pages side by side have TITLES alone."""


def grouped(columns: Columns, dimension: str) -> Columns:
    """The columns with one of ``dimension``; the state follows from what has happened and is not stored."""
    return _Stated(columns) if dimension == STATE else columns


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
