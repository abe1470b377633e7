"""Incidents, their alerts and the service catalogue over the API."""
