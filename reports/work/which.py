"""What is counted of the work on incidents, by the names that cards and addresses have for it. Pure."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.models import Task
from reports.cards import LATE, TASKS, WORKED
from reports.narrow import ALSO

TASK_STATE = "task_state"
TITLES: Mapping[str, str | Promise] = {
    TASKS: _("Tasks made in the period"),
    LATE: _("Tasks that are late"),
    WORKED: _("Time spent in the period"),
}
STATES: Mapping[str, str | Promise] = {f"{TASK_STATE}.{state.value}": state.label for state in Task.State}
"""Parts of the tasks."""


def of_work(which: str) -> bool:
    """Whether a number called so counts work."""
    return which.partition(ALSO)[0] in TITLES


def title_of(which: str) -> str:
    """What it is called; ``which`` counts work."""
    first, _also, part = which.partition(ALSO)
    return " · ".join(str(one) for one in (TITLES[first], STATES.get(part)) if one)
