"""The checkpoints' history is only added to; and SQLite has lost the triggers of the incidents', which it copied to alter it."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_facts_and_checkpoints")]

    operations = [
        append_only(
            ("incidents_historicalincident", "history_id"),
            ("incidents_historicalcheckpoint", "history_id"),
        ),
    ]
