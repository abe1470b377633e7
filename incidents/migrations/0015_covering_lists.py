"""An index of what is open that holds all that lists tell by, and none by which SQLite looks up everything that was never merged.

A page looked ten thousand open incidents up, one by one, to count them; and on SQLite, which has no statistics, every list went through
the index of a foreign key that is empty nearly everywhere.
"""

import django.db.models.deletion
from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration

# As Django named it, on every database.
MERGED = "incidents_incident_merged_into_id_75509a6d"


class Migration(LeanMigration):
    dependencies = [("incidents", "0014_resolved_index")]

    operations = [
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("resolved_at", None)),
                fields=[
                    "state", "severity", "started_at", "id", "restricted", "merged_into", "owner", "team", "stage", "service",
                    "priority", "sla_due_at", "is_test",
                ],
                name="incident_open",
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="incident_merged"
            ),
        ),
        # To alter the field would copy the whole table on SQLite: only its index goes.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {MERGED}",
                    f"CREATE INDEX IF NOT EXISTS {MERGED} ON incidents_incident (merged_into_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="incident",
                    name="merged_into",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="incidents.incident",
                        verbose_name="merged into",
                    ),
                )
            ],
        ),
    ]  # fmt: skip
