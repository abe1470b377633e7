"""Incidents that hang together, said by people: a duplicate of, caused by, blocks, has to do with."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import Changes, actor_of, lock
from incidents.models import Incident, IncidentLink
from incidents.permissions import require_responder
from oncall.models import User

Kind = IncidentLink.Kind
BY_HAND = (Kind.DUPLICATE, Kind.CAUSED_BY, Kind.BLOCKS, Kind.RELATED)
"""What people say; that one was split from another is the split's own word."""
LINK = "incident.link"
_ONE_WAY = (Kind.CAUSED_BY, Kind.BLOCKS)


@contextmanager
def two_locked(
    one: int, other: int, *, actor: User, at: datetime, source: str
) -> Iterator[tuple[Incident, Incident, Changes]]:
    """Both incidents, locked in the order of their ids, and where changes go; written at the end.

    Raises DomainError (field "other") where they are the same, or where ``actor`` may not see the second one: whoever has no right to
    it learns nothing, not even that it exists.
    """
    if one == other:
        raise DomainError(_("Choose another incident than this one."), field="other")
    with transaction.atomic():
        found = {incident.pk: incident for incident in lock([one, other])}
        seen = Incident.objects.visible_to(actor).filter(pk=other).exists()
        if other not in found or not seen:
            raise DomainError(_("There is no incident of that number."), field="other")
        changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
        yield found[one], found[other], changes
        changes.write()


def incident_link(
    *, incident_id: int, other_id: int, kind: str, actor: User, at: datetime, source: str = "web"
) -> IncidentLink:
    """Say that the incident ``kind`` the other. Raises Conflict where that, or its contrary, is said already."""
    if kind not in BY_HAND:
        raise DomainError(_("Choose how they hang together."), field="kind")
    with two_locked(incident_id, other_id, actor=actor, at=at, source=source) as (incident, other, changes):
        require_responder(actor, incident)
        _refuse_said(incident, other, kind)
        return link_add(incident, other, kind, changes=changes)


def _refuse_said(incident: Incident, other: Incident, kind: str) -> None:
    if IncidentLink.objects.filter(source=incident, target=other, kind=kind).exists():
        raise Conflict(_("They are linked so already."))
    if not IncidentLink.objects.filter(source=other, target=incident, kind=kind).exists():
        return
    if kind in _ONE_WAY:
        raise Conflict(_("%(reference)s says the same of this one: it cannot go both ways.") % _named(other))
    raise Conflict(_("They are linked so already."))


def link_add(incident: Incident, other: Incident, kind: str, *, changes: Changes, tell: bool = True) -> IncidentLink:
    """The link with its record, told on both timelines unless another line says it. Call it with both locked."""
    link = IncidentLink.objects.create(source=incident, target=other, kind=kind, by=changes.user, at=changes.at)
    changes.ledger(incident, "incident.link", after={"kind": kind, "other": other.reference})
    if tell:
        _tell(incident, other, f"{LINK}_{kind}", changes)
        _tell(other, incident, f"{LINK}ed_{kind}", changes)
    return link


def incident_unlink(*, link_id: int, incident_id: int, actor: User, at: datetime, source: str = "web") -> None:
    """Take a link of the incident away. Raises Conflict where it is gone, or where it stands for a merge."""
    link = IncidentLink.objects.filter(pk=link_id).first()
    if link is None or incident_id not in (link.source_id, link.target_id):
        raise Conflict(_("That link is gone."))
    other_id = link.target_id if link.source_id == incident_id else link.source_id
    with two_locked(incident_id, other_id, actor=actor, at=at, source=source) as (incident, other, changes):
        require_responder(actor, incident)
        source_incident, target = (incident, other) if link.source_id == incident_id else (other, incident)
        if source_incident.merged_into_id == target.pk and link.kind == Kind.DUPLICATE:
            raise Conflict(_("They are merged: split them again instead."))
        link_drop(link, source_incident, target, changes=changes)


def link_drop(link: IncidentLink, incident: Incident, other: Incident, *, changes: Changes, tell: bool = True) -> None:
    """Delete the link; its history and the ledger keep it. Call it with both locked."""
    if not IncidentLink.objects.filter(pk=link.pk).exists():
        raise Conflict(_("That link is gone."))
    link.delete()
    changes.ledger(incident, "incident.unlink", before={"kind": link.kind, "other": other.reference})
    if tell:
        _tell(incident, other, "incident.unlink", changes)
        _tell(other, incident, "incident.unlink", changes)


def _tell(incident: Incident, other: Incident, kind: str, changes: Changes) -> None:
    """A line about ``other`` where readers of ``incident`` may know of it: that of a restricted one stays among its own."""
    if not other.restricted or incident.restricted:
        changes.timeline(incident, kind, name=other.reference, source=changes.source)


def _named(incident: Incident) -> dict[str, str]:
    return {"reference": incident.reference}
