"""What people (and recoveries) do to an incident. Each is one transaction: the change, its timeline, its ledger entries, the run.

Every service locks the incident first; the run, the pages and the messages hang on that lock. ``at`` is the instant of the action,
``source`` the way it came by ("web", "email", "api", "alert").
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.causes import Cause
from incidents.changes import Changes, actor_of
from incidents.links import expired
from incidents.models import Category, Customer, EscalationRun, Incident, Page, Service, Stage
from incidents.permissions import may_silence, require_reader, require_reopener, require_responder
from incidents.routing import Subject, Wish, facts_checked
from incidents.routing.setting import facts_stored
from incidents.services.escalator import Escalator
from incidents.services.guards import guards_missing, refusal
from incidents.services.opening import incidents_insert, incidents_opened
from incidents.services.saying import Saying, said_enter
from incidents.services.telling import resolutions_tell
from incidents.services.waiting import escalation_by_hand
from incidents.services.working import stage, working
from oncall.models import User
from policies.escalation import (
    Acknowledged,
    EscalateNow,
    Mitigated,
    Phase,
    Reopened,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from policies.severity import Severity

State = Incident.State


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
    impact: int | None = None,
    urgency: int | None = None,
    facts: Mapping[str, Any] | None = None,
    wish: Wish | None = None,
    category: Category | None = None,
    customer: Customer | None = None,
    source: str = "web",
) -> Incident:
    """File an incident: the routing rules are asked, and its policy starts.

    ``impact`` and ``urgency`` are from 1 (highest) to 5, ``facts`` what is known of it by the names of the conditions'
    vocabulary (answers to the house's own fields as ``custom``), ``wish`` what is said of its escalation. Raises DomainError
    naming the field at fault.
    """
    if not title.strip():
        raise DomainError(_("Give it a title."), field="title")
    if severity not in Severity.values:
        raise DomainError(_("Choose a severity from SEV-1 to SEV-5."), field="severity")
    said = facts_checked({**(facts or {}), "impact": impact, "urgency": urgency})
    incident = Incident(
        title=title.strip()[:200],
        summary=summary.strip(),
        severity=severity,
        impact=said.pop("impact"),
        urgency=said.pop("urgency"),
        facts=facts_stored(said),
        stage=stage("new"),
        service=service,
        team=service.team,
        environment=environment or service.environment,
        source=Incident.Source.API if source == "api" else Incident.Source.PERSON,
        detection=detection,
        customer_impact=customer_impact.strip(),
        reporter=reporter,
        category=category,
        customer=customer,
        restricted=restricted,
        is_test=is_test,
        started_at=at,
    )
    changes = Changes(at=at, actor=actor_of(reporter), user=reporter, source=source)
    courses = incidents_insert([Subject(incident)], changes=changes, wish=wish)
    incidents_opened(courses, changes=changes)
    changes.write()
    return incident


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
        work.overtakes(Acknowledged(at))
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
    cause: str = Cause.OTHER,
    page: Page | None = None,
    source: str = "web",
) -> Incident:
    """Call the next level now (R041). ``cause`` is the kind of reason, for the figures.

    Raises Conflict when it is resolved or there is no further level; DomainError without a reason, or for a cause that is none.
    """
    if not reason.strip():
        raise DomainError(_("Say why: the next level reads it first."), field="reason")
    if cause not in Cause.values:
        raise DomainError(_("Choose what it is needed for."), field="cause")
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
        work.changes.ledger(incident, "incident.escalate", data={"reason": reason.strip(), "cause": str(cause)})
        work.changes.timeline(incident, "incident.escalate", text=reason.strip(), source=source, cause=str(cause))
        if not (work.event(EscalateNow(at)) if work.run else escalation_by_hand(incident, work.escalator)):
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
            work.overtakes(Acknowledged(at))
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

    Resolving twice does nothing. ``actor`` None is the system, which nothing holds up; a person is refused (DomainError, code
    ``guarded``) where something must be there first.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        if actor is not None:
            require_responder(actor, work.incident)
        if work.incident.state != State.RESOLVED:
            resolved = stage("resolved")
            missing = guards_missing(work.incident, resolved, resolution=resolution) if actor is not None else ()
            if missing:
                raise refusal(missing, resolved, field="resolution")
            work.overtakes(Resolved(at))
            resolve(work.incident, work.run, work.escalator, resolved=resolved, resolution=resolution)
            work.incident.alerts.filter(resolved_at=None).update(resolved_at=at)
            resolutions_tell([work.incident], changes=work.changes)
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
        require_reopener(actor, incident, at=at)
        if incident.state != State.RESOLVED:
            raise Conflict(_("It is open."))
        if incident.merged_into_id is not None:
            raise Conflict(
                _("It is merged into INC-%(number)d: split it again instead.") % {"number": incident.merged_into_id}
            )
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


def incident_snooze(*, incident_id: int, until: datetime, actor: User, at: datetime, source: str = "web") -> Incident:
    """Page nobody before ``until``; then the level in force rings again.

    Raises DomainError for an instant that is past, NotAllowed where it is protected and ``actor`` is no owner of its service.
    """
    if until <= at:
        raise DomainError(_("Choose a time in the future."), field="until")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.state == State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        if not may_silence(actor, incident):
            raise NotAllowed(_("It is protected: only the owners of its service may silence it."))
        work.overtakes(Snoozed(at, until))
        work.event(Snoozed(at, until))
        work.changes.set(incident, "incident.snooze", snoozed_until=until, state=State.TRIGGERED, exhausted_at=None)
        work.changes.timeline(incident, "incident.snooze", until=until.isoformat(), source=source)
    return incident


def incident_comment(
    *,
    incident_id: int,
    text: str,
    actor: User,
    at: datetime,
    public: bool = False,
    attachments: Sequence[int] = (),
    source: str = "web",
) -> Incident:
    """Say something on it, as Markdown: internal, or ``public`` for its requester too. What a reporter says is always public.

    Whoever it mentions and may read it gets a notice. ``attachments`` are the numbers of files said with it. Raises DomainError when
    it is empty, NotAllowed for auditors and for people who may not see it.
    """
    if not text.strip():
        raise DomainError(_("Write something first."), field="text")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        more: dict[str, Any] = {"attachments": list(attachments)} if attachments else {}
        saying = Saying("incident.comment", text.strip(), public or actor.role == User.Role.REPORTER)
        said_enter(work.incident, saying, changes=work.changes, **more)
    return work.incident
