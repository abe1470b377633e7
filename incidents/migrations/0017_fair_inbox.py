from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("incidents", "0016_gathered_news")]

    operations = [
        migrations.AddIndex(
            model_name="inboxsignal",
            index=models.Index(
                condition=models.Q(("processed_at", None), ("set_aside_at", None)),
                fields=["integration", "id"],
                name="signal_waiting_of",
            ),
        ),
    ]
