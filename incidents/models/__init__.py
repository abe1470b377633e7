"""Everything the incidents app stores."""

from incidents.models.catalogue import Integration, Service
from incidents.models.decisions import Checkpoint, CheckpointAsk, RoutingDecision
from incidents.models.escalation import EscalationRun, Page, PageReport
from incidents.models.filing import Category, Customer, CustomField, FilingDraft, OpeningView, SavedView
from incidents.models.incident import Incident, RespondingTeam, Stage, TimelineEvent
from incidents.models.operations import Alarm, ProcessBeat
from incidents.models.partners import Document, Vendor, VendorCase
from incidents.models.signals import Alert, InboxSignal
from incidents.models.talk import Attachment, Complaint, Follower, IncidentLink, Survey, TimelinePin
from incidents.models.work import (
    ActionPlan,
    Objective,
    PlanTemplate,
    ResponseRole,
    RoleDuty,
    RoleHolder,
    Task,
    TaskWait,
    TimeEntry,
)
from incidents.models.workflow import Review, StageGuard, Transition

__all__ = [
    "ActionPlan",
    "Alarm",
    "Alert",
    "Attachment",
    "Category",
    "Checkpoint",
    "CheckpointAsk",
    "Complaint",
    "CustomField",
    "Customer",
    "Document",
    "EscalationRun",
    "FilingDraft",
    "Follower",
    "InboxSignal",
    "Incident",
    "IncidentLink",
    "Integration",
    "Objective",
    "OpeningView",
    "Page",
    "PageReport",
    "PlanTemplate",
    "ProcessBeat",
    "RespondingTeam",
    "ResponseRole",
    "Review",
    "RoleDuty",
    "RoleHolder",
    "RoutingDecision",
    "SavedView",
    "Service",
    "Stage",
    "StageGuard",
    "Survey",
    "Task",
    "TaskWait",
    "TimeEntry",
    "TimelineEvent",
    "TimelinePin",
    "Transition",
    "Vendor",
    "VendorCase",
]
