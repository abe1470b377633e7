"""Plays a recorded case again through the real services, call by call at the recorded instants."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from escalation_site.demo.case import Call, Case
from escalation_site.demo.sending import WORKER
from incidents.changes import lock
from incidents.engine.outcomes import page_report
from incidents.models import Alert, Incident, Page, Stage
from incidents.services import handing, intake, lifecycle
from incidents.services.handover_rating import handover_rate
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from incidents.services.stages import incident_stage
from notifications.services.deliveries import attempt_hand_over, deliveries_claim
from notifications.services.settling import attempt_settle


class Replay:
    """One case. The numbers of the rows are expected to be those of the recording."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.pk: int = case.incident.pk
        self.claimed: Any = None

    def play(self) -> None:
        for call in self.case.journal:
            play: Callable[[Call], None] = getattr(self, call.verb)
            play(call)

    @transaction.atomic
    def alert_opens(self, call: Call) -> None:
        intake.alerts_open([call.arguments["news"]], at=call.at)

    def person_opens(self, call: Call) -> None:
        filed: Incident = call.arguments["incident"]
        lifecycle.incident_open(
            title=filed.title,
            summary=filed.summary,
            severity=filed.severity,
            service=filed.service,
            reporter=filed.reporter,
            at=call.at,
            detection=filed.detection,
            environment=filed.environment,
            customer_impact=filed.customer_impact,
            restricted=filed.restricted,
            category=filed.category,
            customer=filed.customer,
            facts=filed.facts,
        )

    def tick(self, call: Call) -> None:
        assert runs_step(at=call.at) == 1

    def claimed_for_sending(self, call: Call) -> None:
        (self.claimed,) = deliveries_claim(at=call.at, channel="email", limit=1, worker=WORKER)
        assert self.claimed.pk == call.arguments["delivery"].pk

    def settled(self, call: Call) -> None:
        if call.arguments["handed_over_at"] is not None:
            assert attempt_hand_over(delivery=self.claimed, at=call.arguments["handed_over_at"])
        attempt_settle(delivery=self.claimed, end=call.arguments["end"], on_settled=page_report, at=call.at)

    def reported(self, call: Call) -> None:
        assert reports_process(at=call.at) == 1

    @transaction.atomic
    def repeated(self, call: Call) -> None:
        intake.alerts_repeat([(self._alert(), call.arguments["news"])], self._locked(), at=call.at)

    @transaction.atomic
    def recovered(self, call: Call) -> None:
        intake.alerts_recover([self._alert()], self._locked(), at=call.at)

    def acknowledged(self, call: Call) -> None:
        page = call.arguments["page"]
        lifecycle.incident_acknowledge(
            incident_id=self.pk,
            actor=call.arguments["actor"],
            at=call.at,
            page=Page.objects.get(pk=page.pk) if page else None,
            source=call.arguments["source"],
        )

    def moved(self, call: Call) -> None:
        stage = Stage.objects.get(key=call.arguments["stage"])
        incident_stage(incident_id=self.pk, stage=stage, actor=call.arguments["actor"], at=call.at)

    def commented(self, call: Call) -> None:
        lifecycle.incident_comment(incident_id=self.pk, at=call.at, **call.arguments)

    def escalated(self, call: Call) -> None:
        lifecycle.incident_escalate(incident_id=self.pk, at=call.at, **call.arguments)

    def reassigned(self, call: Call) -> None:
        handing.incident_reassign(incident_id=self.pk, at=call.at, **call.arguments)

    def rated(self, call: Call) -> None:
        handover_rate(incident_id=self.pk, at=call.at, **call.arguments)

    def mitigated(self, call: Call) -> None:
        lifecycle.incident_mitigate(incident_id=self.pk, at=call.at, **call.arguments)

    def snoozed(self, call: Call) -> None:
        lifecycle.incident_snooze(incident_id=self.pk, at=call.at, **call.arguments)

    def resolved(self, call: Call) -> None:
        lifecycle.incident_resolve(incident_id=self.pk, at=call.at, **call.arguments)

    def reopened(self, call: Call) -> None:
        lifecycle.incident_reopen(incident_id=self.pk, at=call.at, **call.arguments)

    def _alert(self) -> Alert:
        return Alert.objects.select_related("integration").get(incident=self.pk)

    def _locked(self) -> dict[int, Incident]:
        return {incident.pk: incident for incident in lock([self.pk])}
