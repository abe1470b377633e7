"""Followers may have their news gathered into one notice."""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("incidents", "0015_covering_lists")]

    operations = [
        migrations.AddField(
            model_name="follower",
            name="gathered",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="One notice with all that happened in some minutes, in place of one for each.",
                verbose_name="hears it gathered",
            ),
        ),
        migrations.AddField(
            model_name="follower",
            name="told_at",
            field=models.DateTimeField(
                blank=True,
                help_text="What came later is in the next notice that gathers.",
                null=True,
                verbose_name="told up to",
            ),
        ),
        migrations.AddIndex(
            model_name="follower",
            index=models.Index(condition=models.Q(("gathered", True)), fields=["id"], name="follower_gathers"),
        ),
    ]
