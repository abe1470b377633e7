"""A chat message from a message: the JSON that incoming webhooks of Slack, Mattermost and Rocket.Chat take, and the buttons that
Mattermost shows below it. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from notifications.channels.base import Outgoing

_WORD_JOINER = "\N{WORD JOINER}"
MAX_TEXT = 3_000
"""Slack shows some 4,000 characters of a message."""
ACTS = "acts"
"""Where in a message's context its buttons stand: ``url`` is whom a press is told to, ``verbs`` are those offered in their order,
each ``{"verb", "label"}`` and, for a menu, ``"options": [[value, text], …]``."""


def chat_body(outgoing: Outgoing, *, token: str = "") -> bytes:
    """``{"text": …}``: the subject, what follows it, and the link on a line of its own. With a ``token`` the buttons too."""
    lines = [plain(outgoing.subject), plain(outgoing.body)]
    if outgoing.link and outgoing.link not in outgoing.body:
        lines.append(outgoing.link)
    body: dict[str, Any] = {"text": "\n".join(line for line in lines if line)}
    if token and (acts := outgoing.context.get(ACTS)):
        body["attachments"] = attachments(acts["verbs"], url=acts["url"], token=token, fallback=outgoing.subject)
    return orjson.dumps(body)


def attachments(verbs: Sequence[Mapping[str, Any]], *, url: str, token: str, fallback: str) -> list[dict[str, Any]]:
    """The buttons and menus as Mattermost's message attachments have them; none for no verbs."""
    if not verbs:
        return []
    return [{"fallback": plain(fallback), "actions": [_action(verb, url, token) for verb in verbs]}]


def _action(verb: Mapping[str, Any], url: str, token: str) -> dict[str, Any]:
    action: dict[str, Any] = {
        # Letters only: Mattermost takes no others in a name.
        "id": verb["verb"],
        "name": verb["label"],
        "type": "button",
        "integration": {"url": url, "context": {"token": token, "verb": verb["verb"]}},
    }
    if "options" in verb:
        action["type"] = "select"
        action["options"] = [{"text": text, "value": value} for value, text in verb["options"]]
    return action


def plain(text: str) -> str:
    """``text`` as these services show it and never act on it: a title must not call a whole channel by "@channel" or
    "<!here>", nor pass off a link as another."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", f"@{_WORD_JOINER}")[:MAX_TEXT]
