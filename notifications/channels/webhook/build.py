"""A signed webhook from a message, as the Standard Webhooks specification has it: pure, no network, no settings.

The signature is over ``id.timestamp.body``, so that neither an old call played again nor a changed one is taken for a new
one. ``webhook-id`` is the same over all attempts of a message: a receiver drops a second one with it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import orjson

from notifications.channels.base import Outgoing

SECRET_PREFIX = "whsec_"  # noqa: S105  # a prefix, no secret


def webhook_body(outgoing: Outgoing) -> bytes:
    """What the receiver is told, as JSON."""
    return orjson.dumps(
        {
            "type": "watchbell.incident.escalated",
            "timestamp": outgoing.created_at.isoformat(),
            "data": {
                "subject": outgoing.subject,
                "url": outgoing.link,
                "urgency": outgoing.urgency,
                **outgoing.context.get("payload", {}),
            },
        }
    )


def webhook_headers(body: bytes, *, key: str, secret: str, at: datetime) -> Mapping[str, str]:
    """The headers of one attempt at the instant ``at``."""
    message_id = webhook_id(key)
    stamp = str(int(at.timestamp()))
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(body, message_id=message_id, stamp=stamp, secret=secret)}",
        "Idempotency-Key": message_id,
    }


def webhook_id(key: str) -> str:
    """The name of a message towards a receiver: it tells nothing of the key it is made from."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def signature(body: bytes, *, message_id: str, stamp: str, secret: str) -> str:
    """HMAC-SHA256 of id, timestamp and body, in base64."""
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def key_of(secret: str) -> bytes:
    """The bytes to sign with: base64 after "whsec_", else the text itself. Raises ValueError for base64 that is none."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
