"""Destinations told of incidents: chat channels and webhooks, beside the people whom a level pages.

A place is nobody: it gets no link that acknowledges, and no answer of it counts. What keeps it from being told goes on record
as with a person who is passed over (DESIGN.md §5, invariant 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from incidents.changes import Changes
from incidents.chat_buttons import address, offered
from incidents.models import EscalationRun, Incident
from incidents.wording import post_body, post_subject
from notifications.channels.chat.build import ACTS
from notifications.models import Destination, Message
from notifications.services import messages_cancel, messages_create
from notifications.values import MessageValue
from policies.definition import PLACE_KINDS, PolicyDef, severity_name
from policies.severity import Urgency, urgency_of
from policies.targets import Place

_ALIVE = (Message.State.PENDING, Message.State.DELIVERED)


@dataclass(frozen=True, slots=True)
class PostOrder:
    """Tell these places of ``incident``. ``key`` names the telling for ever, so that it happens once; ``people`` are the
    names of those who are paged with it. ``level`` (counted from 0) and ``run`` are None for what a rule tells."""

    incident: Incident
    key: str
    places: tuple[Place, ...]
    run: EscalationRun | None = None
    cycle: int = 0
    level: int | None = None
    name: str = ""
    repeat: int = 0
    people: tuple[str, ...] = ()

    @property
    def where(self) -> dict[str, Any]:
        """For the records; levels are counted from 1 there."""
        return {} if self.level is None else {"level": self.level + 1}


def names_places(policy: PolicyDef) -> bool:
    """Whether a walk of the policy can tell a place at all: where it cannot, nobody need look for posts."""
    targets = (*(target for level in policy.levels for target in level.targets), *policy.catch_all)
    # Another policy's first level may name one.
    return any(target.kind in PLACE_KINDS or target.kind.value == "policy" for target in targets)


def posts_create(orders: Sequence[PostOrder], *, changes: Changes) -> list[bool]:
    """Queue what the places are told, and say what could not be; whether a place of each order is being told."""
    open_places = [[place for place in order.places if not _kept_from(place, order.incident)] for order in orders]
    values = [_value(order, place) for order, own in zip(orders, open_places, strict=True) for place in own]
    messages = iter(messages_create(values, at=changes.at) if values else ())
    told: list[bool] = []
    for order, own in zip(orders, open_places, strict=True):
        posted = [next(messages) for _place in own]
        _record(order, own, changes)
        told.append(any(message.state in _ALIVE for message in posted))
    return told


def _kept_from(place: Place, incident: Incident) -> str:
    """Why the place is not told of this incident, "" where it is."""
    if place.reason or place.destination is None:
        return place.reason or "not_configured"
    return "restricted" if incident.restricted and not place.destination.carries_restricted else ""


def _record(order: PostOrder, told: Sequence[Place], changes: Changes) -> None:
    incident = order.incident
    if told:
        names = [place.name for place in told]
        changes.timeline(incident, "escalation.post", places=names, **order.where)
        changes.ledger(incident, "escalation.post", data={"places": names, "repeat": order.repeat, **order.where})
    if order.repeat:
        return
    for place in order.places:
        reason = _kept_from(place, incident)
        if reason:
            passed = {"name": place.name, "untold": reason, **order.where}
            changes.timeline(incident, "escalation.post_skip", **passed)
            changes.ledger(incident, "escalation.post_skip", data=passed)


def post_key(key: str, place: Place) -> str:
    """Names what a place is told, for ever; of a place that cannot be told nothing bears it."""
    return f"post:{key}:{place.destination.pk if place.destination else place.name}"


def _value(order: PostOrder, place: Place) -> MessageValue:
    incident, destination = order.incident, place.destination
    if destination is None:
        raise ValueError("a place that is not configured cannot be told")
    number = None if order.level is None else order.level + 1
    return MessageValue(
        destination_id=destination.pk,
        kind="post",
        subject=post_subject(incident),
        body=post_body(incident, level=number, name=order.name, people=order.people),
        link=settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url(),
        idempotency_key=post_key(order.key, place),
        urgency="high" if urgency_of(incident.severity) is Urgency.HIGH else "low",
        priority=incident.severity * 10,
        about=incident.subject,
        context={
            "subject": incident.subject,
            "run": order.run.pk if order.run else None,
            "cycle": order.cycle,
            "level": order.level,
            "place": place.name,
            "payload": _payload(order, number),
            **_acts(incident, destination),
        },
    )


def _acts(incident: Incident, destination: Destination) -> dict[str, Any]:
    """The buttons of a chat message, where its channel shows any."""
    if not destination.buttons or destination.kind != Destination.Kind.CHAT:
        return {}
    return {ACTS: {"url": address(), "verbs": offered(incident)}}


def _payload(order: PostOrder, number: int | None) -> dict[str, Any]:
    """What a webhook is told. Fields are added over time and never taken away."""
    incident = order.incident
    return {
        "incident": {
            "id": incident.pk,
            "reference": incident.reference,
            "title": incident.title,
            "summary": incident.summary[:1000],
            "severity": severity_name(incident.severity),
            "state": incident.state,
            "service": incident.service.slug,
            "team": incident.team.slug,
            "environment": incident.environment,
            "started_at": incident.started_at.isoformat(),
            "test": incident.is_test,
        },
        "level": number,
        "level_name": order.name,
        "cycle": order.cycle + 1,
        "repeat": order.repeat,
        "people": list(order.people),
    }


def posts_of(incident: Incident) -> list[Message]:
    """Everything that was posted about it, oldest first. One query, by an index of its own."""
    rows = Message.objects.filter(about=incident.subject, destination__isnull=False)
    return list(rows.select_related("destination").order_by("id"))


def post_alive(run: EscalationRun, *, level: int, cycle: int, without: int | None = None) -> bool:
    """Whether a place has been told of that level, or is about to be; ``without`` is the number of a post that failed."""
    where = (run.pk, level, cycle)
    return any(
        post.state in _ALIVE and post.pk != without and _stands(post) == where for post in posts_of(run.incident)
    )


def _stands(post: Message) -> tuple[Any, Any, Any]:
    return post.context.get("run"), post.context.get("level"), post.context.get("cycle")


def posts_cancel(incidents: Sequence[Incident], *, reason: str, changes: Changes) -> None:
    """Stop what has not been posted yet: somebody has it, or it is over."""
    if not incidents:
        return
    waiting = Message.objects.filter(
        about__in=[incident.subject for incident in incidents], destination__isnull=False, state=Message.State.PENDING
    ).exclude(context__run=None)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        messages_cancel(message_ids=ids, reason=reason, at=changes.at, actor=changes.actor)
