"""Entries of one action, and of one person, in the order of their instants; and indexes of what comes by a way, or is about a kind of object, that few entries have: auditors look for those in all of the ledger.

What nearly all entries are is left out, so that an alert writes no more than before.
"""

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = [("audit", "0006_append_only_sendings")]

    operations = [
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["action", "at", "id"], name="ledger_action_at"),
        ),
        # What it found the new one finds; only its order is another.
        migrations.RemoveIndex(model_name="ledgerentry", name="ledger_action"),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("actor_kind", "user")), fields=["actor_id", "at", "id"], name="ledger_person"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("source__in", ("", "alert", "engine")), _negated=True),
                fields=["source", "at", "id"],
                name="ledger_way",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(
                    (
                        "object_type__in",
                        ("alert", "attempt", "delivery", "incident", "message", "page", "run", "signal"),
                    ),
                    _negated=True,
                ),
                fields=["object_type", "at", "id"],
                name="ledger_kind",
            ),
        ),
    ]
