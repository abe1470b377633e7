"""Following an incident: wanting to know what becomes of it without being called. What followers are told is in `telling`."""

from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import NotAllowed
from incidents.models import Follower
from incidents.permissions import require_reader
from incidents.services.working import working
from oncall.models import User


def incident_follow(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> Follower:
    """``actor`` wants to know. Following twice does nothing. Raises NotAllowed for people who only read or may not see it."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        follower, made = Follower.objects.get_or_create(incident=work.incident, user=actor, defaults={"since": at})
        if made:
            work.changes.ledger(work.incident, "incident.follow", data={"name": actor.name})
    return follower


def follower_gather(*, incident_id: int, actor: User, gathered: bool, at: datetime, source: str = "web") -> Follower:
    """``actor`` says whether they hear news at once or ``gathered`` into one notice; whoever did not follow does from now on.

    What is gathered begins now; whoever goes back to hearing at once has the page before them, and is told nothing of before.
    Raises NotAllowed for people who only read or may not see it.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        follower, made = Follower.objects.get_or_create(incident=work.incident, user=actor, defaults={"since": at})
        if made:
            work.changes.ledger(work.incident, "incident.follow", data={"name": actor.name})
        if follower.gathered != gathered:
            follower.gathered, follower.told_at = gathered, at if gathered else None
            follower.save(update_fields=("gathered", "told_at"))
            data = {"name": actor.name, "gathered": gathered}
            work.changes.ledger(work.incident, "incident.gather", data=data)
    return follower


def incident_unfollow(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> bool:
    """``actor`` wants to know no more. Returns whether they followed it."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        if not actor.is_active:
            raise NotAllowed(_("This account is switched off."))
        gone, _rows = Follower.objects.filter(incident=work.incident, user=actor).delete()
        if gone:
            work.changes.ledger(work.incident, "incident.unfollow", data={"name": actor.name})
    return bool(gone)
