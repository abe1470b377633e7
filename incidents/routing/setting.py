"""Which facts people and tools may set, and what is a value of them.

Answers to the house's own fields come as ``custom`` (an object by key) or one by one as ``custom.<key>``; they are stored
together, typed, under ``custom``. What no field is declared for (a question of the severity criteria) stays under its full name.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.custom_fields import answers_checked
from incidents.models import CustomField
from incidents.routing.gathering import OWN_COLUMNS
from policies.conditions import CLOCK_KINDS, VOCABULARY, Kind, facts_ignored

COLUMNS = ("impact", "urgency")
"""Facts that are columns of their own and are set like the others."""
RECORDS = ("criteria",)
"""Kept beside the facts and no facts themselves: how the severity was judged."""
CUSTOM = "custom"
"""Where the answers to the house's own fields are kept."""
MAX_TEXT = 2_000


def facts_checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as they are stored: ranks as numbers; None stands for "not known any more", alone or among the answers.

    Raises DomainError naming the first name that is no fact anybody may set, or the value that is none of its fact.
    """
    answers, others = _parted(values)
    found = {name: value if name in RECORDS else _checked(name, value) for name, value in others.items()}
    return {**found, CUSTOM: answers_checked(answers)} if answers else found


def _parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers to fields of the house, by key, and everything else."""
    given = values.get(CUSTOM)
    if given is not None and not isinstance(given, Mapping):
        raise DomainError(_("This is no value of that fact."), field=CUSTOM)
    answers = {str(key): value for key, value in (given or {}).items()}
    others = {name: value for name, value in values.items() if name != CUSTOM}
    own = [name for name in others if name.startswith(f"{CUSTOM}.")]
    if own:
        keys = {name.partition(".")[2]: name for name in own}
        for key in CustomField.objects.filter(key__in=keys).values_list("key", flat=True):
            answers[key] = others.pop(keys[key])
    return answers, others


def _checked(name: str, value: Any) -> Any:
    fact = VOCABULARY.find(name)
    settable = fact is not None and fact.kind not in (*CLOCK_KINDS, Kind.HISTORY) and not name.startswith("labels.")
    if fact is None or not settable or name == "category" or (name in OWN_COLUMNS and name not in COLUMNS):
        raise DomainError(_("“%(name)s” is no fact that can be set.") % {"name": name}, field=name)
    if value is None:
        return None
    if facts_ignored({name: value}) or (isinstance(value, str) and len(value) > MAX_TEXT):
        raise DomainError(_("This is no value of that fact."), field=name)
    return fact.rank_of(value) if fact.kind is Kind.RANK else value


def facts_stored(checked: Mapping[str, Any]) -> dict[str, Any]:
    """Checked facts of a new incident without what is not known, also among the answers."""
    known = {name: value for name, value in checked.items() if value is not None and name != CUSTOM}
    answers = {key: value for key, value in (checked.get(CUSTOM) or {}).items() if value is not None}
    return {**known, CUSTOM: answers} if answers else known
