"""What is a value of a field of the house's own, whoever gives it. Pure.

A number stays a number, a list a list; what is no value is refused with the name of the form's field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import CustomField
from policies.conditions.facts import number_of

Kind = CustomField.Kind
PREFIX = "custom_"
"""What a form puts before the key of a field of the house's own."""
MAX_LINE, MAX_TEXT, MAX_URL = 200, 10_000, 2_000
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
_URL = URLValidator(schemes=("http", "https"))


def answer_typed(field: CustomField, raw: object) -> Any:
    """``raw`` as it is stored: text, number, yes or no, a list of options, a day as ISO 8601; None for "not known".

    Raises DomainError naming the field where it is no value of it. Pure.
    """
    if raw is None or raw == "" or raw == []:
        return None
    try:
        value = _TYPED[Kind(field.kind)](field, raw)
    except (ValueError, ValidationError) as error:
        raise DomainError(_wrong(field), field=PREFIX + field.key) from error
    return None if value in ("", []) else value


def _line(_field: CustomField, raw: object) -> str:
    return _text(raw, MAX_LINE)


def _prose(_field: CustomField, raw: object) -> str:
    return _text(raw, MAX_TEXT)


def _text(raw: object, most: int) -> str:
    if not isinstance(raw, str) or len(raw.strip()) > most or "\x00" in raw:
        raise ValueError
    return raw.strip()


def _number(_field: CustomField, raw: object) -> int | float:
    found = raw
    if isinstance(raw, str):
        if "_" in raw:
            raise ValueError
        found = float(raw.strip())
    number = number_of(found)
    if number is None:
        raise ValueError
    return int(number) if number.is_integer() else number


def _flag(_field: CustomField, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = raw.strip().casefold() if isinstance(raw, str) else ""
    if word not in (*_YES, *_NO):
        raise ValueError
    return word in _YES


def _choice(field: CustomField, raw: object) -> str:
    if raw not in options_of(field):
        raise ValueError
    return str(raw)


def _choices(field: CustomField, raw: object) -> list[str]:
    """In the order of the list, each once."""
    several = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(several, list | tuple) or any(one not in options_of(field) for one in several):
        raise ValueError
    return [option for option in options_of(field) if option in several]


def _day(_field: CustomField, raw: object) -> str:
    if isinstance(raw, date):
        return raw.isoformat()[:10]
    return date.fromisoformat(_text(raw, 10)).isoformat()


def _address(_field: CustomField, raw: object) -> str:
    address = _text(raw, MAX_URL)
    _URL(address)
    return address


_TYPED: Mapping[Kind, Callable[[CustomField, object], Any]] = {
    Kind.TEXT: _line,
    Kind.LONG_TEXT: _prose,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.DATE: _day,
    Kind.URL: _address,
}


def _wrong(field: CustomField) -> str:
    return {
        Kind.TEXT: _("Write at most %(most)d characters.") % {"most": MAX_LINE},
        Kind.LONG_TEXT: _("Write at most %(most)d characters.") % {"most": MAX_TEXT},
        Kind.NUMBER: _("Write a number."),
        Kind.FLAG: _("Answer with yes or no."),
        Kind.CHOICE: _("Choose one of the list."),
        Kind.CHOICES: _("Choose from the list."),
        Kind.DATE: _("Write a day as 2026-01-31."),
        Kind.URL: _("Write an address that begins with http:// or https://."),
    }[Kind(field.kind)]


def options_of(field: CustomField) -> list[str]:
    """What may be chosen."""
    options = field.options if isinstance(field.options, list) else []
    return [str(option) for option in options]
