"""What a page opens with, for a person or a team; and how often a scanner was asked about a file."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [
        ("incidents", "0011_search"),
        ("oncall", "0007_capacity_incidents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OpeningView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "place",
                    models.CharField(
                        choices=[("list", "List"), ("board", "Board"), ("plan", "Timeline"), ("load", "Workload")],
                        max_length=8,
                        verbose_name="view",
                    ),
                ),
            ],
            options={
                "verbose_name": "view to begin with",
                "verbose_name_plural": "views to begin with",
                "ordering": ("id",),
            },
        ),
        migrations.AddField(
            model_name="attachment",
            name="scan_tried_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last scan begun"),
        ),
        migrations.AddField(
            model_name="attachment",
            name="scan_tries",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Since it came, or since somebody asked for another.",
                verbose_name="scans begun",
            ),
        ),
        migrations.AlterField(
            model_name="attachment",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting for the scan"),
                    ("clean", "Checked"),
                    ("refused", "Refused"),
                    ("failed", "Not checked"),
                ],
                default="waiting",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="historicalattachment",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting for the scan"),
                    ("clean", "Checked"),
                    ("refused", "Refused"),
                    ("failed", "Not checked"),
                ],
                default="waiting",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("removed_at", None), ("state", "waiting")),
                fields=["scan_tried_at"],
                name="attachment_scan_waits",
            ),
        ),
        migrations.AddField(
            model_name="openingview",
            name="team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="opening_views",
                to="oncall.team",
                verbose_name="team",
            ),
        ),
        migrations.AddField(
            model_name="openingview",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="opening_views",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AddField(
            model_name="openingview",
            name="view",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="opens",
                to="incidents.savedview",
                verbose_name="saved view",
            ),
        ),
        migrations.AddConstraint(
            model_name="openingview",
            constraint=models.UniqueConstraint(fields=("user", "place"), name="opening_view_of_person"),
        ),
        migrations.AddConstraint(
            model_name="openingview",
            constraint=models.UniqueConstraint(fields=("team", "place"), name="opening_view_of_team"),
        ),
        migrations.AddConstraint(
            model_name="openingview",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("team", None), ("user__isnull", False)),
                    models.Q(("team__isnull", False), ("user", None)),
                    _connector="OR",
                ),
                name="opening_view_of_one",
            ),
        ),
    ]
