"""Reading untrusted JSON: what is there in the right type, or a harmless default. Clients send null and empty strings for absent values."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from incidents.intake.values import MAX_KEY, Unreadable


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, whatever its content type says. Raises Unreadable."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"body: no JSON ({error})") from error
    if not isinstance(value, dict):
        raise Unreadable("body: must be a JSON object")
    return value


def text(value: Any) -> str:
    """A string; numbers and booleans as their text; anything else and null as empty. NUL is dropped: PostgreSQL refuses it."""
    if isinstance(value, str):
        return value.replace("\x00", "").strip()
    if isinstance(value, bool | int | float):
        return str(value)
    return ""


def plain(value: Any) -> Any:
    """A JSON value as it is, without the NULs in its keys and texts, which PostgreSQL refuses."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("\x00", ""): plain(item) for key, item in value.items()}
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> dict[str, str]:
    """A JSON object of strings, as labels are."""
    return {text(key)[:200]: text(item)[:2000] for key, item in mapping(value).items()}


def instant(value: Any) -> datetime | None:
    """An ISO 8601 instant in UTC; None where absent, unreadable or Go's zero time (year 1, "not yet")."""
    raw = text(value)
    if not raw:
        return None
    try:
        parsed = datetime.fromisoformat(raw)
        if parsed.year < 1970:
            return None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        # The last hours of the year 9999 have no UTC that Python could hold.
        return None


def key(value: str) -> str:
    """A dedup key that fits its column: a longer one keeps its beginning and gains a digest, so that two stay two."""
    if len(value) <= MAX_KEY:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()
    return f"{value[: MAX_KEY - 65]}#{digest}"


def web_link(value: Any) -> str:
    """An http(s) address, or empty: other schemes (javascript:) must never become a link on a page."""
    link = text(value)
    return link if link.startswith(("http://", "https://")) and len(link) <= 2000 else ""
