"""How many open incidents one person carries. A column that may be empty: SQLite adds it without copying the table."""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("oncall", "0006_away_for_good")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="capacity_incidents",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Open incidents this person carries at once. Empty: five.",
                null=True,
                verbose_name="capacity, incidents",
            ),
        )
        for name in ("user", "historicaluser")
    ]
