"""History is only ever added to: the database itself refuses anything else."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [
        append_only(
            "policies_policyversion",
            ("policies_historicalescalationpolicy", "history_id"),
        ),
    ]
