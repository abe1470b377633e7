"""What an entry may hold: each field says its JSON Schema and reads its value, noting what is wrong with it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.problems import did_you_mean
from oncall.zones import time_zone_names, validate_time_zone
from policies.severity import DEFAULT_SEVERITIES, Severity


class Missing(Enum):
    """Stands for a value that could not be read: the mistake is noted, and whoever compares leaves the field out."""

    UNUSABLE = "unusable"


UNUSABLE: Final = Missing.UNUSABLE


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret from the file or the environment; compared, stored as a digest or hash, never shown."""

    plain: str = field(repr=False)


@dataclass(slots=True)
class Scope:
    """What a field may look at beside its own value: the names of all objects (of the file and the database) and
    the environment.
    """

    environ: Mapping[str, str]
    in_file: Mapping[str, Collection[str]]
    in_database: Callable[[str], Collection[str]]

    def knows(self, section: str, name: str) -> bool:
        return name in self.in_file.get(section, ()) or name in self.in_database(section)

    def reference(self, item: Item, section: str) -> str | Missing:
        """The name ``item`` holds, which must be that of an entry of ``section``; the entry may come later in the
        file.
        """
        name = item.data
        if not isinstance(name, str):
            item.wrong(_("must be a name from “%(section)s”") % {"section": section})
            return UNUSABLE
        if self.knows(section, name):
            return name
        known = [*self.in_file.get(section, ()), *self.in_database(section)]
        item.wrong(
            _("“%(name)s” is not among the %(section)s.") % {"name": name, "section": section}
            + did_you_mean(name, known)
        )
        return UNUSABLE


@dataclass(frozen=True, slots=True)
class Field(ABC):
    """One field of an entry.

    ``empty`` is what null means; a required field refuses null and must be there for a new object.
    """

    name: str
    help: str
    required: bool = False
    empty: Any = ""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the value, without its description."""

    @abstractmethod
    def value(self, item: Item, scope: Scope) -> Any:
        """The normalised value of what is not null, or UNUSABLE after noting why."""

    def read(self, item: Item, scope: Scope) -> Any:
        if item.data is None:
            if self.required:
                item.wrong(_("must not be empty"))
                return UNUSABLE
            return self.empty
        return self.value(item, scope)

    def described(self) -> dict[str, Any]:
        schema = self.schema()
        if not self.required and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        return {"description": self.help, **schema}


@dataclass(frozen=True, slots=True)
class Text(Field):
    """A text without surrounding blanks, of at most ``most`` characters; ``pattern`` is for short texts of a fixed
    form.
    """

    most: int = 200
    pattern: str = ""

    def schema(self) -> dict[str, Any]:
        return (
            {"type": "string", "maxLength": self.most}
            | ({"pattern": self.pattern} if self.pattern else {})
            | ({"minLength": 1} if self.required else {})
        )

    def value(self, item: Item, scope: Scope) -> Any:
        text = text_of(item, most=self.most)
        if isinstance(text, Missing):
            return text
        if self.required and not text:
            item.wrong(_("must not be empty"))
            return UNUSABLE
        if text and self.pattern and not re.fullmatch(self.pattern, text):
            item.wrong(_("has characters that are not allowed here (allowed: %(pattern)s)") % {"pattern": self.pattern})
            return UNUSABLE
        return text


def text_of(item: Item, *, most: int) -> str | Missing:
    """The text of ``item`` without surrounding blanks.

    Numbers and truth values are refused: YAML would have read them otherwise.
    """
    if not isinstance(item.data, str):
        item.wrong(_("must be a text; put it in quotes if it looks like a number"))
        return UNUSABLE
    text = item.data.strip()
    if len(text) > most:
        item.wrong(_("is longer than %(most)d characters") % {"most": most})
        return UNUSABLE
    if any((char < " " and char not in "\n\t") or "\ud800" <= char <= "\udfff" for char in text):
        item.wrong(_("holds characters that cannot be stored"))
        return UNUSABLE
    return text


@dataclass(frozen=True, slots=True)
class Choice(Field):
    """One of a few words."""

    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def value(self, item: Item, scope: Scope) -> Any:
        if item.data in self.choices:
            return item.data
        item.wrong(
            _("must be one of %(names)s.") % {"names": ", ".join(self.choices)}
            + did_you_mean(str(item.data), self.choices)
        )
        return UNUSABLE


@dataclass(frozen=True, slots=True)
class Flag(Field):
    """true or false."""

    empty: Any = False

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def value(self, item: Item, scope: Scope) -> Any:
        if isinstance(item.data, bool):
            return item.data
        item.wrong(_("must be true or false"))
        return UNUSABLE


@dataclass(frozen=True, slots=True)
class Whole(Field):
    """A whole number from ``least`` to ``most``."""

    least: int = 1
    most: int = 1

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def value(self, item: Item, scope: Scope) -> Any:
        if isinstance(item.data, int) and not isinstance(item.data, bool) and self.least <= item.data <= self.most:
            return item.data
        item.wrong(_("must be a whole number from %(least)d to %(most)d") % {"least": self.least, "most": self.most})
        return UNUSABLE


@dataclass(frozen=True, slots=True)
class SeverityField(Field):
    """A severity, as people write it (SEV-2) or as a number."""

    def schema(self) -> dict[str, Any]:
        return SEVERITY_SCHEMA.copy()

    def value(self, item: Item, scope: Scope) -> Any:
        return severity_of(item)


SEVERITY_SCHEMA: dict[str, Any] = {"enum": [1, 2, 3, 4, 5, "SEV-1", "SEV-2", "SEV-3", "SEV-4", "SEV-5"]}


def severity_of(item: Item) -> int | Missing:
    """1 to 5."""
    found = DEFAULT_SEVERITIES.find(item.data) if isinstance(item.data, int | str) else None
    if found is None or (isinstance(item.data, str) and not item.data.strip()[-1:].isdigit()):
        item.wrong(_("must be a severity from SEV-1 to SEV-5"))
        return UNUSABLE
    return Severity(found).value


@dataclass(frozen=True, slots=True)
class Zone(Field):
    """An IANA time zone."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["Europe/Rome"]}

    def value(self, item: Item, scope: Scope) -> Any:
        try:
            validate_time_zone(str(item.data))
        except ValidationError as error:
            item.wrong(error.messages[0] + did_you_mean(str(item.data), time_zone_names()))
            return UNUSABLE
        return item.data


