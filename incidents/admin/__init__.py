"""The incidents app in the admin: the catalogue, incidents and their escalation, and what was set aside."""

from incidents.admin import catalogue, escalation, incident, signals

__all__ = ["catalogue", "escalation", "incident", "signals"]
