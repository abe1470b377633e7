"""What every kind of configured object has in common: its fields, its state in the database, and how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from audit.services import Actor
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Field, Scope, Secret
from escalation_site.configuration.problems import did_you_mean
from oncall.models import User

Fields = dict[str, Any]
"""An object in the form of the file: field names to plain values, other objects by their names."""

SLUG = r"[-a-zA-Z0-9_]+"


@dataclass(slots=True)
class Writing:
    """What writing needs: when, by whom, why, and the rows written or found so far."""

    at: datetime
    user: User | None
    reason: str = ""
    rows: dict[tuple[str, str], models.Model] = field(default_factory=dict)
    new_keys: list[tuple[str, str]] = field(default_factory=list)
    """Keys that were generated, each (name of the integration, key): told once, stored nowhere."""
    hashes: dict[Secret, str] = field(default_factory=dict)
    """Hashing a password takes a good part of a second; who is given the same one in one file gets the same hash."""

    @property
    def actor(self) -> Actor:
        return Actor("user", str(self.user.pk), self.user.name) if self.user else Actor.system("configuration")

    def row(self, kind: Kind, name: str | None) -> Any:
        """The row of ``kind`` called ``name``; None for None.

        Raises NotWritten where the file's own entry was refused.
        """
        if name is None:
            return None
        found = self.rows.get((kind.section, name))
        if found is None:
            found = kind.model._default_manager.filter(**{kind.name_field: name}).first()
            if found is None:
                raise NotWritten
            self.rows[kind.section, name] = found
        return found


class NotWritten(Exception):
    """Something this object refers to was refused; its own mistake is noted already."""


class Kind(ABC):
    """One section of the file. A module of ``kinds`` defines one and names it KIND; nothing else has to know it.

    ``after`` names the sections that must be written before this one. ``own_reference`` is the field, if any, by which
    an entry names another of the same section (``own_name`` where it lies deeper): it is written after that one, and a
    circle is refused. ``single``: the section is itself the only entry, one document for the whole house, and is
    called "".
    """

    section: ClassVar[str]
    help: ClassVar[str]
    model: ClassVar[type[models.Model]]
    name_field: ClassVar[str] = "slug"
    name_pattern: ClassVar[str] = SLUG
    name_length: ClassVar[int] = 60
    fields: ClassVar[tuple[Field, ...]]
    after: ClassVar[tuple[str, ...]] = ()
    own_reference: ClassVar[str] = ""
    single: ClassVar[bool] = False

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one entry."""
        return {"type": "object", "additionalProperties": False, "properties": self.properties()}

    def properties(self) -> dict[str, Any]:
        return {item.name: item.described() for item in self.fields}

    def names(self) -> set[str]:
        """What there is in the database."""
        return set(self.model._default_manager.values_list(self.name_field, flat=True))

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        """The fields that the entry gives, normalised; mistakes are noted in the items and leave their field out."""
        known = tuple(self.properties())
        for name, member in item.members.items():
            if name not in known:
                member.wrong(
                    _("is not a known field.")
                    + did_you_mean(name, known)
                    + " "
                    + _("Known are: %(known)s.") % {"known": ", ".join(known)}
                )
        given: Fields = {}
        for one in self.fields:
            if one.name in item.members:
                value = one.read(item.members[one.name], scope)
                if value is not UNUSABLE:
                    given[one.name] = value
            elif one.required and not exists:
                item.wrong(_("“%(field)s” is missing") % {"field": one.name})
        return given

    def current(self) -> dict[str, Fields]:
        """All objects of this kind in the database, by name, in the form of the file (secrets as they are stored)."""
        raise NotImplementedError

    def own_name(self, fields: Fields) -> str | None:
        """The entry of the same section that ``fields`` name, if any."""
        name: str | None = fields.get(self.own_reference)
        return name

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        """Whether the file asks for something else than there is."""
        return bool(before != wanted)

    @abstractmethod
    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> models.Model:
        """Create or change the object so that it has ``wanted``; ``changed`` are those of the fields that differ (all,
        when it is new).

        Raises ValidationError or DomainError for what the rules of the object itself refuse.
        """

    def place_of(self, error_field: str) -> tuple[str | int, ...]:
        """Where in the entry the mistake stands that a model reports for ``error_field``; the entry itself when
        unknown.
        """
        return (error_field,) if error_field in self.properties() else ()


def validation_messages(error: ValidationError) -> list[tuple[str, str]]:
    """The error as (field, message), field empty for the whole object."""
    if hasattr(error, "error_dict"):
        return [
            ("" if name == "__all__" else name, message)
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    return [("", message) for message in error.messages]
