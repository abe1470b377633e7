"""The oncall app in the admin: people, schedules, what people exchange, calendars."""

from oncall.admin import calendars, exchanges, people, schedules

__all__ = ["calendars", "exchanges", "people", "schedules"]
