"""Escalation policies, the rules around them, and what keeps them true."""

from policies.models.care import Guideline, PolicyFinding, PolicyReview
from policies.models.policies import EscalationPolicy, PolicyVersion
from policies.models.rules import RuleBook, RuleBookVersion, WorkCalendar

__all__ = [
    "EscalationPolicy",
    "Guideline",
    "PolicyFinding",
    "PolicyReview",
    "PolicyVersion",
    "RuleBook",
    "RuleBookVersion",
    "WorkCalendar",
]
