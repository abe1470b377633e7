"""Routing of incidents: facts are gathered, the rules in force are asked, what they decide is applied and kept.

`policies.routing` decides (pure); here is what the database knows. Walk of a new incident: `routes_of` → `courses_take`
(severity, team, policy, marks) → the rows are stored → `decisions_record` → its run, or a question, or nobody.
"""

from incidents.routing.courses import Course, Wish, courses_take, wish_heed
from incidents.routing.gathering import OWN_COLUMNS, Subject, facts_gather
from incidents.routing.labels import WELL_KNOWN, alert_facts
from incidents.routing.recording import decision_enter, decision_row, decisions_record
from incidents.routing.routes import UNROUTED, Routed, routes_of, rules_ask_for
from incidents.routing.setting import facts_checked
from incidents.routing.telling import failure_tell, rules_tell

__all__ = [
    "OWN_COLUMNS",
    "UNROUTED",
    "WELL_KNOWN",
    "Course",
    "Routed",
    "Subject",
    "Wish",
    "alert_facts",
    "courses_take",
    "decision_enter",
    "decision_row",
    "decisions_record",
    "facts_checked",
    "facts_gather",
    "failure_tell",
    "routes_of",
    "rules_ask_for",
    "rules_tell",
    "wish_heed",
]
