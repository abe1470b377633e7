"""A level may tell its people again: each time is a page of its own, still at most one for each."""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("incidents", "0003_duty_life")]

    operations = [
        migrations.AddField(
            model_name="page",
            name="repeat",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How often the level had been told before, in this cycle.", verbose_name="repeat"
            ),
        ),
        migrations.RemoveConstraint(model_name="page", name="page_once_per_recipient"),
        migrations.AddConstraint(
            model_name="page",
            constraint=models.UniqueConstraint(
                fields=("run", "cycle", "level", "repeat", "recipient"), name="page_once_per_recipient"
            ),
        ),
    ]
