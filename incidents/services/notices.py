"""Telling people what concerns them on an incident: a notice each, in their language, and never of what they may not see."""

from collections.abc import Callable, Iterable
from typing import Literal

from django.conf import settings
from django.utils import translation

from incidents.changes import Changes
from incidents.models import Incident
from incidents.wording import page_subject
from notifications.models import Message
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User


def may_see(user: User, incident: Incident) -> bool:
    """Whether ``user`` may see it: no query unless it is restricted and they are no reporter."""
    if not incident.restricted and user.role != User.Role.REPORTER:
        return user.is_active
    if user.pk == incident.owner_id and user.may_respond:
        # Perhaps since this very moment: its row is written last.
        return user.is_active
    return user.is_active and Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def people_tell(
    *,
    incident: Incident,
    users: Iterable[User],
    key: str,
    says: Callable[[], list[str]],
    changes: Changes,
    urgency: Literal["high", "low"] = "low",
    place: str = "",
) -> list[Message]:
    """A notice for each of ``users`` but whoever acts. ``says`` gives its lines and is called in the language of each; ``key``
    names the news, so that it is told once; ``place`` is the address below the house that it leads to."""
    fresh = {user.pk: user for user in users if user != changes.user and may_see(user, incident)}
    values = [_notice(incident, user, key, says, urgency, place) for user in fresh.values()]
    return messages_create(values, at=changes.at) if values else []


def _notice(
    incident: Incident, user: User, key: str, says: Callable[[], list[str]], urgency: Literal["high", "low"], place: str
) -> MessageValue:
    link = settings.PUBLIC_URL.rstrip("/") + (place or incident.get_absolute_url())
    with translation.override(user.language):
        body = "\n".join([*says(), "", incident.title, "", link])
    return MessageValue(
        recipient_id=user.pk,
        kind="notice",
        urgency=urgency,
        subject=page_subject(incident, user),
        body=body,
        link=link,
        idempotency_key=f"{key}:{user.pk}",
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )
