"""Handing one incident from a person to another: what a good handover brings along, and how much of it was there (R319). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

RATED = "incident.handover_rate"
"""The line in which whoever took over says whether they had the full context."""
CHECKLIST = "checklist"
"""Under which name a handover's line keeps what was there."""
ITEMS: Mapping[str, str | Promise] = {
    "note": _("Words for whoever takes over"),
    "summary": _("What is wrong is written down"),
    "impact": _("What customers notice is known"),
    "tried": _("What was tried or decided is in the timeline"),
    "way": _("A runbook or a bridge to go on with"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist and whether it was there."""

    key: str
    label: str | Promise
    there: bool


def items_of(there: Sequence[str]) -> list[Item]:
    """The whole checklist, from what a handover's line keeps."""
    return [Item(key, label, key in there) for key, label in ITEMS.items()]


def percent_of(there: Sequence[str]) -> int:
    """How much of the checklist was there."""
    return round(100 * sum(key in there for key in ITEMS) / len(ITEMS))
