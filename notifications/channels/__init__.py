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
    channel_labels,
    channel_register,
    channels_replaced,
    kind_choices,
)
from notifications.channels.chat.transport import ChatChannel
from notifications.channels.email.transport import EmailChannel
from notifications.channels.webhook.transport import WebhookChannel

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
    "channel_labels",
    "channel_register",
    "channels_replaced",
    "kind_choices",
]

channel_register("email", EmailChannel())
channel_register("chat", ChatChannel())
channel_register("webhook", WebhookChannel())
