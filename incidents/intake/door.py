"""The door: check the key, say what to store and what to answer. Nothing is decided about the signal here; that is the engine's.

One function serves both ways in: the ASGI fast path, which commits many requests together, and the plain Django views.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from incidents.intake import alertmanager, pagerduty
from incidents.intake.values import AlertValue, Unreadable
from incidents.models import Integration

MAX_BODY = 512 * 1024
KEY_CACHE_SECONDS = 5.0

PARSERS: dict[str, Callable[[bytes], list[AlertValue]]] = {
    Integration.Kind.ALERTMANAGER: alertmanager.parse,
    Integration.Kind.PAGERDUTY: pagerduty.parse,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender hears; ``store`` is the (integration id, body) to make durable first, or None where it is refused."""

    status: int
    body: dict[str, Any]
    store: tuple[int, bytes] | None = None

    @property
    def content(self) -> bytes:
        return orjson.dumps(self.body)


def key_digest(key: str) -> str:
    """How an integration's key is stored. Keys are long and random, so that a plain SHA-256 suffices."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keys:
    """Digest → integration, remembered for five seconds so that a storm asks the database once. A revoked key lives that much longer.

    ``clock`` counts seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: dict[str, tuple[float, int, str]] = {}

    def find(self, key: str, kind: str) -> int | None:
        """The id of the enabled integration of this kind and key, or None."""
        digest = key_digest(key)
        known = self._known.get(digest)
        if known is None or known[0] < self.clock():
            row = (
                Integration.objects.filter(key_digest=digest, enabled=True)
                .values_list("id", "kind", "key_digest")
                .first()
            )
            # The index found it; the comparison that grants anything takes constant time.
            if row is None or not hmac.compare_digest(row[2], digest):
                self._known.pop(digest, None)
                return None
            known = (self.clock() + KEY_CACHE_SECONDS, row[0], row[1])
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[digest] = known
        return known[1] if known[2] == kind else None

    def forget(self) -> None:
        self._known.clear()


keys = Keys()


def answer_events(body: bytes) -> Answer:
    """``POST /v2/enqueue``. Answers as PagerDuty's Events API does; a refused event names what is wrong with it."""
    if len(body) > MAX_BODY:
        return _pagerduty_refusal(413, "Event object is invalid", f"The event is larger than {MAX_BODY} bytes")
    try:
        event = pagerduty.read(body)
    except Unreadable:
        return Answer(
            400,
            {
                "status": "Unrecognized object",
                "message": "Event object format is unrecognized",
                "errors": ["JSON parse error"],
            },
        )
    if event.errors:
        return _pagerduty_refusal(400, "Event object is invalid", *event.errors)
    integration = keys.find(event.routing_key, Integration.Kind.PAGERDUTY)
    if integration is None:
        # The real service accepts an unknown key in silence; at 3 a.m. a refusal is kinder. Documented in docs/integrations.md.
        return _pagerduty_refusal(400, "Event object is invalid", "'routing_key' is not known here")
    event.body["routing_key"] = "stored"
    try:
        stored = orjson.dumps(event.body)
    except orjson.JSONEncodeError:
        # More can be read than written: objects within objects, hundreds deep.
        return _pagerduty_refusal(400, "Event object is invalid", "The event is nested too deeply")
    return Answer(
        202,
        {"status": "success", "message": "Event processed", "dedup_key": event.dedup_key},
        (integration, stored),
    )


def _pagerduty_refusal(status: int, message: str, *errors: str) -> Answer:
    return Answer(status, {"status": "invalid event", "message": message, "errors": list(errors)})


def answer_webhook(kind: str, key: str, body: bytes) -> Answer:
    """``POST /integrations/<kind>/<key>/``."""
    integration = keys.find(key, kind)
    if integration is None:
        return Answer(404, {"error": "There is no such integration, or it is switched off."})
    if len(body) > MAX_BODY:
        return Answer(413, {"error": f"The message is larger than {MAX_BODY} bytes."})
    try:
        alerts = PARSERS[kind](body)
    except Unreadable as error:
        return Answer(400, {"error": str(error)})
    return Answer(202, {"status": "accepted", "alerts": len(alerts)}, (integration, body))
