"""Indexes for pages over a million incidents: restricted ones, and what a team has open."""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("incidents", "0012_opening_views_and_scans")]

    operations = [
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(condition=models.Q(("restricted", True)), fields=["team"], name="incident_restricted"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(condition=models.Q(("resolved_at", None)), fields=["team"], name="incident_team_open"),
        ),
    ]
