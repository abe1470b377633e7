"""When work on incidents will be done, given what waits on what. Pure: values and an instant in, bars out (R197, R212).

Two walks over the same order. The plan is what people wrote down: starts, dues, lengths. The forecast is what follows from it now:
what is done stands where it happened, what runs ends at the earliest now, and what has not begun begins when everything it waits on
has ended. Where the forecast is later than the plan, the work slips, and so does whatever follows it.
"""

from incidents.scheduling.order import Circle, circle_of
from incidents.scheduling.planning import USUAL, Bar, State, Work, plan

__all__ = ["USUAL", "Bar", "Circle", "State", "Work", "circle_of", "plan"]
