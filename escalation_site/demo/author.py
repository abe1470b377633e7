"""Who does what in each incident of the demo: from a seed, always the same."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from escalation_site.demo.case import ENGINE_LAG, Case
from escalation_site.demo.directory import Directory
from escalation_site.demo.recording import Recording, seconds
from escalation_site.demo.shape import Occurrence
from escalation_site.demo.vocabulary import CATEGORY_OF, COMMENTS, CUSTOMERS, FILED, REASONS, TROUBLES, Trouble
from incidents.intake.values import AlertValue
from incidents.models import Incident, Page, Service
from incidents.services.intake import News
from notifications.decisions import Result
from notifications.models import Delivery
from oncall.models import User
from policies.escalation import Phase

SEVERITY_WORDS = {1: "sev1", 2: "sev2", 3: "sev3", 4: "sev4", 5: "sev5"}
# Minutes to the end, median by severity; a few last many times longer.
LASTS = {1: 48.0, 2: 80.0, 3: 170.0, 4: 420.0, 5: 900.0}
NIGHT = range(6)
FEWEST_SECONDS = 25
SAID_AFTER = timedelta(minutes=4)
LACKED = ("", "", "", "Which customers are hit", "", "", "What was tried before", "")
"""What whoever an incident was handed to missed; mostly nothing."""


@dataclass(slots=True)
class Author:
    """Writes one case after another into ``recording``.

    ``since`` and ``until`` bound the year: people get quicker in its course.
    """

    recording: Recording
    since: datetime
    until: datetime

    @property
    def chance(self) -> random.Random:
        return self.recording.chance

    @property
    def directory(self) -> Directory:
        return self.recording.directory

    # --- beginnings

    def case(self) -> Case:
        return Case(self.recording, self._outcome)

    def write(self, occurrence: Occurrence) -> Case | None:
        """One whole incident, over before ``until``; None when it would not be."""
        chance = self.chance
        service = self._service(occurrence)
        by_person = not occurrence.storm and chance.random() < 0.17
        trouble = chance.choice(TROUBLES[service.team.slug])
        shift = chance.choice((0, 1, 1, 2)) if by_person else trouble.shift + chance.choice((0, 1, 1, 1, 2))
        severity = min(max(service.default_severity + shift, 1), 5)
        end = occurrence.at + seconds(60 * self._skewed(LASTS[severity], 0.75))
        if end > self.until - timedelta(minutes=5):
            return None
        case = self.case()
        if by_person:
            self.person_files(case, service, severity, occurrence.at)
        else:
            self.monitor_alerts(case, service, trouble, severity, occurrence.at, storm=occurrence.storm)
        self._live(case, end, trouble, by_person=by_person)
        return case

    def monitor_alerts(
        self,
        case: Case,
        service: Service,
        trouble: Trouble,
        severity: int,
        at: datetime,
        *,
        storm: int = 0,
        title: str = "",
    ) -> None:
        """``case`` begins with an alert."""
        title = title or trouble.title.format(n=self.chance.randint(2, 9), service=service.name)
        value = AlertValue(
            action="trigger",
            dedup_key=f"{self.chance.getrandbits(64):016x}",
            summary=title,
            severity_word=SEVERITY_WORDS[severity],
            labels=self._labels(service, trouble, severity),
            details={"annotations": {"summary": title, "description": self._description(service, storm)}},
            link=f"https://prometheus.brightquay.example/graph?service={service.slug}",
            started_at=at - timedelta(seconds=self.chance.randint(5, 90)),
        )
        integration = self.directory.integrations[service.pk]
        case.alert_opens(News("trigger", integration, value, at, 1))

    def person_files(
        self, case: Case, service: Service, severity: int, at: datetime, *, title: str = "", by: str = ""
    ) -> None:
        """``case`` begins with somebody's form."""
        default, summary = self.chance.choice(FILED)
        asked = self._asked(FILED.index((default, summary)), severity, at)
        reporter = self.directory.users[by or self.chance.choice(("luca", "sofie", "femke", "davide", "amara"))]
        incident = Incident(
            title=title or default.format(service=service.name),
            summary=summary,
            severity=severity,
            stage=self.directory.stages["new"],
            service=service,
            team=service.team,
            environment=service.environment,
            source=Incident.Source.PERSON.value,
            detection=self.chance.choice((Incident.Detection.CUSTOMER, Incident.Detection.STAFF)).value,
            customer_impact="Orders take longer than promised." if severity <= 2 else "",
            reporter=reporter,
            restricted=service.team.slug == "fraud" and self.chance.random() < 0.4,
            started_at=at,
            **asked,
        )
        case.person_opens(incident, reporter)

    def _asked(self, kind: int, severity: int, at: datetime) -> dict[str, Any]:
        """What the form asks besides: category, customer, the house's own field. From the minute, not by chance: the history
        stays the one it was."""
        customer = CUSTOMERS[at.minute % len(CUSTOMERS)]
        return {
            "category": self.directory.categories[CATEGORY_OF[kind]],
            "customer": self.directory.customers[customer] if customer else None,
            "facts": {"custom": {"orders_waiting": 12 + at.minute * 7}} if severity <= 2 else {},
        }

    def _labels(self, service: Service, trouble: Trouble, severity: int) -> dict[str, str]:
        return {
            "alertname": trouble.alert,
            "severity": SEVERITY_WORDS[severity],
            "service": service.slug,
            "region": service.region,
            "environment": service.environment,
            "instance": f"{service.slug}-{self.chance.randint(1, 6)}",
        }

    def _description(self, service: Service, storm: int) -> str:
        if storm:
            return f"One of many in {service.region} at the same time; look for a common cause."
        return f"Seen in {service.region} for more than five minutes."

    def _service(self, occurrence: Occurrence) -> Service:
        services = [one for one in self.directory.services.values() if occurrence.region in ("", one.region)]
        return self.chance.choices(services, [{1: 5.0, 2: 3.0, 3: 2.0}[one.tier] for one in services])[0]

    # --- the middle

    def _live(self, case: Case, end: datetime, trouble: Trouble, *, by_person: bool) -> None:
        """Until ``end``: somebody answers or the ladder is climbed, people work on it, and it is over."""
        owner = self.answer(case, end)
        if owner is not None:
            self._work(case, owner, end)
        self._pass(case, end)
        self._repeats(case, end)
        self._finish(case, owner, end, trouble, by_person=by_person)

    def answer(self, case: Case, end: datetime) -> User | None:
        """Climb the ladder until somebody answers; None when it ends before anybody does."""
        while case.run is not None and case.run.phase in (Phase.PAGING, Phase.WAITING):
            due = case.due_at
            page = self._who_answers(case) if case.run.phase == Phase.PAGING else None
            if page is not None:
                at = page.created_at + seconds(self._delay(page))
                if due is None or at < due - timedelta(seconds=1):
                    return self._take(case, page, at) if at < end else None
            if due is None or due + ENGINE_LAG >= end:
                return None
            case.tick(due + ENGINE_LAG)
        return self._late(case, end)

    def _who_answers(self, case: Case) -> Page | None:
        """One of the people paged last who got the page, unless this level sleeps."""
        assert case.run is not None  # noqa: S101  there is a run while it pages
        reached = [
            page
            for page in case.pages
            if (page.level, page.cycle) == (case.run.level, case.run.cycle) and page.state == Page.State.DELIVERED
        ]
        if not reached:
            return None
        hour = reached[0].created_at.hour
        wakes = 0.8 if hour in NIGHT else 0.92
        return self.chance.choice(reached) if self.chance.random() < wakes else None

    def _delay(self, page: Page) -> float:
        """Seconds from the page to the answer: longer at night, shorter for what is worse, shorter in the course of
        the year.
        """
        progress = (page.created_at - self.since) / (self.until - self.since)
        median = 150.0 * (1.25 - 0.4 * progress) * (1.6 if page.created_at.hour in NIGHT else 1.0)
        median *= {1: 0.6, 2: 0.8, 3: 1.1, 4: 1.6, 5: 2.0}[page.incident.severity]
        return max(self._skewed(median, 0.6), FEWEST_SECONDS)

    def _take(self, case: Case, page: Page, at: datetime) -> User:
        by_link = self.chance.random() < 0.7
        # By the row of the directory, so that names and roles are at hand.
        actor = self.directory.people[page.recipient_id]
        case.acknowledged(actor, at, page if by_link else None)
        return actor

    def _late(self, case: Case, end: datetime) -> User | None:
        """Nobody answered on any level; sometimes somebody finds it in the list."""
        exhausted_at = case.incident.exhausted_at
        if exhausted_at is None or not case.pages:
            return None
        at = exhausted_at + seconds(60 * self._skewed(18.0, 0.5))
        if at >= end:
            return None
        actor = self.directory.people[self.chance.choice(case.pages).recipient_id]
        case.acknowledged(actor, at)
        return actor

    def _work(self, case: Case, owner: User, end: datetime) -> None:
        """Comments, stages, a colleague, the mitigation: each at an instant between the answer and the end."""
        started = case.journal[-1].at
        left = (end - started).total_seconds()
        if left < 240 or not owner.may_respond:
            return
        chance = self.chance
        severe = case.incident.severity <= 2
        steps = sorted(chance.uniform(0.05, 0.9) for _step in range(chance.choice((0, 1, 2, 2, 3)) + severe))
        for number, share in enumerate(steps):
            at = started + seconds(left * share)
            self._pass(case, at)
            at = max(at, case.journal[-1].at + timedelta(seconds=2))
            if at < end:
                self._step(case, owner, at, end, first=number == 0, last=number == len(steps) - 1)

    def _step(self, case: Case, owner: User, at: datetime, end: datetime, *, first: bool, last: bool) -> None:
        chance, incident = self.chance, case.incident
        if first and chance.random() < 0.6:
            case.moved(owner, at, "investigating")
        elif last and incident.severity <= 3 and incident.mitigated_at is None and chance.random() < 0.55:
            case.mitigated(owner, at)
        elif chance.random() < 0.07 and self._may_escalate(case):
            case.escalated(owner, at, chance.choice(REASONS))
        elif chance.random() < 0.06:
            colleague = chance.choice(
                [user for user in self.directory.users.values() if user.role == User.Role.RESPONDER]
            )
            case.reassigned(owner, at, colleague)
            self._judge(case, colleague, at + SAID_AFTER, end)
        else:
            case.commented(owner, at, chance.choice(COMMENTS))

    def _judge(self, case: Case, receiver: User, at: datetime, end: datetime) -> None:
        """Whoever it was handed to says whether they knew all that they needed."""
        if not case.handed or at >= end:
            return
        self._pass(case, at)
        at = max(at, case.journal[-1].at + timedelta(seconds=2))
        if at < end:
            lacked = LACKED[case.incident.pk % len(LACKED)]
            case.rated(receiver, at, complete=not lacked, missing=lacked)

    def _may_escalate(self, case: Case) -> bool:
        run = case.run
        return run is not None and run.phase == Phase.ACKNOWLEDGED and run.level == 0

    def _pass(self, case: Case, until: datetime) -> None:
        """What falls due before ``until`` happens, and a level that is called over the owner's head mostly answers."""
        while (due := case.due_at) is not None and due + ENGINE_LAG < until:
            case.tick(due + ENGINE_LAG)
            self._second(case, until)

    def _second(self, case: Case, until: datetime) -> None:
        """Somebody of the level just called takes it too."""
        page = self._who_answers(case) if case.run is not None and case.run.phase == Phase.PAGING else None
        if page is None:
            return
        at = page.created_at + seconds(self._delay(page))
        due = case.due_at
        if case.journal[-1].at < at < until and (due is None or at < due):
            case.acknowledged(self.directory.people[page.recipient_id], at, page)

    # --- the end

    def _repeats(self, case: Case, end: datetime) -> None:
        """Monitors say the same again while it lasts; told in one batch near the end."""
        if case.alert is None or self.chance.random() < 0.55:
            return
        last = case.journal[-1].at
        at = last + (end - last) / 2
        if at <= last:
            return
        self._pass(case, at)
        at = max(at, case.journal[-1].at)
        count = min(int(self._skewed(4.0, 1.1)), 240)
        if at < end and count:
            value = AlertValue(action="trigger", dedup_key=case.alert.dedup_key, summary=case.alert.summary)
            case.repeated(at, News("trigger", case.alert.integration, value, at - ENGINE_LAG, count))

    def _finish(self, case: Case, owner: User | None, end: datetime, trouble: Trouble, *, by_person: bool) -> None:
        self._pass(case, end)
        at = max(end, case.journal[-1].at + timedelta(seconds=1))
        recovers = case.alert is not None and (owner is None or self.chance.random() < 0.45)
        if recovers:
            case.recovered(at)
            return
        cause = "Explained to the people who reported it; nothing was broken." if by_person else trouble.cause
        case.resolved(owner or self._somebody(case), at, cause)

    def _somebody(self, case: Case) -> User:
        """Whoever closes what nobody took: the person paged first, or a responder of the team."""
        if case.pages:
            return self.directory.people[case.pages[0].recipient_id]
        return self.directory.users["nils"]

    # --- chance

    def _skewed(self, median: float, spread: float) -> float:
        """Log-normal, and a long tail cut at eight medians."""
        return min(self.chance.lognormvariate(math.log(median), spread), median * 8)

    def _outcome(self, delivery: Delivery) -> Result:
        """Nearly all are sent; now and then a server is away for a moment, and now and then an address is refused."""
        draw = self.chance.random()
        if delivery.attempts_made == 0 and draw < 0.012:
            return Result.UNAVAILABLE
        return Result.REFUSED if draw > 0.994 else Result.SENT
