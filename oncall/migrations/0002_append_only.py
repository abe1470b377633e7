"""History is only ever added to: the database itself refuses anything else."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("oncall", "0001_initial")]

    operations = [
        append_only(
            "oncall_scheduleversion",
            ("oncall_historicaluser", "history_id"),
            ("oncall_historicalteam", "history_id"),
            ("oncall_historicalmembership", "history_id"),
            ("oncall_historicalschedule", "history_id"),
            ("oncall_historicaloverride", "history_id"),
        ),
    ]
