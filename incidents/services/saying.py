"""What is said on an incident: its line, and a notice for everybody it names who may read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from incidents.changes import Changes
from incidents.markdown import mentioned_names
from incidents.models import Incident, TimelineEvent
from incidents.services.notices import may_see, people_tell
from incidents.services.telling import comment_tell
from oncall.models import User

QUOTED = 400
"""How much of what was said a notice repeats."""


@dataclass(frozen=True, slots=True)
class Saying:
    """``kind`` of line, ``text`` as Markdown, and whether the requester reads it too. ``known`` were told before."""

    kind: str
    text: str
    public: bool
    known: frozenset[int] = frozenset()


def said_enter(incident: Incident, saying: Saying, *, changes: Changes, **data: Any) -> TimelineEvent:
    """Enter it in timeline and ledger and tell those it names. People who may not read it are not told, and the line says who."""
    named = _named(saying.text)
    heard = [user for user in named if may_hear(user, incident, public=saying.public)]
    barred = [user.name for user in named if user not in heard]
    fresh = [user for user in heard if user.pk not in saying.known]
    values: dict[str, Any] = {"public": saying.public, "mentions": [user.pk for user in heard], **data}
    if barred:
        values["barred"] = barred
    event = changes.timeline(incident, saying.kind, text=saying.text, source=changes.source, **values)
    changes.ledger(incident, saying.kind, after={"text": saying.text}, data=values)
    mentions_tell(incident, fresh, saying.text, changes=changes)
    if saying.public:
        comment_tell(incident=incident, text=saying.text, changes=changes, told=fresh)
    return event


def may_hear(user: User, incident: Incident, *, public: bool) -> bool:
    """Whether ``user`` reads what is said: who sees the incident, and reporters only what is public."""
    return may_see(user, incident) and (public or user.role != User.Role.REPORTER)


def _named(text: str) -> list[User]:
    """Whom "@" names: one query, none where it names nobody."""
    names = mentioned_names(text)
    people = User.objects.annotate(lower=Lower("username")).filter(is_active=True, lower__in=names).order_by("pk")
    return list(people) if names else []


def mentions_tell(incident: Incident, users: Sequence[User], text: str, *, changes: Changes) -> None:
    """A notice, no page, for each of ``users``: who named them, and what was said."""
    name = changes.user.name if changes.user else ""

    def says() -> list[str]:
        return [_("%(name)s mentions you.") % {"name": name}, "", text[:QUOTED]]

    who = changes.user.pk if changes.user else 0
    key = f"mention:{incident.pk}:{changes.at.timestamp():.6f}:{who}"
    if users:
        place = f"{incident.get_absolute_url()}?show=timeline"
        people_tell(incident=incident, users=users, key=key, says=says, changes=changes, place=place)
