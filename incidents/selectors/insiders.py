"""Who has to do with an incident, and so sees it although it is restricted: ``querysets.ties``, read from the other end."""

from django.db.models import Q

from incidents.models import CheckpointAsk, Incident, Page, RoleHolder, Task
from oncall.models import Membership, User


def insiders(incident: Incident) -> frozenset[int]:
    """The numbers of everybody who sees ``incident`` because they have to do with it, and of auditors and administrators: one query."""
    named = Q(pk__in=[incident.reporter_id, incident.owner_id, incident.overseer_id])
    over_all = Q(role__in=(User.Role.AUDITOR, User.Role.ADMINISTRATOR))
    in_teams = Q(team=incident.team_id) | Q(team__responding_to__incident=incident)
    rows = [
        Membership.objects.filter(in_teams).values_list("user"),
        CheckpointAsk.objects.filter(checkpoint__incident=incident).values_list("user"),
        Page.objects.filter(incident=incident).values_list("recipient"),
        RoleHolder.objects.filter(incident=incident, until=None).values_list("user"),
        Task.objects.filter(incident=incident, ended_at=None, assignee__isnull=False).values_list("assignee"),
    ]
    first = User.objects.filter(named | over_all).order_by().values_list("pk")
    return frozenset(pk for (pk,) in first.union(*(one.order_by() for one in rows)))
