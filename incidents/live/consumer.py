"""The socket of one browser tab. It says which topics it shows; it hears that they changed, never what: it re-fetches through the
ordinary view, so that permissions live in one place.

Browser → server  {"subscribe": ["incident:42", "incidents"], "since": 123}, {"here": "incident:42"}, {"here": null} in a hidden tab
Server → browser  {"topic": "incident:42", "entry": 124} for each change, {"entry": 124} once subscribed,
                  {"here": "incident:42", "people": ["Marta Ferri"], "faces": [["MF", 3]]} for the others who look at it, with the
                  initials and the hue under which every page shows them
"""

import asyncio
import itertools
import re
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import initials, person_hue
from incidents.live.feed import changes_since, latest_entry
from incidents.live.presence import MARK, SIGN_SECONDS, arrive, board, depart, people_at
from incidents.live.tailer import LIST_TOPIC, Queue, tailer, topics_of
from incidents.models import Incident
from oncall.models import User

MAX_TOPICS = 300
LOOKS_BETWEEN = 3
"""Every how many signs of life it is asked again whether the person may still see it."""
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
        self.here = ""
        self.signing: asyncio.Task[None] | None = None
        self.shown: list[str] = []
        self.showing = asyncio.Lock()
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
            await self._be_at("")

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not isinstance(content, dict) or self.feeding is None:
            return
        if isinstance(content.get("subscribe"), list):
            await self._subscribe(content)
        if "here" in content:
            topic = content["here"]
            await self._be_at(topic if isinstance(topic, str) and _INCIDENT.fullmatch(topic) else "")

    async def _subscribe(self, content: dict[str, Any]) -> None:
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
            elif topic == f"{MARK}{self.here}":
                await self._show_people()

    async def _be_at(self, topic: str) -> None:
        """The person looks at ``topic`` now, "" for nothing: the others hear of it, where they may see it."""
        user = self.scope["user"]
        if topic and topic not in await database_sync_to_async(allowed_topics)(user, [topic]):
            topic = ""
        if topic == self.here:
            return
        if self.signing is not None:
            self.signing.cancel()
            self.signing = None
        before, self.here, self.shown = self.here, topic, []
        if before:
            board.leave(before, self.queue)
            await asyncio.to_thread(depart, before, user_id=user.pk, at=now())
            board.tell(before)
        if topic:
            board.watch(topic, self.queue)
            self.signing = asyncio.create_task(self._sign(topic))

    async def _sign(self, topic: str) -> None:
        """Say again and again that the person is there, and look who else is; leave once they may not see it any more."""
        user = self.scope["user"]
        for turn in itertools.count():
            if turn % LOOKS_BETWEEN == LOOKS_BETWEEN - 1:
                allowed = await database_sync_to_async(allowed_topics)(user, [topic])
                if topic not in allowed:
                    tailer.unsubscribe(topic, self.queue)
                    self.topics.discard(topic)
                    board.leave(topic, self.queue)
                    self.here = ""
                    return
            if await asyncio.to_thread(arrive, topic, user_id=user.pk, name=user.name, at=now()):
                board.tell(topic, but=self.queue)
            await self._show_people()
            await asyncio.sleep(SIGN_SECONDS)

    async def _show_people(self) -> None:
        # One look after the other: of two at once, the older might be told last.
        async with self.showing:
            found = await asyncio.to_thread(people_at, self.here, at=now())
            others = {pk: name for pk, name in found.items() if pk != self.scope["user"].pk}
            people = [*others.values()]
            if people != self.shown:
                self.shown = people
                faces = [(initials(name), person_hue(str(pk))) for pk, name in others.items()]
                await self.send_json({"here": self.here, "people": people, "faces": faces})


def allowed_topics(user: User, topics: list[str]) -> set[str]:
    """Those of ``topics`` this person may watch: lists (which name nothing), and incidents they may see: one query."""
    numbers = {int(found[1]) for topic in topics if (found := _INCIDENT.fullmatch(topic))}
    visible = Incident.objects.visible_to(user).filter(pk__in=numbers)
    seen = set(visible.values_list("pk", flat=True)) if numbers else set()
    open_to_all = {topic for topic in topics if topic == LIST_TOPIC or _OPEN_TO_ALL.fullmatch(topic)}
    return open_to_all | ({f"user:{user.pk}"} & set(topics)) | {f"incident:{pk}" for pk in seen}
