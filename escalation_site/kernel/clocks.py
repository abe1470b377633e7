"""Whose clock is right: the database server's, by which every host can be told how far it is off."""

from datetime import datetime

from django.db import connection


def seconds_off(at: datetime) -> float:
    """How far ``at``, just read from this host's clock, is ahead of the database's. On SQLite the two are one."""
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return at.timestamp() - float(cursor.fetchone()[0])
