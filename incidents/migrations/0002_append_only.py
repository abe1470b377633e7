"""History that is only ever added to. The first stages are made after each migration (``incidents.stages``)."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        append_only(
            "incidents_timelineevent",
            ("incidents_historicalincident", "history_id"),
            ("incidents_historicalintegration", "history_id"),
            ("incidents_historicalservice", "history_id"),
            ("incidents_historicalstage", "history_id"),
        ),
    ]
