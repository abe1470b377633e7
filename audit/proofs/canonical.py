"""Canonical JSON: one text for one value, so that everybody hashes the same bytes.

RFC 8785 (JSON Canonicalization Scheme): no blanks, members in the order of their UTF-16 code units, strings with the
shortest escapes, numbers as ECMAScript writes them. One thing goes beyond it: integers above 2^53, which JCS would
round, are written in full, for the ledger must not lose a digit.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

import orjson

_ATOMS = frozenset((str, int, bool, type(None)))
_LARGEST_PLAIN = 21
"""ECMAScript writes numbers of up to this many digits without an exponent."""


class NotCanonical(ValueError):
    """A value that JSON cannot say: not a number, infinite, or of no JSON type."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Raises NotCanonical for what JSON cannot say."""
    if _simple(value):
        try:
            # Of such values orjson writes the very same bytes, some ten times as fast.
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            pass  # Numbers above 64 bits, and half a surrogate pair.
    return canonical_slowly(value)


def canonical_of(text: str) -> bytes:
    """The canonical bytes of a JSON text, whoever wrote it. Raises ValueError for what is none."""
    try:
        value = orjson.loads(text)
        if _simple(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):
        pass  # Not a number, half a surrogate pair, or deeper than orjson goes.
    # Of an integer beyond 64 bits orjson makes a fraction.
    return canonical(json.loads(text))


def _simple(value: Any) -> bool:
    """Whether it has no number that orjson might write otherwise than ECMAScript does (with an exponent, or ``.0``), and no name of a
    member whose order UTF-8 and UTF-16 might see differently."""
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is float:
        return 0.001 <= abs(value) < 1e15 and not value.is_integer()
    if kind is dict:
        return all(type(name) is str and name.isascii() and _simple(item) for name, item in value.items())
    return kind is list and all(map(_simple, value))


def canonical_slowly(value: Any) -> bytes:
    """The same for every JSON value, by the letter of RFC 8785."""
    parts: list[str] = []
    _write(value, parts.append)
    # Half of a surrogate pair, which UTF-8 cannot hold, stays the escape that it came as: one odd text must not stop the sealing.
    return "".join(parts).encode(errors="backslashreplace")


def _write(value: Any, put: Callable[[str], None]) -> None:
    match value:
        case None:
            put("null")
        case True:
            put("true")
        case False:
            put("false")
        case str():
            put(encode_basestring(value))
        case int():
            put(str(int(value)))
        case float():
            put(number_text(value))
        case Mapping():
            _write_object(value, put)
        case Sequence() if not isinstance(value, bytes | bytearray):
            put("[")
            for place, item in enumerate(value):
                if place:
                    put(",")
                _write(item, put)
            put("]")
        case _:
            raise NotCanonical(f"{type(value).__name__} is no JSON type")


def _write_object(value: Mapping[Any, Any], put: Callable[[str], None]) -> None:
    put("{")
    try:
        names = sorted(value, key=_code_units)
    except AttributeError as error:
        raise NotCanonical("a member's name is no text") from error
    for place, name in enumerate(names):
        if place:
            put(",")
        put(encode_basestring(name))
        put(":")
        _write(value[name], put)
    put("}")


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def number_text(number: float) -> str:
    """A floating-point number as ECMAScript writes it (ECMA-262, Number::toString). Raises NotCanonical where it is no number."""
    if not math.isfinite(number):
        raise NotCanonical("infinity and NaN are no JSON numbers")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _digits(abs(number))
    count = len(digits)
    if count <= point <= _LARGEST_PLAIN:
        text = digits + "0" * (point - count)
    elif 0 < point <= _LARGEST_PLAIN:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        power = point - 1
        fraction = f".{digits[1:]}" if count > 1 else ""
        text = f"{digits[0]}{fraction}e{'+' if power >= 0 else '-'}{abs(power)}"
    return sign + text


def _digits(number: float) -> tuple[str, int]:
    """The shortest digits that mean ``number``, and where its point is: 12.5 is ("125", 2)."""
    mantissa, _e, exponent = repr(number).partition("e")
    whole, _point, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    digits = digits[leading:]
    stripped = digits.rstrip("0")
    return stripped, point - leading
