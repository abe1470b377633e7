"""What is known already when somebody assesses an incident."""

from incidents.models import Incident
from policies.criteria import CriteriaDef, Given, answers_known, answers_usable


def answers_already(incident: Incident, criteria: CriteriaDef) -> dict[str, Given]:
    """The answers so far: those somebody gave, else those that follow from its facts (its alerts' labels among them).

    Answers to an earlier version of the criteria count as far as they still make sense.
    """
    record = incident.facts.get("criteria")
    given = record.get("answers") if isinstance(record, dict) else None
    known = answers_usable(criteria, answers_known(criteria, incident.facts))
    return {**answers_usable(criteria, given), **known}
