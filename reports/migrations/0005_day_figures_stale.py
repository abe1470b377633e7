from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = (("reports", "0004_digest_channel"),)

    operations = (
        migrations.AddField(
            "dayfigures",
            "stale",
            models.BooleanField("to be packed anew", default=False, db_default=True),
        ),
        migrations.AlterField(
            "dayfigures",
            "kind",
            models.CharField(
                "kind",
                max_length=10,
                choices=[("incidents", "Incidents"), ("times", "Sorted times"), ("pages", "Pages")],
            ),
        ),
        migrations.AddIndex(
            "dayfigures",
            models.Index(fields=("day",), name="day_figures_stale", condition=models.Q(stale=True)),
        ),
    )
