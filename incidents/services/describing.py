"""What an incident is about, edited by several people at once: each field is saved unless another changed that very field meanwhile."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident
from incidents.permissions import require_responder
from incidents.routing.again import facts_changed
from incidents.services.severity import terms_follow
from incidents.services.working import Work, working
from incidents.timeline_words import described_label
from oncall.models import User

TEXTS = ("title", "summary", "customer_impact", "environment")
FIELDS = (*TEXTS, "category", "customer")
_LIMITS = {"title": 200, "environment": 40}


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that somebody else changed meanwhile: what it says now, and what was to be written."""

    field: str
    theirs: Any
    mine: Any

    @property
    def label(self) -> str:
        return described_label(self.field)


@dataclass(frozen=True, slots=True)
class Described:
    """What became of an edit: the fields that were saved, and those that clash, whose values stayed as the other left them."""

    incident: Incident
    saved: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = field(default_factory=tuple)


def seen_of(incident: Incident) -> dict[str, str]:
    """A mark of each field's value as it is: a form carries it, and an edit says by it what its author had before their eyes."""
    return {name: _mark(_plain(getattr(incident, name))) for name in FIELDS}


def _plain(value: Any) -> str:
    """A value as it is compared: browsers send line breaks their own way."""
    if value is None:
        return ""
    return str(getattr(value, "pk", value)).replace("\r\n", "\n").strip()


def _mark(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]


def description_edit(
    *,
    incident_id: int,
    values: Mapping[str, Any],
    actor: User,
    at: datetime,
    seen: Mapping[str, str] | None = None,
    source: str = "web",
) -> Described:
    """Change title, summary, what customers notice, environment, category and customer: those that are given.

    ``seen`` are the marks of ``seen_of`` that the author of the edit had; without them nothing clashes. What the author did not touch
    stays as it is now, whoever changed it; what only the author touched is saved; what both changed is not, and comes back as a clash.
    Raises DomainError naming the field at fault, NotAllowed for people who may not respond.
    """
    wanted = {name: _cleaned(name, value) for name, value in values.items() if name in FIELDS}
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        fresh, clashes = _sorted(incident, wanted, seen or {})
        if fresh:
            work.changes.set(incident, "incident.describe", **fresh)
            work.changes.timeline(incident, "incident.describe", fields=list(fresh), source=source)
            _follow(work)
    return Described(incident, tuple(fresh), tuple(clashes))


def _cleaned(name: str, value: Any) -> Any:
    if name not in TEXTS:
        return value
    text = str(value or "").replace("\r\n", "\n").strip()
    if name == "title" and not text:
        raise DomainError(_("Give it a title."), field="title")
    limit = _LIMITS.get(name)
    if limit is not None and len(text) > limit:
        raise DomainError(_("At most %(count)d characters.") % {"count": limit}, field=name)
    return text


def _sorted(
    incident: Incident, wanted: Mapping[str, Any], seen: Mapping[str, str]
) -> tuple[dict[str, Any], list[Clash]]:
    fresh: dict[str, Any] = {}
    clashes: list[Clash] = []
    for name, value in wanted.items():
        now = getattr(incident, name)
        mine, theirs, before = _plain(value), _plain(now), seen.get(name)
        if mine == theirs or _mark(mine) == before:
            continue
        if before is None or _mark(theirs) == before:
            fresh[name] = value
        else:
            clashes.append(Clash(name, now, value))
    return fresh, clashes


def _follow(work: Work) -> None:
    """More is known of it: SLA, priority and routing rules look again."""
    if work.incident.is_open:
        terms_follow(work)
        facts_changed(work)


def bridge_clash(incident: Incident, seen: str | None) -> Conflict | None:
    """What to say where somebody changed the bridge after it was ``seen`` (None asks for nothing)."""
    if seen is None or seen == incident.bridge_url:
        return None
    words = _("Somebody changed this meanwhile to: %(value)s. Save again to put yours in its place.")
    return Conflict(words % {"value": incident.bridge_url or _("nothing")}, field="url")


def incident_bridge(
    *, incident_id: int, url: str, actor: User, at: datetime, seen: str | None = None, source: str = "web"
) -> Incident:
    """Where those who work on it talk to each other; "" takes it away. ``seen`` is the bridge that whoever decides had before their
    eyes. Raises DomainError for what is no web address, NotAllowed for people who may not respond, Conflict when it is so already or
    another than ``seen`` by now."""
    url = url.strip()
    if url:
        try:
            URLValidator(schemes=["https", "http"])(url)
        except ValidationError as error:
            raise DomainError(_("Give a web address that begins with https://."), field="url") from error
        if len(url) > 200:
            raise DomainError(_("At most %(count)d characters.") % {"count": 200}, field="url")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if work.incident.bridge_url == url:
            raise Conflict(_("It is so already."), field="url")
        if clash := bridge_clash(work.incident, seen):
            raise clash
        work.changes.set(work.incident, "incident.bridge", bridge_url=url)
        if url:
            work.changes.timeline(work.incident, "incident.bridge", url=url, source=source)
        else:
            work.changes.timeline(work.incident, "incident.bridge_end", source=source)
    return work.incident
