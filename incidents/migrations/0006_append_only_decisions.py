"""Routing decisions are only added to; and the histories of the tables that grew columns are protected again."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_decisions")]

    operations = [
        append_only(
            "incidents_routingdecision",
            "incidents_timelineevent",
            ("incidents_historicalincident", "history_id"),
            ("incidents_historicalservice", "history_id"),
        ),
    ]
