"""What people (and recoveries) do to an incident. Each is one transaction: the change, its timeline, its ledger entries, the run.

Every service locks the incident first; the run, the pages and the messages hang on that lock. ``at`` is the instant of the action,
``source`` the way it came by ("web", "email", "api", "alert").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes, actor_of, history_append, lock
from incidents.links import expired
from incidents.models import EscalationRun, Incident, Page, Service, Stage
from incidents.permissions import require_reader, require_responder
from incidents.services.escalator import Escalator, current_runs
from oncall.models import User
from policies.escalation import (
    Acknowledged,
    EscalateNow,
    Event,
    Mitigated,
    Phase,
    Reopened,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from policies.severity import Severity

State = Incident.State


@dataclass
class Work:
    """A locked incident, its run, and where changes go."""

    incident: Incident
    run: EscalationRun | None
    changes: Changes
    escalator: Escalator

    def event(self, event: Event) -> bool:
        return self.run is not None and self.escalator.event(self.run, event)


@contextmanager
def working(incident_id: int, *, actor: User | None, at: datetime, source: str) -> Iterator[Work]:
    """Lock one incident, let the caller change it, then perform what the run decided and write everything."""
    with transaction.atomic():
        incident = lock([incident_id]).get()
        changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
        work = Work(incident, current_runs([incident]).get(incident.pk), changes, Escalator(changes))
        yield work
        work.escalator.settle()
        changes.write()


def stage(key: str) -> Stage:
    """The stage of that key. Raises DomainError when an administrator removed it."""
    try:
        return Stage.objects.get(key=key)
    except Stage.DoesNotExist as error:
        raise DomainError(_("The stage “%(key)s” is missing.") % {"key": key}, field="stage") from error


@transaction.atomic
def incident_open(
    *,
    title: str,
    summary: str,
    severity: int,
    service: Service,
    reporter: User | None,
    at: datetime,
    detection: str = Incident.Detection.STAFF,
    environment: str = "",
    customer_impact: str = "",
    restricted: bool = False,
    is_test: bool = False,
    source: str = "web",
) -> Incident:
    """File an incident and start its service's policy. Raises DomainError naming the field at fault."""
    if not title.strip():
        raise DomainError(_("Give it a title."), field="title")
    if severity not in Severity.values:
        raise DomainError(_("Choose a severity from SEV-1 to SEV-5."), field="severity")
    incident = Incident(
        title=title.strip()[:200],
        summary=summary.strip(),
        severity=severity,
        stage=stage("new"),
        service=service,
        team=service.team,
        environment=environment or service.environment,
        source=Incident.Source.API if source == "api" else Incident.Source.PERSON,
        detection=detection,
        customer_impact=customer_impact.strip(),
        reporter=reporter,
        restricted=restricted,
        is_test=is_test,
        started_at=at,
    )
    rows_insert([incident])
    changes = Changes(at=at, actor=actor_of(reporter), user=reporter, source=source)
    incidents_opened([incident], changes=changes)
    changes.write()
    return incident


def incidents_opened(incidents: list[Incident], *, changes: Changes) -> None:
    """What follows the INSERT of new incidents, by whatever door: history, ledger, timeline, run."""
    history_append(incidents, user=changes.user, at=changes.at, update=False)
    escalator = Escalator(changes)
    paging = []
    for incident in incidents:
        changes.ledger(incident, "incident.open", after=_facts(incident))
        changes.timeline(incident, "incident.open", source=incident.source, severity=incident.severity)
        policy = incident.service.policy
        if policy is not None and policy.current_version is not None:
            paging.append((incident, policy.current_version))
        else:
            changes.timeline(incident, "escalation.no_policy", name=incident.service.name)
            changes.ledger(incident, "escalation.no_policy", data={"service": incident.service.name})
    escalator.start(paging)
    escalator.settle()


def _facts(incident: Incident) -> dict[str, object]:
    return {
        "title": incident.title,
        "severity": incident.severity,
        "service": incident.service.name,
        "team": incident.team.name,
        "environment": incident.environment,
        "source": incident.source,
        "restricted": incident.restricted,
        "test": incident.is_test,
    }


