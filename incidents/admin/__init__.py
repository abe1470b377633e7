"""The incidents app in the admin: the catalogue, incidents and their escalation, and what was set aside."""

from incidents.admin import catalogue, checkpoint, escalation, form, incident, linking, requester, signals, work

__all__ = ["catalogue", "checkpoint", "escalation", "form", "incident", "linking", "requester", "signals", "work"]
