"""The books of rules of the whole house: read in force, published as a new version. Each has a `Shape`.

A book of which no version was published holds what Watchbell comes with (version 0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import orjson
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import Conflict
from oncall.models import User
from policies.channels import ChannelsDef, channels_dump, channels_parse
from policies.conditions import VOCABULARY
from policies.criteria import READY, CriteriaDef, criteria_dump, criteria_parse
from policies.models import BookVersion
from policies.own_facts import own_facts_follow, own_facts_take, stamp_expression
from policies.priority import PriorityDef, priority_dump, priority_parse
from policies.routing import RoutingDef, routing_dump, routing_parse
from policies.sla import SlaDef, sla_dump, sla_parse

Value = TypeVar("Value")
_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class Shape(Generic[Value]):
    """How a book is read and written. ``parse`` raises DefinitionInvalid naming every field at fault."""

    book: BookVersion.Book
    parse: Callable[[object], Value]
    dump: Callable[[Value], dict[str, Any]]
    default: Value


@dataclass(frozen=True, slots=True)
class Reading(Generic[Value]):
    """A book as it was read: its version (number 0 and no ``version_id``: what Watchbell comes with) and what it says."""

    number: int
    version_id: int | None
    value: Value


ROUTING: Shape[RoutingDef] = Shape(BookVersion.Book.ROUTING, routing_parse, routing_dump, RoutingDef())
CRITERIA: Shape[CriteriaDef] = Shape(BookVersion.Book.CRITERIA, criteria_parse, criteria_dump, READY)
PRIORITY: Shape[PriorityDef] = Shape(BookVersion.Book.PRIORITY, priority_parse, priority_dump, PriorityDef())
SLA: Shape[SlaDef] = Shape(BookVersion.Book.SLA, sla_parse, sla_dump, SlaDef())
CHANNELS: Shape[ChannelsDef] = Shape(BookVersion.Book.CHANNELS, channels_parse, channels_dump, ChannelsDef())


class BookEditedMeanwhile(Conflict):
    """Somebody published ``newest`` after this edit began; nothing was saved."""

    default_code = "edited_meanwhile"

    def __init__(self, newest: BookVersion) -> None:
        name = newest.author.name if newest.author else _("the system")
        super().__init__(
            _("%(name)s saved version %(number)d after you began. Look at what changed, then save again.")
            % {"name": name, "number": newest.number}
        )
        self.newest = newest


_parsed: dict[tuple[str, str, object], object] = {}


def book_read(shape: Shape[Value]) -> Reading[Value]:
    """The version in force: one small query, and a second one where this process has not read that version yet.

    The house's own facts are followed on the way: conditions speak of them.
    """
    versions = BookVersion.objects.filter(book=shape.book).order_by("-number")
    newest = versions.annotate(own_facts=stamp_expression()).values_list("pk", "number", "digest", "own_facts").first()
    if newest is None:
        return Reading(0, None, shape.default)
    pk, number, digest, stamp = newest
    own_facts_take(stamp)
    stored = BookVersion.objects.values_list("definition", flat=True)
    return Reading(number, pk, _remembered(shape, digest, lambda: stored.get(pk=pk)))


def book_value(shape: Shape[Value], version: BookVersion) -> Value:
    """What a stored version says; each is parsed once per process."""
    return _remembered(shape, version.digest, lambda: version.definition)


def _remembered(shape: Shape[Value], digest: str, document: Callable[[], object]) -> Value:
    key = (shape.book.value, digest, VOCABULARY.stamp)
    if key not in _parsed:
        if len(_parsed) > _REMEMBERED:
            _parsed.clear()
        _parsed[key] = shape.parse(document())
    return cast(Value, _parsed[key])


@transaction.atomic
def book_publish(
    *,
    shape: Shape[Value],
    definition: object,
    author: User | None,
    at: datetime,
    reason: str = "",
    base: int | None = None,
) -> BookVersion:
    """Make ``definition`` what holds from now on. Returns the version in force when nothing would change.

    ``base`` is the number of the version it stems from, None for whoever does not look. Raises DefinitionInvalid naming
    every field at fault, BookEditedMeanwhile where there is a newer version than ``base``.
    """
    own_facts_follow()
    document = shape.dump(shape.parse(definition))
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
    last = BookVersion.objects.filter(book=shape.book).select_related("author").order_by("-number").first()
    if last is not None and base is not None and last.number > base:
        raise BookEditedMeanwhile(last)
    if last is not None and last.digest == digest:
        return last
    version = BookVersion(
        book=shape.book,
        number=last.number + 1 if last else 1,
        definition=document,
        digest=digest,
        author=author,
        reason=reason.strip()[:200],
        created_at=at,
    )
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError as error:
        # Two published at once: the second is shown what the first did.
        newest = BookVersion.objects.filter(book=shape.book).select_related("author").order_by("-number")[0]
        raise BookEditedMeanwhile(newest) from error
    entry_append(
        EntryValue(
            at=at,
            action="book.publish",
            object_type="book",
            object_id=shape.book.value,
            object_label=str(version),
            subject=f"book:{shape.book.value}",
            actor=Actor("user", str(author.pk), author.name) if author else Actor.system("system"),
            before={"definition": last.definition} if last else None,
            after={"definition": document},
            data={"reason": version.reason} if version.reason else None,
        )
    )
    return version