def incident_acknowledge(
    *, incident_id: int, actor: User, at: datetime, page: Page | None = None, source: str = "web"
) -> Incident:
    """``actor`` takes it: the acknowledgement clock stops, pages on their way are cancelled, the resolution clock runs on.

    Pressing twice does nothing. Raises Conflict when it is resolved, when somebody else has it and nobody else is being paged, or
    when the page's link has been used; NotAllowed for people who may not respond.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        if page is not None:
            _use_link(page, at=at)
        else:
            require_responder(actor, incident)
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        answered = work.event(Acknowledged(at, who=actor.pk))
        if incident.state == State.ACKNOWLEDGED and not answered:
            if incident.owner_id == actor.pk:
                return incident
            raise Conflict(
                _("%(name)s has it already.") % {"name": incident.owner.name if incident.owner else _("Somebody")}
            )
        _answered(incident, actor, at)
        values: dict[str, Any] = {"state": State.ACKNOWLEDGED, "exhausted_at": None, "snoozed_until": None}
        if incident.acknowledged_at is None:
            values["acknowledged_at"] = at
        if incident.owner_id is None or incident.state == State.TRIGGERED:
            values["owner"] = actor
        if incident.stage.key == "new":
            values["stage"] = stage("triage")
        data = {"page": page.pk, "level": page.level + 1} if page else None
        work.changes.set(incident, "incident.acknowledge", data=data, **values)
        work.changes.timeline(incident, "incident.acknowledge", source=source)
    return incident


def require_fresh(page: Page, *, at: datetime) -> None:
    """Raise Conflict when the page's link is too old to act on or has been used."""
    if expired(page.created_at, at=at):
        raise Conflict(_("This link is too old. Sign in to act."), code="link_expired")
    if page.link_used_at is not None:
        raise Conflict(_("This link has been used. Sign in to act again."), code="link_used")


def _use_link(page: Page, *, at: datetime) -> None:
    """A link acts once: whoever comes second finds it used. The condition is in the UPDATE, so that two taps cannot both pass."""
    require_fresh(page, at=at)
    if not Page.objects.filter(pk=page.pk, link_used_at=None).update(link_used_at=at):
        raise Conflict(_("This link has been used."), code="link_used")


def _answered(incident: Incident, actor: User, at: datetime) -> None:
    Page.objects.filter(incident=incident, recipient=actor, answered_at=None).update(answered_at=at)


def incident_unacknowledge(
    *, incident_id: int, actor: User, at: datetime, page: Page | None = None, source: str = "web"
) -> Incident:
    """Give it back: the level in force rings again. With ``page`` it is the undo of a one-tap acknowledgement, whose link works again.

    Raises Conflict unless it is acknowledged.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        if page is None:
            require_responder(actor, incident)
        if incident.state != State.ACKNOWLEDGED:
            raise Conflict(_("It is not acknowledged."))
        if page is not None:
            if incident.owner_id != page.recipient_id:
                raise Conflict(_("Somebody else has it by now."))
            Page.objects.filter(pk=page.pk).update(link_used_at=None)
        Page.objects.filter(incident=incident, recipient=actor).update(answered_at=None)
        work.changes.set(incident, "incident.unacknowledge", state=State.TRIGGERED, owner=None, acknowledged_at=None)
        work.changes.timeline(incident, "incident.unacknowledge", source=source)
        work.event(Unacknowledged(at, who=actor.pk))
    return incident


def incident_escalate(
    *,
    incident_id: int,
    actor: User,
    reason: str,
    at: datetime,
    page: Page | None = None,
    source: str = "web",
) -> Incident:
    """Call the next level now (R041). Raises Conflict when it is resolved or there is no further level; DomainError without a reason."""
    if not reason.strip():
        raise DomainError(_("Say why: the next level reads it first."), field="reason")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        if page is None:
            require_responder(actor, incident)
        else:
            require_fresh(page, at=at)
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        if page is not None and work.run is not None and _has_moved_on(work.run, page):
            raise Conflict(_("The next level has been called already."))
        work.changes.ledger(incident, "incident.escalate", data={"reason": reason.strip()})
        work.changes.timeline(incident, "incident.escalate", text=reason.strip(), source=source)
        if not work.event(EscalateNow(at)):
            raise Conflict(_("There is no further level to call."))
    return incident


def _has_moved_on(run: EscalationRun, page: Page) -> bool:
    """Whether another level is in force than the page's: a second press on an old page must not call one level more."""
    return run.phase != Phase.WAITING and (run.level, run.cycle) != (page.level, page.cycle)


