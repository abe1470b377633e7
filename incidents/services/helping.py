"""Calling somebody in on an incident by hand: a person or a team, paged at once or only told, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident, Page
from incidents.permissions import require_responder
from incidents.services.notices import may_see, people_tell
from incidents.services.paging import PageOrder, pages_create
from incidents.services.responding import teams_join
from incidents.services.working import Work, working
from oncall.models import Team, User
from policies.definition import TargetDef, TargetKind
from policies.services import version_definition
from policies.targets import Recipient


@dataclass(frozen=True, slots=True)
class Help:
    """Who is wanted (a person or a team), why, and whether they are paged or only told."""

    reason: str
    user: User | None = None
    team: Team | None = None
    page: bool = True


def responder_add(*, incident_id: int, wanted: Help, actor: User, at: datetime, source: str = "web") -> list[User]:
    """Call them in; a team's people on call, and the team becomes a responder. Returns whom it reached for.

    A page goes out whatever the state is, because a person asks for it; somebody who may not see a restricted incident can be
    paged, which shows it to them, and not merely told. Raises DomainError naming the field at fault, NotAllowed for people who may not
    respond, Conflict when it is resolved or they were called already.
    """
    if not wanted.reason.strip():
        raise DomainError(_("Say why: whoever is called reads it first."), field="reason")
    if (wanted.user is None) == (wanted.team is None):
        raise DomainError(_("Choose a person or a team."), field="user")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if not work.incident.is_open:
            raise Conflict(_("It is resolved already."))
        people = _people(work, wanted)
        if wanted.page:
            _page(work, people, wanted)
        else:
            _tell(work, people, wanted)
    return people


def _people(work: Work, wanted: Help) -> list[User]:
    if wanted.user is not None:
        if not (wanted.user.is_active and wanted.user.may_respond):
            raise DomainError(_("%(name)s does not respond to incidents.") % {"name": wanted.user.name}, field="user")
        return [wanted.user]
    assert wanted.team is not None  # noqa: S101  tells the type checker what responder_add has looked at
    target = TargetDef(TargetKind.FUNCTIONAL_TEAM, ref=wanted.team.slug)
    found = [one.user for one in work.escalator.resolver.recipients([target], team=work.incident.team)]
    if not found:
        raise DomainError(_("Nobody of %(name)s is on call now.") % {"name": wanted.team.name}, field="team")
    teams_join([(work.incident, [target])], changes=work.changes)
    return found


def _page(work: Work, people: list[User], wanted: Help) -> None:
    run = work.run
    if run is None:
        _told(work, people, wanted, urgency="high")
    else:
        called = set(
            Page.objects.filter(run=run, cycle=run.cycle, level=run.level, recipient__in=people).values_list(
                "recipient", flat=True
            )
        )
        fresh = [user for user in people if user.pk not in called]
        if not fresh:
            raise Conflict(_("They were paged already at this level."), field="user")
        levels = version_definition(run.policy_version).levels
        why = {"kind": "asked", "name": work.changes.actor.label, "reason": wanted.reason.strip()}
        recipients = tuple(Recipient(user, why) for user in fresh)
        name = levels[min(run.level, len(levels) - 1)].name
        pages_create([PageOrder(run, run.cycle, run.level, len(levels), name, recipients)], changes=work.changes)
        people[:] = fresh
    _enter(work, people, wanted, "incident.call_in")


def _tell(work: Work, people: list[User], wanted: Help) -> None:
    barred = [user.name for user in people if not may_see(user, work.incident)]
    if barred:
        raise DomainError(
            _("%(name)s may not see it, because it is restricted. Page them if they are needed.") % {"name": barred[0]},
            field="user",
        )
    _told(work, people, wanted, urgency="low")
    _enter(work, people, wanted, "incident.tell")


def _told(work: Work, people: list[User], wanted: Help, *, urgency: Any) -> None:
    name, reason = work.changes.actor.label, wanted.reason.strip()

    def says() -> list[str]:
        return [_("%(name)s asks for your help.") % {"name": name}, "", reason]

    people_tell(
        incident=work.incident,
        users=people,
        key=f"help:{work.incident.pk}:{work.changes.at.timestamp():.6f}",
        says=says,
        changes=work.changes,
        urgency=urgency,
        place=f"{work.incident.get_absolute_url()}brief/",
    )


def _enter(work: Work, people: list[User], wanted: Help, action: str) -> None:
    """Timeline and ledger under the name of what was done: ``incident.call_in`` or ``incident.tell``."""
    data: dict[str, Any] = {"people": [user.name for user in people], "ids": [user.pk for user in people]}
    if wanted.team is not None:
        data["team"] = wanted.team.name
    work.changes.timeline(work.incident, action, text=wanted.reason.strip(), source=work.changes.source, **data)
    work.changes.ledger(work.incident, action, data={**data, "reason": wanted.reason.strip()})


def joined(incident: Incident, user: User) -> bool:
    """Whether ``user`` was called in by hand."""
    return any(
        user.pk in data.get("ids", ())
        for data in incident.timeline.filter(kind__in=("incident.call_in", "incident.tell")).values_list(
            "data", flat=True
        )
    )
