"""The socket of one browser tab. It says which topics it shows; it hears that they changed, never what: it re-fetches through the
ordinary view, so that permissions live in one place.

Browser → server  {"subscribe": ["incident:42", "incidents"], "since": 123}
Server → browser  {"topic": "incident:42", "entry": 124} for each change, {"entry": 124} once subscribed.
"""

import asyncio
import re
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from incidents.live.feed import changes_since, latest_entry
from incidents.live.tailer import LIST_TOPIC, Queue, tailer, topics_of
from incidents.models import Incident
from oncall.models import User

MAX_TOPICS = 300
_INCIDENT = re.compile(r"incident:([0-9]{1,18})", re.ASCII)
_OPEN_TO_ALL = re.compile(r"(schedule|policy):[0-9]{1,18}", re.ASCII)
NOT_SIGNED_IN = 4401


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Fed by the process's tailer, not by a channel layer: nothing is lost between joining and the first change."""

    channel_layer_alias = ""  # no layer: with one, each socket would hold a subscription it never uses

    async def connect(self) -> None:
        self.topics: set[str] = set()
        self.queue: Queue = asyncio.Queue()
        self.feeding: asyncio.Task[None] | None = None
        user = self.scope.get("user")
        await self.accept()
        if user is None or not user.is_authenticated:
            await self.close(code=NOT_SIGNED_IN)
            return
        self.feeding = asyncio.create_task(self._feed())

    async def disconnect(self, code: int) -> None:
        self._leave()
        if self.feeding is not None:
            self.feeding.cancel()

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not isinstance(content, dict) or not isinstance(content.get("subscribe"), list):
            return
        if self.feeding is None:
            return
        asked = [topic for topic in content["subscribe"] if isinstance(topic, str)][:MAX_TOPICS]
        allowed = await database_sync_to_async(allowed_topics)(self.scope["user"], asked)
        self._leave()
        for topic in allowed:
            tailer.subscribe(topic, self.queue)
        self.topics = allowed
        await tailer.looking()
        since = content.get("since")
        await self._replay(since if isinstance(since, int) and since > 0 else None)

    def _leave(self) -> None:
        for topic in self.topics:
            tailer.unsubscribe(topic, self.queue)
        self.topics = set()

    async def _replay(self, since: int | None) -> None:
        """Tell what was missed since the entry the page last saw, then which entry it has seen now."""
        newest = await database_sync_to_async(latest_entry)()
        if since is not None:
            missed = await database_sync_to_async(changes_since)(since)
            told = (
                self.topics
                if missed is None
                else {topic for change in missed for topic in topics_of(change.subject)} & self.topics
            )
            for topic in sorted(told):
                await self.send_json({"topic": topic, "entry": newest})
        await self.send_json({"entry": newest})

    async def _feed(self) -> None:
        while True:
            topic, entry = await self.queue.get()
            if topic in self.topics:
                await self.send_json({"topic": topic, "entry": entry})


def allowed_topics(user: User, topics: list[str]) -> set[str]:
    """Those of ``topics`` this person may watch: lists (which name nothing), and incidents they may see: one query."""
    numbers = {int(found[1]) for topic in topics if (found := _INCIDENT.fullmatch(topic))}
    visible = Incident.objects.visible_to(user).filter(pk__in=numbers)
    seen = set(visible.values_list("pk", flat=True)) if numbers else set()
    open_to_all = {topic for topic in topics if topic == LIST_TOPIC or _OPEN_TO_ALL.fullmatch(topic)}
    return open_to_all | ({f"user:{user.pk}"} & set(topics)) | {f"incident:{pk}" for pk in seen}