def incident_mitigate(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> Incident:
    """The harm is stopped; the resolution clock is held where the policy says so. Also acknowledges, for whoever stopped it has it."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.state == State.RESOLVED or incident.mitigated_at is not None:
            raise Conflict(_("It is mitigated or resolved already."))
        values: dict[str, Any] = {"mitigated_at": at, "stage": stage("mitigating")}
        if incident.state == State.TRIGGERED:
            values |= {
                "state": State.ACKNOWLEDGED,
                "acknowledged_at": at,
                "owner": actor,
                "exhausted_at": None,
                "snoozed_until": None,
            }
            work.event(Acknowledged(at, who=actor.pk))
            _answered(incident, actor, at)
        work.event(Mitigated(at))
        work.changes.set(incident, "incident.mitigate", **values)
        work.changes.timeline(incident, "incident.mitigate", source=source)
    return incident


def incident_resolve(
    *, incident_id: int, actor: User | None, at: datetime, resolution: str = "", source: str = "web"
) -> Incident:
    """It is over: nobody is paged any more, and its alerts count as ended, so that a new firing opens a new incident.

    Resolving twice does nothing. ``actor`` None is the system.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        if actor is not None:
            require_responder(actor, work.incident)
        if work.incident.state != State.RESOLVED:
            resolve(work.incident, work.run, work.escalator, resolved=stage("resolved"), resolution=resolution)
            work.incident.alerts.filter(resolved_at=None).update(resolved_at=at)
    return work.incident


def resolve(
    incident: Incident, run: EscalationRun | None, escalator: Escalator, *, resolved: Stage, resolution: str = ""
) -> None:
    """The part shared with recoveries, which resolve many at once. ``resolved`` is the stage of that name."""
    changes = escalator.changes
    if run is not None:
        escalator.event(run, Resolved(changes.at))
    changes.set(
        incident,
        "incident.resolve",
        state=State.RESOLVED,
        resolved_at=changes.at,
        resolved_by=changes.user,
        stage=resolved,
        resolution=resolution.strip() or incident.resolution,
        snoozed_until=None,
        exhausted_at=None,
    )
    changes.timeline(incident, "incident.resolve", text=resolution.strip(), source=changes.source)


@contextmanager
def _or_newer() -> Iterator[None]:
    """The alert may fire anew between the look and the write; the database then allows one open incident only."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(_("A newer incident is open for the same alert.")) from error


def incident_reopen(*, incident_id: int, actor: User, reason: str, at: datetime, source: str = "web") -> Incident:
    """It is not over after all: the ladder is walked again. Raises Conflict when it is open, or when a newer incident has its alert."""
    with _or_newer(), working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.state != State.RESOLVED:
            raise Conflict(_("It is open."))
        newer = (
            Incident.objects.open().filter(integration=incident.integration_id, dedup_key=incident.dedup_key).first()
        )
        if incident.integration_id and newer is not None:
            raise Conflict(_("%(reference)s is open for the same alert.") % {"reference": newer.reference})
        work.changes.set(
            incident,
            "incident.reopen",
            state=State.TRIGGERED,
            resolved_at=None,
            resolved_by=None,
            acknowledged_at=None,
            mitigated_at=None,
            closed_at=None,
            owner=None,
            stage=stage("triage"),
        )
        work.changes.timeline(incident, "incident.reopen", text=reason.strip(), source=source)
        work.event(Reopened(at))
    return incident


def incident_reassign(*, incident_id: int, owner: User, actor: User, at: datetime, source: str = "web") -> Incident:
    """Hand it to ``owner``, who must be able to respond. Raises DomainError or Conflict."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if not (owner.is_active and owner.may_respond):
            raise DomainError(_("%(name)s does not respond to incidents.") % {"name": owner.name}, field="owner")
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        values: dict[str, Any] = {"owner": owner}
        if incident.state == State.TRIGGERED:
            values |= {
                "state": State.ACKNOWLEDGED,
                "acknowledged_at": at,
                "exhausted_at": None,
                "snoozed_until": None,
            }
            work.event(Acknowledged(at, who=owner.pk))
        work.changes.set(incident, "incident.reassign", **values)
        work.changes.timeline(incident, "incident.reassign", name=owner.name, source=source)
    return incident


def incident_snooze(*, incident_id: int, until: datetime, actor: User, at: datetime, source: str = "web") -> Incident:
    """Page nobody before ``until``; then the level in force rings again. Raises DomainError for an instant that is past."""
    if until <= at:
        raise DomainError(_("Choose a time in the future."), field="until")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        work.event(Snoozed(at, until))
        work.changes.set(incident, "incident.snooze", snoozed_until=until, state=State.TRIGGERED, exhausted_at=None)
        work.changes.timeline(incident, "incident.snooze", until=until.isoformat(), source=source)
    return incident


def incident_stage(*, incident_id: int, stage: Stage, actor: User, at: datetime, source: str = "web") -> Incident:
    """Move it to another stage of the life cycle; resolving has its own service."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if stage.key in ("resolved", "closed"):
            raise DomainError(_("Resolve it instead."), field="stage")
        work.changes.set(work.incident, "incident.stage", stage=stage)
        work.changes.timeline(work.incident, "incident.stage", name=stage.name, source=source)
    return work.incident


def incident_comment(*, incident_id: int, text: str, actor: User, at: datetime, source: str = "web") -> Incident:
    """Add a line to the timeline. Raises DomainError when it is empty, NotAllowed for auditors and for people who may not see it."""
    if not text.strip():
        raise DomainError(_("Write something first."), field="text")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        work.changes.ledger(work.incident, "incident.comment", after={"text": text.strip()})
        work.changes.timeline(work.incident, "incident.comment", text=text.strip(), source=source)
    return work.incident