@dataclass(frozen=True, slots=True)
class Reference(Field):
    """The name of an entry of ``section``."""

    empty: Any = None
    section: str = ""

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def value(self, item: Item, scope: Scope) -> Any:
        return scope.reference(item, self.section)


@dataclass(frozen=True, slots=True)
class References(Field):
    """A list of names of entries of ``section``, each once, in any order."""

    empty: Any = field(default_factory=list)
    section: str = ""

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list):
            item.wrong(_("must be a list of names from “%(section)s”") % {"section": self.section})
            return UNUSABLE
        names: list[str | Missing] = []
        for entry in item.entries:
            name = scope.reference(entry, self.section)
            if name is not UNUSABLE and name in names:
                entry.wrong(_("is listed twice"))
            names.append(name)
        return UNUSABLE if UNUSABLE in names else sorted(str(name) for name in names)


@dataclass(frozen=True, slots=True)
class SecretField(Field):
    """A secret written in the file."""

    least: int = 1
    most: int = 128
    pattern: str = ""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": self.least, "maxLength": self.most} | (
            {"pattern": f"^{self.pattern}$"} if self.pattern else {}
        )

    def value(self, item: Item, scope: Scope) -> Any:
        return self.checked(item, text_of(item, most=self.most))

    def checked(self, item: Item, text: str | Missing) -> Secret | Missing:
        if isinstance(text, Missing):
            return text
        if len(text) < self.least:
            item.wrong(_("must be at least %(least)d characters long") % {"least": self.least})
            return UNUSABLE
        if self.pattern and not re.fullmatch(self.pattern, text):
            item.wrong(_("has characters that are not allowed here (allowed: %(pattern)s)") % {"pattern": self.pattern})
            return UNUSABLE
        return Secret(text)


@dataclass(frozen=True, slots=True)
class SecretFromEnvironment(SecretField):
    """A secret that stays out of the file: the field names the environment variable that holds it."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}

    def value(self, item: Item, scope: Scope) -> Any:
        name = text_of(item, most=200)
        if isinstance(name, Missing):
            return name
        if not scope.environ.get(name):
            item.wrong(_("the environment variable %(name)s is not set") % {"name": name})
            return UNUSABLE
        return self.checked(item, scope.environ[name])
