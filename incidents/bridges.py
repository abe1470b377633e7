"""Where those who work on an incident talk to each other: its own bridge, or that of its service.

``{incident}`` in the address of a service's bridge stands for the incident's reference, so that each has a room of its own.
"""

from incidents.changes import Changes
from incidents.models import Incident

PLACE = "{incident}"


def bridge_of(incident: Incident) -> str:
    """ "" where there is none. The service comes with the incident."""
    return incident.bridge_url or incident.service.bridge_url.replace(PLACE, incident.reference.lower())


def bridge_open(incident: Incident, *, changes: Changes) -> None:
    """A major incident gets the bridge of its service as its own, with a line on its timeline: opened once and linked (R135)."""
    url = bridge_of(incident)
    if url and not incident.bridge_url:
        changes.set(incident, "incident.bridge", bridge_url=url)
        changes.timeline(incident, "incident.bridge_major", url=url)
