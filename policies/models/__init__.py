"""Escalation policies, the books of rules of the whole house, and what keeps them true."""

from policies.models.books import BookVersion, WorkCalendar
from policies.models.care import Guideline, PolicyFinding, PolicyReview
from policies.models.policies import EscalationPolicy, PolicyVersion

__all__ = [
    "BookVersion",
    "EscalationPolicy",
    "Guideline",
    "PolicyFinding",
    "PolicyReview",
    "PolicyVersion",
    "WorkCalendar",
]
