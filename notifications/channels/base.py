"""What a channel is, and the registry of them. How to add one: docs/channels.md."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.utils.functional import Promise


class ChannelError(Exception):
    """A call that did not reach the person.

    ``detail`` is the provider's own words, shown to administrators; never a secret.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(ChannelError):
    """The provider does not have it and never will by this address: the next contact method is tried at once."""


class Unavailable(ChannelError):
    """The provider does not have it now: tried again later, after ``retry_after`` seconds when the provider said so."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class OutcomeUnknown(ChannelError):
    """Handed over, and no answer came: the provider may have it. Never tried again by this method."""


class Withdrawn(Exception):
    """Raised by ``hand_over``: this call may no longer be made (cancelled, or the lease was lost). Let it pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What one call carries. ``idempotency_key`` is the same over all attempts of a message. For a destination ``address`` is
    its short name; where to post and what to sign with are in ``endpoint`` and ``secret``, "" where they cannot be read."""

    address: str
    subject: str
    body: str
    body_html: str
    link: str
    kind: str
    urgency: str
    idempotency_key: str
    created_at: datetime
    endpoint: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it. ``provider_ref`` is its own name for it, empty when it gave none."""

    provider_ref: str = ""
    detail: str = ""


class Channel(Protocol):
    """One way to reach people.

    ``send`` does everything that may fail harmlessly first, calls ``hand_over`` exactly once just before the provider
    could act on the message, and then hands it over. It runs in a thread of its own, outside any transaction. Raises
    ``Refused``, ``Unavailable`` or ``OutcomeUnknown``; lets ``Withdrawn`` pass. One that reaches places and no people says
    so by ``personal = False``: nobody is offered it as a contact method.
    """

    @property
    def label(self) -> str | Promise: ...

    concurrency: int  # How many calls may run at once in one engine.
    time_limit: float  # Seconds; a call that lasts longer is taken for hung, its lease is no longer renewed.

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt: ...


_registry: dict[str, Channel] = {}


def channel_register(kind: str, channel: Channel) -> None:
    """Make ``channel`` the one for contact methods of ``kind``."""
    _registry[kind] = channel


def channel_for(kind: str) -> Channel:
    """The channel of ``kind``; raises KeyError when there is none."""
    return _registry[kind]


def channel_kinds() -> tuple[str, ...]:
    """All kinds that can be sent by."""
    return tuple(_registry)


def kind_choices() -> list[tuple[str, str | Promise]]:
    """(kind, label) of the channels that reach people, for forms. A callable, so that a new channel needs no migration."""
    return [(kind, channel.label) for kind, channel in _registry.items() if getattr(channel, "personal", True)]


def channel_labels() -> dict[str, str | Promise]:
    """The label of every channel, those of destinations too."""
    return {kind: channel.label for kind, channel in _registry.items()}


@contextmanager
def channels_replaced(channels: Mapping[str, Channel]) -> Iterator[None]:
    """Only ``channels`` exist inside: for tests, drills and simulations."""
    before = dict(_registry)
    _registry.clear()
    _registry.update(channels)
    try:
        yield
    finally:
        _registry.clear()
        _registry.update(before)
