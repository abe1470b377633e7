"""Fields of what comes regularly or belongs to somebody: a time of day, the filters of an address, "elena/Nights"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Field, Missing, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.users import KIND as USERS
from escalation_site.configuration.problems import did_you_mean
from oncall.models import User
from reports.exports.asking import query_kept

LONGEST_NAME = 80


def time_text(moment: time) -> str:
    """As the file writes it: "08:00"."""
    return moment.isoformat() if moment.second or moment.microsecond else f"{moment:%H:%M}"


@dataclass(frozen=True, slots=True)
class TimeOfDay(Field):
    """A time of day, such as 08:00."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}

    def value(self, item: Item, scope: Scope) -> Any:
        try:
            return time_text(time.fromisoformat(str(item.data)))
        except ValueError:
            item.wrong(_("must be a time of day, such as 08:00"))
            return UNUSABLE


@dataclass(frozen=True, slots=True)
class Filters(Text):
    """The filters of a page, as in its address; always written the same way."""

    most: int = 4000

    def value(self, item: Item, scope: Scope) -> Any:
        text = Text.value(self, item, scope)
        return text if isinstance(text, Missing) else query_kept(text)


class OwnedKind(Kind):
    """What belongs to a person and has a name among their own: an entry is called "elena/Nights"."""

    name_pattern = rf"{USERS.name_pattern}/\S(.*\S)?"
    name_length = USERS.name_length + 1 + LONGEST_NAME
    after: ClassVar[tuple[str, ...]] = ("users",)

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        owner, _slash, _name = str(item.keys[-1]).partition("/")
        if not scope.knows("users", owner):
            known = [*scope.in_file.get("users", ()), *scope.in_database("users")]
            item.wrong(
                _("“%(name)s” is not among the %(section)s.") % {"name": owner, "section": "users"}
                + did_you_mean(owner, known)
            )
        return super().read(item, scope, exists=exists)

    def names(self) -> set[str]:
        return set(self.current())

    def owner(self, writing: Writing, name: str) -> tuple[User, str]:
        """Whose it is, and what it is called among theirs."""
        username, _slash, own = name.partition("/")
        found: User = writing.row(USERS, username)
        return found, own


def whole(before: Mapping[str, Any], changed: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What an object is to be: what it is, or else what is usual, with what the file changes."""
    return {**defaults, **before, **changed}
