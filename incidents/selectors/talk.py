"""Who can be named in what is said on an incident."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from incidents.models import Incident, Page
from oncall.models import Membership, User

OFFERED = 8


def people_named(incident: Incident, typed: str, *, reader: User) -> Sequence[User]:
    """People whose name begins with ``typed`` in any of its parts, those of the incident's team first; of a restricted incident only
    who may see it. Reporters find the incident's team, not the whole house."""
    words = typed.strip().lstrip("@")[:40]
    own = Exists(Membership.objects.filter(user=OuterRef("pk"), team=incident.team_id))
    paged = Exists(Page.objects.filter(recipient=OuterRef("pk"), incident=incident))
    found = User.objects.filter(is_active=True).exclude(pk=reader.pk).annotate(in_team=own, was_paged=paged)
    found = found.exclude(role=User.Role.AUDITOR)
    if words:
        found = found.filter(
            Q(username__istartswith=words) | Q(first_name__istartswith=words) | Q(last_name__istartswith=words)
        )
    near = (
        Q(in_team=True) | Q(was_paged=True) | Q(pk__in=[pk for pk in (incident.owner_id, incident.overseer_id) if pk])
    )
    if incident.restricted:
        near |= Q(role=User.Role.ADMINISTRATOR)
    if incident.restricted or reader.role == User.Role.REPORTER:
        found = found.filter(near)
    return list(found.order_by("-was_paged", "-in_team", "first_name", "last_name", "username")[:OFFERED])
