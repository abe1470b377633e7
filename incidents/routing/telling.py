"""Those whom rules have told of an incident: they get a notice and no page, each once for an incident, however often it
is routed. What is restricted is told to nobody who may not see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from incidents.changes import Changes
from incidents.models import Incident
from incidents.routing.routes import Routed
from incidents.services.posting import PostOrder, post_key, posts_create
from incidents.wording import page_subject, rules_failed_body, told_body
from notifications.models import Message
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User
from policies.routing import Aspect, aspect_reasons
from policies.targets import Place, TargetResolver


@dataclass(frozen=True, slots=True)
class _Telling:
    routed: Routed
    users: tuple[User, ...]
    places: tuple[Place, ...] = ()


def rules_tell(decided: Sequence[Routed], *, changes: Changes, resolver: TargetResolver) -> None:
    """Queue the notices and say so in timeline and ledger. The caller writes `changes`."""
    tellings = [_telling(one, changes, resolver) for one in decided if one.route.tell]
    known = _told_before(tellings)
    fresh = [
        _Telling(
            one.routed,
            tuple(user for user in one.users if _key(one.routed.incident, user) not in known),
            tuple(place for place in one.places if not _is_told(one.routed.incident, place, known)),
        )
        for one in tellings
    ]
    values = [_notice(one.routed, user) for one in fresh for user in one.users]
    if values:
        messages_create(values, at=changes.at)
    orders = [
        PostOrder(one.routed.incident, _place_key(one.routed.incident), one.places) for one in fresh if one.places
    ]
    if orders:
        posts_create(orders, changes=changes)
    for one in fresh:
        if one.users:
            told: dict[str, Any] = {"people": [user.name for user in one.users]}
            changes.timeline(one.routed.incident, "routing.tell", **told)
            changes.ledger(one.routed.incident, "routing.tell", data=told)


def _telling(routed: Routed, changes: Changes, resolver: TargetResolver) -> _Telling:
    incident = routed.incident
    found = resolver.resolve(routed.route.tell, team=incident.team)
    users = [one.user for one in found.recipients]
    if not users and not found.places:
        changes.timeline(incident, "routing.tell_nobody")
        changes.ledger(incident, "routing.tell_nobody")
    if incident.restricted:
        barred = [user for user in users if not _may_see(user, incident)]
        users = [user for user in users if user not in barred]
        for user in barred:
            changes.timeline(incident, "routing.tell_barred", name=user.name)
            changes.ledger(incident, "routing.tell_barred", data={"name": user.name})
    return _Telling(routed, tuple(users), found.places)


def _may_see(user: User, incident: Incident) -> bool:
    return Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def _told_before(tellings: Sequence[_Telling]) -> set[str]:
    keys = [_key(one.routed.incident, user) for one in tellings for user in one.users]
    keys += [post_key(_place_key(one.routed.incident), place) for one in tellings for place in one.places]
    if not keys:
        return set()
    return set(Message.objects.filter(idempotency_key__in=keys).values_list("idempotency_key", flat=True))


def _key(incident: Incident, user: User) -> str:
    return f"route:{incident.pk}:{user.pk}"


def _place_key(incident: Incident) -> str:
    return f"route:{incident.pk}"


def _is_told(incident: Incident, place: Place, known: Collection[str]) -> bool:
    return post_key(_place_key(incident), place) in known


def _notice(routed: Routed, user: User) -> MessageValue:
    incident = routed.incident
    link = settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url()
    reasons = aspect_reasons(routed.route, Aspect.TELL, routed.definition)
    return MessageValue(
        recipient_id=user.pk,
        kind="notice",
        urgency="low",
        subject=page_subject(incident, user),
        body=told_body(incident, user, reasons=reasons, link=link),
        link=link,
        idempotency_key=_key(incident, user),
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )


def failure_tell(failed: Sequence[Routed], *, changes: Changes, resolver: TargetResolver) -> None:
    """Tell the administrators that the rules fail: once a day for a version, however many incidents it strikes."""
    if not failed:
        return
    first = failed[0]
    link = settings.PUBLIC_URL.rstrip("/") + first.incident.get_absolute_url()
    messages_create(
        [
            MessageValue(
                recipient_id=user.pk,
                kind="notice",
                subject=page_subject(first.incident, user),
                body=rules_failed_body(first.incident, user, number=first.number, reason=first.error, link=link),
                link=link,
                idempotency_key=f"routing-failed:{first.version_id or 0}:{changes.at:%Y-%m-%d}:{user.pk}",
                priority=10,
                context={"subject": first.incident.subject},
            )
            for user in resolver.administrators()
        ],
        at=changes.at,
    )
