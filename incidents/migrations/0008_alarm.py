"""What is wrong with Watchbell itself, as rows."""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("incidents", "0007_responding_teams")]

    operations = [
        migrations.CreateModel(
            name="Alarm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                (
                    "data",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Figures its sentence is built from.",
                        verbose_name="data",
                    ),
                ),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("told_at", models.DateTimeField(blank=True, null=True, verbose_name="told")),
                ("gone_at", models.DateTimeField(blank=True, null=True, verbose_name="gone")),
            ],
            options={
                "verbose_name": "alarm",
                "verbose_name_plural": "alarms",
                "ordering": ("-opened_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("gone_at", None)), fields=("code",), name="alarm_one_open"
                    )
                ],
            },
        ),
    ]
