"""People, teams and schedules: who belongs where, who is on call when, and what they plan around it."""

from oncall.models.exchanges import Absence, Swap, SwapAsk
from oncall.models.feeds import CalendarFeed, CalendarSource
from oncall.models.handoffs import DutyClock, Handoff, HandoffNote
from oncall.models.people import ApiToken, Membership, Skill, Team, User
from oncall.models.schedules import GapAcceptance, Override, Schedule, ScheduleVersion

__all__ = [
    "Absence",
    "ApiToken",
    "CalendarFeed",
    "CalendarSource",
    "DutyClock",
    "GapAcceptance",
    "Handoff",
    "HandoffNote",
    "Membership",
    "Override",
    "Schedule",
    "ScheduleVersion",
    "Skill",
    "Swap",
    "SwapAsk",
    "Team",
    "User",
]
