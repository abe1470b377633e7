"""Escalation policies, and what keeps them true."""

from policies.models.care import Guideline, PolicyFinding, PolicyReview
from policies.models.policies import EscalationPolicy, PolicyVersion

__all__ = [
    "EscalationPolicy",
    "Guideline",
    "PolicyFinding",
    "PolicyReview",
    "PolicyVersion",
]
