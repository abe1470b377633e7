"""Chat channels: one POST to the incoming webhook that the chat service gave for the channel."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from notifications.channels.base import Outgoing, Receipt, Refused
from notifications.channels.chat.build import chat_body
from notifications.channels.webhook.transport import posted


class ChatChannel:
    label = _("Chat channel")
    concurrency = 4
    time_limit = 30.0
    personal = False

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        if not outgoing.endpoint:
            raise Refused("its address cannot be read: set it again")
        return posted(outgoing.endpoint, chat_body(outgoing), {"Content-Type": "application/json"}, hand_over=hand_over)
