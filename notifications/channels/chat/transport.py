"""Chat channels: one POST to the incoming webhook that the chat service gave for the channel."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.instants import now
from notifications.channels.base import Outgoing, Receipt, Refused
from notifications.channels.chat.build import ACTS, chat_body
from notifications.channels.chat.tokens import grant_sign
from notifications.channels.webhook.transport import posted


class ChatChannel:
    label = _("Chat channel")
    concurrency = 4
    time_limit = 30.0
    personal = False

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        if not outgoing.endpoint:
            raise Refused("its address cannot be read: set it again")
        body = chat_body(outgoing, token=_token(outgoing))
        return posted(outgoing.endpoint, body, {"Content-Type": "application/json"}, hand_over=hand_over)


def _token(outgoing: Outgoing) -> str:
    """Signed for this call alone: whoever reads the database finds none."""
    if not outgoing.context.get(ACTS):
        return ""
    return grant_sign(about=str(outgoing.context.get("subject", "")), place=outgoing.address, at=now())
