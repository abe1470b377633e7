"""Incidents that hang together with one, as far as the reader may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident, IncidentLink, TimelineEvent
from oncall.models import User

Kind = IncidentLink.Kind
# The same link read from the other end.
_FROM_THERE: dict[str, str | Promise] = {
    Kind.DUPLICATE: _("has as duplicate"),
    Kind.CAUSED_BY: _("caused"),
    Kind.BLOCKS: _("is blocked by"),
    Kind.SPLIT_FROM: _("from it was split"),
    Kind.RELATED: _("has to do with"),
}


@dataclass(frozen=True, slots=True)
class Linked:
    """One link as the reader of an incident sees it: how it reads from here, and the incident at its other end."""

    pk: int
    words: str
    other: Incident
    merged: bool


@dataclass(frozen=True, slots=True)
class Links:
    """Where an incident was merged to, what was merged into it, and its links; all only where the reader sees the other one."""

    into: Incident | None
    merged: Sequence[Incident]
    links: Sequence[Linked]

    def __bool__(self) -> bool:
        return bool(self.into or self.merged or self.links)


def links_of(incident: Incident, *, user: User) -> Links:
    """Two queries: the links, and the incidents at their other ends."""
    rows = list(IncidentLink.objects.filter(Q(source=incident) | Q(target=incident)))
    ends = {row.target_id if row.source_id == incident.pk else row.source_id for row in rows}
    concerned = Q(pk__in=ends | {incident.merged_into_id}) | Q(merged_into=incident)
    seen = {
        one.pk: one
        for one in Incident.objects.visible_to(user).filter(concerned).select_related("owner").order_by("pk")
    }
    links = [_linked(row, incident, seen) for row in rows]
    return Links(
        into=seen.get(incident.merged_into_id or 0),
        merged=[one for one in seen.values() if one.merged_into_id == incident.pk],
        links=[one for one in links if one is not None and not one.merged],
    )


def _linked(row: IncidentLink, incident: Incident, seen: dict[int, Incident]) -> Linked | None:
    outward = row.source_id == incident.pk
    other = seen.get(row.target_id if outward else row.source_id)
    if other is None:
        return None
    merged = row.kind == Kind.DUPLICATE and (other.merged_into_id == incident.pk or incident.merged_into_id == other.pk)
    return Linked(row.pk, str(Kind(row.kind).label if outward else _FROM_THERE[row.kind]), other, merged)


def said_elsewhere(incident: Incident) -> QuerySet[TimelineEvent]:
    """What people wrote on the incidents that were merged into it."""
    kinds = ("incident.comment", "incident.correct", "incident.decide")
    return TimelineEvent.objects.filter(incident__merged_into=incident.pk, kind__in=kinds)
