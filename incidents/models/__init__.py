"""Everything the incidents app stores."""

from incidents.models.catalogue import Integration, Service
from incidents.models.escalation import EscalationRun, Page, PageReport
from incidents.models.incident import Incident, Stage, TimelineEvent
from incidents.models.operations import ProcessBeat
from incidents.models.signals import Alert, InboxSignal

__all__ = [
    "Alert",
    "EscalationRun",
    "InboxSignal",
    "Incident",
    "Integration",
    "Page",
    "PageReport",
    "ProcessBeat",
    "Service",
    "Stage",
    "TimelineEvent",
]
