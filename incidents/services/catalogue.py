"""The catalogue: services and the doors by which their signals come in."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.rows import row_set
from incidents.changes import actor_of
from incidents.intake.door import key_digest
from incidents.models import Integration, Service
from oncall.models import User

HINT_LENGTH = 4
_KEY_BYTES = 24


def key_make() -> str:
    """A new key for an integration: 192 bits of chance, fit for an address."""
    return secrets.token_urlsafe(_KEY_BYTES)


def key_hint(key: str) -> str:
    """The last characters, to tell keys apart by; of a short key none, for they would be a good part of it."""
    return key[-HINT_LENGTH:] if len(key) >= HINT_LENGTH * 4 else ""


def service_set(*, service: Service, values: Mapping[str, Any], actor: User | None, at: datetime) -> Service:
    """Give ``service``, new or stored, these field values; nothing is written where nothing differs.

    Raises ValidationError for what the model refuses (a name that is taken).
    """
    row_set(service, values, noun="service", at=at, actor=actor_of(actor), user=actor)
    return service


def integration_set(
    *, integration: Integration, values: Mapping[str, Any], actor: User | None, at: datetime, key: str | None = None
) -> Integration:
    """As ``service_set``, for a door. ``key`` replaces the one it has; a new door needs one (``key_make``).

    Only the key's SHA-256 digest and its last characters are stored: who did not note it needs a new one. Raises
    ValidationError, also for a key that another integration has.
    """
    values = dict(values)
    if key is not None:
        values |= {"key_digest": key_digest(key), "key_hint": key_hint(key)}
    if integration._state.adding:
        values.setdefault("created_at", at)
    row_set(integration, values, noun="integration", at=at, actor=actor_of(actor), user=actor, secret=("key_digest",))
    return integration
