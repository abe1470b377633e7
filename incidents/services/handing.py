"""Handing an incident to somebody: whoever has it from now on is told by whom, and with which words."""

from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import Changes
from incidents.handovers import CHECKLIST
from incidents.models import Incident, TimelineEvent
from incidents.permissions import require_responder
from incidents.services.admitting import admitted, shows_it_to
from incidents.services.notices import people_tell
from incidents.services.working import working
from oncall.models import User
from policies.escalation import Acknowledged

State = Incident.State
TRIED = ("incident.comment", "incident.decide", "incident.mitigate")


def incident_reassign(
    *,
    incident_id: int,
    owner: User,
    actor: User,
    at: datetime,
    note: str = "",
    admit: bool = False,
    source: str = "web",
) -> Incident:
    """Hand it to ``owner``, who must be able to respond and is told, with a ``note``.

    ``admit`` says that a restricted one is to be shown to an owner who does not see it. Raises DomainError or Conflict.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if not (owner.is_active and owner.may_respond):
            raise DomainError(_("%(name)s does not respond to incidents.") % {"name": owner.name}, field="owner")
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        if shows_it_to(owner, incident, admit=admit):
            admitted(owner, incident, changes=work.changes)
        brought: dict[str, Any] = {}
        if handed_on(incident, owner, actor):
            said = TimelineEvent.objects.filter(incident=incident, kind__in=TRIED, actor__isnull=False)
            brought = brought_along(incident, owner, note, tried=said.exists())
        values: dict[str, Any] = {"owner": owner}
        if incident.state == State.TRIGGERED:
            values |= {
                "state": State.ACKNOWLEDGED,
                "acknowledged_at": at,
                "exhausted_at": None,
                "snoozed_until": None,
            }
            work.overtakes(Acknowledged(at))
            work.event(Acknowledged(at, who=owner.pk))
        work.changes.set(incident, "incident.reassign", **values)
        work.changes.timeline(
            incident, "incident.reassign", text=note.strip(), name=owner.name, source=source, **brought
        )
        _handed(incident, owner, note.strip(), work.changes)
    return incident


def handed_on(incident: Incident, owner: User, actor: User) -> bool:
    """Whether somebody else than before has it from now on; who takes what nobody had yet is given nothing by anybody."""
    return incident.owner_id != owner.pk and (owner.pk != actor.pk or incident.owner_id is not None)


def brought_along(incident: Incident, owner: User, note: str, *, tried: bool) -> dict[str, Any]:
    """What the line of a handover to a person keeps: who got it, and what of the checklist was there."""
    return {"to": owner.pk, CHECKLIST: came_along(incident, note, tried=tried)}


def came_along(incident: Incident, note: str, *, tried: bool) -> list[str]:
    """What of the checklist is there. ``tried`` says that somebody wrote or decided something."""
    found = {
        "note": bool(note.strip()),
        "summary": bool(incident.summary.strip()),
        "impact": bool(incident.customer_impact.strip()),
        "tried": tried,
        "way": bool(incident.bridge_url or incident.service.bridge_url or incident.service.runbook_url),
    }
    return [key for key, there in found.items() if there]


def _handed(incident: Incident, owner: User, note: str, changes: Changes) -> None:
    """Whoever has it from now on is told by whom and with which words; the brief is behind the link."""
    key = f"handed:{incident.pk}:{changes.at.timestamp():.6f}"
    place = f"{incident.get_absolute_url()}brief/"
    says = partial(handed_words, changes, note)
    people_tell(incident=incident, users=[owner], key=key, says=says, changes=changes, place=place)


def handed_words(changes: Changes, note: str = "") -> list[str]:
    """What a notice says to whoever an incident is handed to, in the language that is active."""
    by = _("%(name)s hands it to you.") % {"name": changes.actor.label}
    return [by, "", note] if note else [by]
