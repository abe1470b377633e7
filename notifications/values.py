"""What callers hand to notifications: plain values, so that this app knows no incident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Urgency = Literal["high", "low"]

DEFAULT_PRIORITY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageValue:
    """One thing to tell one person (``recipient_id``), or to post at one destination (``destination_id``).

    ``idempotency_key`` names the message for ever: a second value with the same key returns the first message and
    sends nothing. ``subject``, ``body`` and ``body_html`` are final text in the recipient's language; ``body_html``
    is trusted markup, and when it is empty channels derive what they need from ``body``. ``link`` is an absolute
    address. ``priority`` orders the queue, lower first. ``context`` is stored beside the message; known keys:
    ``subject`` ("incident:42": gathers ledger entries and threads e-mails), ``headers`` (extra ``X-Watchbell-…``
    e-mail headers), ``payload`` (what a webhook is told, as JSON values). ``about`` finds posts again ("incident:42").
    ``channels`` are the kinds of contact method that may be used, and ``channels_then`` those that may be used when these are
    exhausted, each in no order of their own; a person who has none of them is told by what they have, and where both are
    empty by any. ``turn`` counts how often they were told this before: each time another kind of their methods comes first, since
    the one before reached somebody who did not read it.
    """

    subject: str
    body: str
    idempotency_key: str
    recipient_id: int | None = None
    destination_id: int | None = None
    about: str = ""
    channels: tuple[str, ...] = ()
    channels_then: tuple[str, ...] = ()
    turn: int = 0
    kind: str = "page"
    urgency: Urgency = "high"
    body_html: str = ""
    link: str = ""
    priority: int = DEFAULT_PRIORITY
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMethodValue:
    """One way to reach a person; the order of the values is the order in which they are tried."""

    kind: str
    address: str
    enabled: bool = True
    verified_at: datetime | None = None
