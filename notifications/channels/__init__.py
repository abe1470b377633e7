"""The channels: one package each. How to add one: docs/channels.md."""

from notifications.channels.base import (
    Channel,
    ChannelError,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    Refused,
    Unavailable,
    Withdrawn,
    channel_for,
    channel_kinds,
    channel_register,
    channels_replaced,
    kind_choices,
)
from notifications.channels.email.transport import EmailChannel

__all__ = [
    "Channel",
    "ChannelError",
    "OutcomeUnknown",
    "Outgoing",
    "Receipt",
    "Refused",
    "Unavailable",
    "Withdrawn",
    "channel_for",
    "channel_kinds",
    "channel_register",
    "channels_replaced",
    "kind_choices",
]

channel_register("email", EmailChannel())
