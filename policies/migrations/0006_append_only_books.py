"""Versions of the books, and the history of calendars, are only added to."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("policies", "0005_books")]

    operations = [
        append_only(
            "policies_bookversion",
            ("policies_historicalworkcalendar", "history_id"),
        ),
    ]
