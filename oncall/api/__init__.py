"""People and schedules over the API."""
