"""History is only ever added to: the database itself refuses anything else."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        append_only(
            "audit_ledgerentry",
        ),
    ]
