"""A chat message from a message: the JSON that incoming webhooks of Slack, Mattermost and Rocket.Chat take. Pure."""

import orjson

from notifications.channels.base import Outgoing

_WORD_JOINER = "\N{WORD JOINER}"
MAX_TEXT = 3_000
"""Slack shows some 4,000 characters of a message."""


def chat_body(outgoing: Outgoing) -> bytes:
    """``{"text": …}``: the subject, what follows it, and the link on a line of its own."""
    lines = [plain(outgoing.subject), plain(outgoing.body)]
    if outgoing.link and outgoing.link not in outgoing.body:
        lines.append(outgoing.link)
    return orjson.dumps({"text": "\n".join(line for line in lines if line)})


def plain(text: str) -> str:
    """``text`` as these services show it and never act on it: a title must not call a whole channel by "@channel" or
    "<!here>", nor pass off a link as another."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", f"@{_WORD_JOINER}")[:MAX_TEXT]
