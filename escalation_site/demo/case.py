"""One incident of the demo, from its opening to its end: each verb is one service call, recorded.

The journal lists the calls with their instants and arguments, so that a test can make them for real.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.values import Actor
from escalation_site.demo.recording import RecordedChanges, RecordedEscalator, Recording
from escalation_site.demo.sending import Post
from incidents.handovers import CHECKLIST, RATED, percent_of
from incidents.models import Alert, EscalationRun, Incident, Page, PageReport
from incidents.services import handing, intake, lifecycle, notices, paging, telling
from incidents.services.escalator import RunStart
from incidents.services.intake import News
from incidents.services.opening import opening_facts
from incidents.services.stored_runs import late_seconds
from notifications.decisions import Result
from notifications.models import Delivery
from oncall.models import User
from policies.books import PRIORITY
from policies.escalation import (
    Acknowledged,
    Because,
    EscalateNow,
    Event,
    LevelUnreachable,
    Mitigated,
    Reopened,
    Snoozed,
    Tick,
)
from policies.priority import priority_of

State = Incident.State
Outcomes = Callable[[Delivery], Result]

ENGINE_LAG = timedelta(milliseconds=60)
"""How long after a due instant, a settled delivery or a signal the engine gets to it."""


_PARTS = {"alert": Actor.system("intake"), "engine": Actor.system("engine")}
"""Which part of the system acts, by the way it came."""


@dataclass(frozen=True, slots=True)
class Call:
    """One service call: ``verb`` names it, ``at`` is the instant handed to it."""

    verb: str
    at: datetime
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """See the module. ``outcomes`` says how the provider answers each delivery."""

    recording: Recording
    outcomes: Outcomes
    incident: Incident = field(init=False)
    run: EscalationRun | None = None
    alert: Alert | None = None
    pages: list[Page] = field(default_factory=list)
    queue: list[Delivery] = field(default_factory=list)
    journal: list[Call] = field(default_factory=list)
    handed: dict[str, Any] = field(default_factory=dict)

    # --- how it begins

    def alert_opens(self, news: News) -> None:
        """A monitor's news makes an incident, as ``intake.alerts_open`` does."""
        at = news.received_at + ENGINE_LAG
        self._call("alert_opens", at, news=news)
        self.incident = intake._incident(news, self.recording.directory.stages["new"])
        self.recording.rows.number(self.incident)
        self.alert = intake._alert(news, self.incident)
        self.recording.rows.number(self.alert)
        with self._acting(at, source="alert") as (changes, escalator):
            intake._enter_alert(changes, self.incident, self.alert, "alert.receive", count=news.count)
            changes.timeline(
                self.incident, "alert.receive", summary=self.alert.summary, integration=news.integration.name
            )
            self._opened(changes, escalator)
        self._send()

    def person_opens(self, incident: Incident, reporter: User) -> None:
        """Somebody files it, as ``lifecycle.incident_open`` does. ``incident`` is new and complete."""
        at = incident.started_at
        self._call("person_opens", at, incident=incident)
        self.incident = incident
        self.recording.rows.number(incident)
        with self._acting(at, user=reporter, source="web") as (changes, escalator):
            self._opened(changes, escalator)
        self._send()

    def _opened(self, changes: RecordedChanges, escalator: RecordedEscalator) -> None:
        incident = self.incident
        incident.priority = priority_of(
            PRIORITY.default, severity=incident.severity, impact=incident.impact, urgency=incident.urgency
        )
        changes.opened([incident])
        changes.ledger(incident, "incident.open", after=opening_facts(incident))
        changes.timeline(incident, "incident.open", source=incident.source, severity=incident.severity)
        policy = incident.service.policy
        if policy is None or policy.current_version is None:
            raise ValueError(f"{incident.service.slug} has no policy")
        (self.run,) = escalator.start([RunStart(incident, policy.current_version)])

    # --- what time does

    @property
    def due_at(self) -> datetime | None:
        """When something happens by itself."""
        return self.run.next_due_at if self.run else None

    def time_passes(self, until: datetime) -> None:
        """Whatever falls due before ``until`` happens."""
        while (due := self.due_at) is not None and due + ENGINE_LAG < until:
            self.tick(due + ENGINE_LAG)

    def tick(self, at: datetime) -> None:
        self._call("tick", at)
        with self._acting(at, source="engine") as (_changes, escalator):
            if self.run is not None:
                escalator.late[self.run.pk] = late_seconds(self.run.next_due_at, at=at)
            self._event(escalator, Tick(at))
        self._send()

    # --- what people and monitors do

    def repeated(self, at: datetime, news: News) -> None:
        """The same alert again, ``news.count`` times."""
        assert self.alert is not None  # noqa: S101  only what an alert opened repeats
        self._call("repeated", at, news=news)
        with self._acting(at, source="alert") as (changes, _escalator):
            self.alert.count += news.count
            self.alert.last_received_at = news.received_at
            self.incident.alert_count += news.count
            changes.touch(self.incident, "alert_count")
            intake._enter_alert(changes, self.incident, self.alert, "alert.repeat", count=news.count)

    def recovered(self, at: datetime) -> None:
        """The monitor says that it is over."""
        assert self.alert is not None  # noqa: S101  only what an alert opened recovers
        self._call("recovered", at)
        with self._acting(at, source="alert") as (changes, escalator):
            self.alert.resolved_at = at
            intake._enter_alert(changes, self.incident, self.alert, "alert.recover", count=1)
            changes.timeline(
                self.incident,
                "alert.recover",
                summary=self.alert.summary,
                integration=self.alert.integration.name,
            )
            self._resolve(escalator)

    def acknowledged(self, actor: User, at: datetime, page: Page | None = None) -> None:
        """``actor`` takes it, from the page's link or on the web."""
        source = "email" if page else "web"
        self._call("acknowledged", at, actor=actor, page=page, source=source)
        incident = self.incident
        with self._acting(at, user=actor, source=source) as (changes, escalator):
            if page is not None:
                page.link_used_at = at
            self._event(escalator, Acknowledged(at))
            self._answered(actor, at)
            values: dict[str, object] = {"state": State.ACKNOWLEDGED, "exhausted_at": None, "snoozed_until": None}
            if incident.acknowledged_at is None:
                values["acknowledged_at"] = at
            if incident.owner_id is None or incident.state == State.TRIGGERED:
                values["owner"] = actor
            if incident.stage.key == "new":
                values["stage"] = self._stage("triage")
            data = {"page": page.pk, "level": page.level + 1} if page else None
            changes.set(incident, "incident.acknowledge", data=data, **values)
            changes.timeline(incident, "incident.acknowledge", source=source)

    def moved(self, actor: User, at: datetime, stage: str) -> None:
        self._call("moved", at, actor=actor, stage=stage)
        with self._acting(at, user=actor, source="web") as (changes, _escalator):
            before, after = self.incident.stage.name, self._stage(stage)
            changes.set(self.incident, "incident.stage", stage=after)
            changes.timeline(self.incident, "incident.stage", name=after.name, before=before, source="web")

    def commented(self, actor: User, at: datetime, text: str) -> None:
        self._call("commented", at, actor=actor, text=text)
        with self._acting(at, user=actor, source="web") as (changes, _escalator):
            said: dict[str, Any] = {"public": False, "mentions": []}
            changes.timeline(self.incident, "incident.comment", text=text, source="web", **said)
            changes.ledger(self.incident, "incident.comment", after={"text": text}, data=said)

    def escalated(self, actor: User, at: datetime, reason: str) -> None:
        """By hand; the run must have a level to go to."""
        self._call("escalated", at, actor=actor, reason=reason)
        with self._acting(at, user=actor, source="web") as (changes, escalator):
            changes.ledger(self.incident, "incident.escalate", data={"reason": reason, "cause": "other"})
            changes.timeline(self.incident, "incident.escalate", text=reason, source="web", cause="other")
            self._event(escalator, EscalateNow(at))
        self._send()

    def reassigned(self, actor: User, at: datetime, owner: User) -> None:
        tried = any(call.verb in ("commented", "mitigated") for call in self.journal)
        self._call("reassigned", at, actor=actor, owner=owner)
        passed_on = handing.handed_on(self.incident, owner, actor)
        self.handed = handing.brought_along(self.incident, owner, "", tried=tried) if passed_on else {}
        with self._acting(at, user=actor, source="web") as (changes, _escalator):
            changes.set(self.incident, "incident.reassign", owner=owner)
            changes.timeline(self.incident, "incident.reassign", name=owner.name, source="web", **self.handed)
            self._handed(owner, changes)
        self._send()

    def rated(self, actor: User, at: datetime, *, complete: bool, missing: str = "") -> None:
        """Whoever it was handed to says whether they had the full context."""
        self._call("rated", at, actor=actor, complete=complete, missing=missing)
        said: dict[str, Any] = {"complete": complete, "checklist_percent": percent_of(self.handed[CHECKLIST])}
        with self._acting(at, user=actor, source="web") as (changes, _escalator):
            changes.ledger(self.incident, RATED, data={**said, "missing": missing})
            cause = "whole" if complete else ""
            changes.timeline(self.incident, RATED, text=missing, cause=cause, source="web", **said)

    def mitigated(self, actor: User, at: datetime) -> None:
        self._call("mitigated", at, actor=actor)
        with self._acting(at, user=actor, source="web") as (changes, escalator):
            self._event(escalator, Mitigated(at))
            changes.set(self.incident, "incident.mitigate", mitigated_at=at, stage=self._stage("mitigating"))
            changes.timeline(self.incident, "incident.mitigate", source="web")

    def snoozed(self, actor: User, at: datetime, until: datetime) -> None:
        self._call("snoozed", at, actor=actor, until=until)
        with self._acting(at, user=actor, source="web") as (changes, escalator):
            self._event(escalator, Snoozed(at, until))
            changes.set(self.incident, "incident.snooze", snoozed_until=until, state=State.TRIGGERED, exhausted_at=None)
            changes.timeline(self.incident, "incident.snooze", until=until.isoformat(), source="web")

    def resolved(self, actor: User, at: datetime, resolution: str) -> None:
        self._call("resolved", at, actor=actor, resolution=resolution)
        with self._acting(at, user=actor, source="web") as (changes, escalator):
            self._resolve(escalator, resolution)
            self._over(changes)
        if self.alert is not None and self.alert.resolved_at is None:
            self.alert.resolved_at = at
        self._send()

    def reopened(self, actor: User, at: datetime, reason: str) -> None:
        self._call("reopened", at, actor=actor, reason=reason)
        with self._acting(at, user=actor, source="web") as (changes, escalator):
            changes.set(
                self.incident,
                "incident.reopen",
                state=State.TRIGGERED,
                resolved_at=None,
                resolved_by=None,
                acknowledged_at=None,
                mitigated_at=None,
                closed_at=None,
                owner=None,
                stage=self._stage("triage"),
            )
            changes.timeline(self.incident, "incident.reopen", text=reason, source="web")
            self._event(escalator, Reopened(at))
        self._send()

    # --- the parts they share

    @contextmanager
    def _acting(
        self, at: datetime, *, user: User | None = None, source: str
    ) -> Iterator[tuple[RecordedChanges, RecordedEscalator]]:
        changes = self.recording.changes(at, user=user, source=source, actor=_PARTS.get(source))
        escalator = RecordedEscalator(changes)
        yield changes, escalator
        escalator.settle()
        changes.write()
        self.pages += escalator.pages
        self.queue += escalator.deliveries

    def _call(self, verb: str, at: datetime, **arguments: Any) -> None:
        self.journal.append(Call(verb, at, arguments))

    def _event(self, escalator: RecordedEscalator, event: Event) -> None:
        if self.run is not None:
            escalator.event(self.run, event)

    def _stage(self, key: str) -> Any:
        return self.recording.directory.stages[key]

    def _resolve(self, escalator: RecordedEscalator, resolution: str = "") -> None:
        lifecycle.resolve(self.incident, self.run, escalator, resolved=self._stage("resolved"), resolution=resolution)

    def _over(self, changes: RecordedChanges) -> None:
        """Whoever filed it hears that it is resolved, as ``telling.resolutions_tell`` has it; nobody follows one."""
        incident = self.incident
        if incident.reporter is not None:
            key = f"resolved:{incident.pk}:{changes.at.isoformat()}"
            says = telling._resolved_says(incident, asks=True)
            self._tell(incident.reporter, key, says, telling._page(incident), changes)

    def _handed(self, owner: User, changes: RecordedChanges) -> None:
        """Whoever has it from now on hears by whom."""
        key = f"handed:{self.incident.pk}:{changes.at.timestamp():.6f}"
        place = f"{self.incident.get_absolute_url()}brief/"
        self._tell(owner, key, lambda: handing.handed_words(changes), place, changes)

    def _tell(self, user: User, key: str, says: Callable[[], list[str]], place: str, changes: RecordedChanges) -> None:
        """A notice, as ``notices.people_tell`` makes it."""
        if user != changes.user and self._may_see(user):
            value = notices._notice(self.incident, user, key, says, "low", place)
            _message, deliveries = self.recording.message(value, at=changes.at)
            self.queue += deliveries

    def _may_see(self, user: User) -> bool:
        """As ``notices.may_see``, of an incident that is not stored yet."""
        incident, reports = self.incident, user.role == User.Role.REPORTER
        if not incident.restricted and (not reports or incident.reporter_id == user.pk):
            return True
        if user.role in (User.Role.AUDITOR, User.Role.ADMINISTRATOR):
            return True
        paged = any(page.recipient_id == user.pk for page in self.pages)
        return (user.pk, incident.team_id) in self.recording.directory.teams or (paged and not reports)

    def _answered(self, actor: User, at: datetime) -> None:
        for page in self.pages:
            if page.recipient_id == actor.pk and page.answered_at is None:
                page.answered_at = at

    def _send(self) -> None:
        """Everything queued goes out, one after another, and the engine reads how it went."""
        while self.queue:
            self.queue.sort(key=lambda delivery: (delivery.next_attempt_at, delivery.pk))
            delivery = self.queue.pop(0)
            post = Post(self.recording, delivery, self.outcomes(delivery), after=self.journal[-1].at)
            self._call("claimed_for_sending", post.claimed_at, delivery=delivery)
            self._call("settled", post.settled_at, delivery=delivery, end=post.end, handed_over_at=post.handed_over_at)
            self.queue += post.settle()
            if delivery.message.settled_at is not None:
                self._report(delivery, post.settled_at)

    def _report(self, delivery: Delivery, settled_at: datetime) -> None:
        """The sender's report of a page that ended, and what the engine makes of it; of a notice there is none."""
        page = next((page for page in self.pages if page.message_id == delivery.message_id), None)
        if page is None:
            return
        at = settled_at + ENGINE_LAG
        message = delivery.message
        report = PageReport(
            page=page, outcome=message.state, reason=message.state_reason, at=settled_at, processed_at=at
        )
        self.recording.rows.add([report])
        self._call("reported", at)
        with self._acting(at, source="engine") as (changes, escalator):
            paging._settled(page, self.incident, str(message.state), message.state_reason, changes)
            page.settled_at = at
            if page.state == Page.State.FAILED:
                self._skip_dead_level(escalator, at)

    def _skip_dead_level(self, escalator: RecordedEscalator, at: datetime) -> None:
        run = self.run
        if run is None:
            return
        level = [page for page in self.pages if (page.level, page.cycle) == (run.level, run.cycle)]
        if level and all(page.state == Page.State.FAILED for page in level):
            escalator.event(run, LevelUnreachable(at, run.level, run.cycle, Because.NOBODY_REACHABLE))
