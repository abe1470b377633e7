"""People act from inside a chat message: which places show buttons, and who somebody is there."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [
        ("notifications", "0002_destinations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="destination",
            name="buttons",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A Mattermost channel: people acknowledge, hand over and resolve from inside the message.",
                verbose_name="buttons to act",
            ),
        ),
        migrations.CreateModel(
            name="ChatAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=255, verbose_name="host")),
                ("account", models.CharField(max_length=64, verbose_name="account")),
                ("handle", models.CharField(max_length=80, verbose_name="handle")),
                ("linked_at", models.DateTimeField(verbose_name="linked at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chat_accounts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "chat account",
                "verbose_name_plural": "chat accounts",
                "ordering": ("host", "handle", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("host", "account"), name="chat_account_of_one"),
                ],
            },
        ),
    ]
