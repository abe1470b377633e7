"""The new histories are only added to as well; and SQLite, which copies a table to alter it, has lost the triggers of three."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("oncall", "0004_duty_life")]

    operations = [
        append_only(
            ("oncall_historicaluser", "history_id"),
            ("oncall_historicalteam", "history_id"),
            ("oncall_historicaloverride", "history_id"),
            ("oncall_historicalabsence", "history_id"),
            ("oncall_historicalcalendarsource", "history_id"),
            ("oncall_historicalhandoff", "history_id"),
            ("oncall_historicalhandoffnote", "history_id"),
            ("oncall_historicalskill", "history_id"),
            ("oncall_historicalswap", "history_id"),
        ),
    ]
