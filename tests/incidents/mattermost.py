"""A Mattermost as far as incoming webhooks and buttons go: it keeps what stands behind a button to itself, and tells of a press as
its server does (``POST`` of JSON: who pressed, where, the context of the button, what was chosen from a menu).
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.test import Client

from escalation_site.kernel.outbound import Answer
from notifications.channels.webhook import transport

HOST = "chat.brightquay.example"
HOOK = f"https://{HOST}/hooks/very-secret"


@dataclass
class Mattermost:
    """``posts`` are the channel's messages as people see them; ``whispers`` is what one person alone was shown, by account."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    whispers: list[tuple[str, str]] = field(default_factory=list)

    def fetch(self, url: str, **options: Any) -> Answer:
        """The incoming webhook."""
        assert url == HOOK
        told = orjson.loads(options["content"])
        self.posts.append({"message": told["text"], "attachments": told.get("attachments", [])})
        return Answer(200, {}, b"ok", url)

    def buttons(self, post: int = -1) -> list[str]:
        return [action["name"] for one in self.posts[post]["attachments"] for action in one["actions"]]

    def choices(self, name: str) -> list[str]:
        return [option["text"] for option in self._action(name, -1)["options"]]

    def press(self, name: str, *, by: str, choose: str = "", post: int = -1, **changed: Any) -> Any:
        """Somebody presses the button of that name; the answer changes the message and whispers to them."""
        action = self._action(name, post)
        options = [one["value"] for one in action.get("options", []) if one["text"] == choose]
        context = action["integration"]["context"] | ({"selected_option": options[0]} if options else {})
        told = {
            "user_id": f"id-of-{by}",
            "user_name": by,
            "channel_id": "4xp9fdt77pncbef59f4k1qe83o",
            "channel_name": "ops",
            "team_id": "b7ptxmbnmj8kqy1hd6sqc6cxer",
            "team_domain": "brightquay",
            "post_id": "qbghmx9gebg6mpyq4z9ww1cjbo",
            "trigger_id": "MTIzNDU2Nzg5",
            "type": action["type"],
            "data_source": "",
            "context": context,
            **changed,
        }
        address = urlsplit(action["integration"]["url"]).path
        answer = Client().post(address, orjson.dumps(told), content_type="application/json")
        if answer.status_code == 200:
            self._answered(answer.json(), by, post)
        return answer

    def _action(self, name: str, post: int) -> dict[str, Any]:
        found = [
            action for one in self.posts[post]["attachments"] for action in one["actions"] if action["name"] == name
        ]
        assert found, f"no button {name!r} among {self.buttons(post)}"
        action: dict[str, Any] = found[0]
        assert action["id"].isalnum(), "Mattermost drops a button whose id is not of letters and digits"
        return action

    def _answered(self, answer: dict[str, Any], by: str, post: int) -> None:
        if answer.get("ephemeral_text"):
            self.whispers.append((by, answer["ephemeral_text"]))
        if "update" in answer:
            self.posts[post] = {
                "message": answer["update"]["message"],
                "attachments": answer["update"]["props"].get("attachments", []),
            }


@pytest.fixture
def mattermost(monkeypatch: pytest.MonkeyPatch) -> Mattermost:
    service = Mattermost()
    monkeypatch.setattr(transport, "fetch", service.fetch)
    return service
