"""What Mattermost sends when somebody presses a button or chooses from a menu, and what it is answered. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

MOST_BYTES = 64_000


class Unreadable(ValueError):
    """No press of ours, whatever else it may be."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """``account`` is the service's own name for whoever pressed, ``handle`` what people there call them; ``choice`` is what was
    chosen from a menu."""

    token: str
    verb: str
    choice: str
    account: str
    handle: str


def pressed(body: bytes) -> Pressed:
    """Raises Unreadable for what has not the shape of a press."""
    if len(body) > MOST_BYTES:
        raise Unreadable
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable from error
    context = told.get("context") if isinstance(told, dict) else None
    if not isinstance(context, dict):
        raise Unreadable
    token, verb, account = _text(context, "token"), _text(context, "verb"), _text(told, "user_id")
    if not (token and verb and account):
        raise Unreadable
    return Pressed(
        token, verb, _text(context, "selected_option")[:100], account[:64], (_text(told, "user_name") or account)[:80]
    )


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name, "")
    return value.strip() if isinstance(value, str) else ""
