"""Every time that people take, in working hours too.

What was counted before knows MTTA and MTTR so, and no other. It is counted once more behind the pages: this release has a place in the
ledger of its own (``reports.figures.keeping.CURSOR``), since hosts that are still to be upgraded go on with theirs and would count for it
what they do not know. Its rows keep -3 until then, and pages show no number that would need them.

The packed days of working hours get another name: where the one before appears again, such a host has packed the day.
"""

from typing import Any

from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration, TablesRun

UNCOUNTED = -3
_DAYS, _CURSOR = "reports_dayfigures", "reports_figurescursor"
_NEW = ("respond_work", "repair_work", "recover_work", "escalate_work", "handoff_work", "resolve_escalated_work")


def _named(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"UPDATE {_DAYS} SET kind = 'at_work' WHERE kind = 'worked'")  # noqa: S608  our own name


def _as_before(apps: Any, schema_editor: Any) -> None:
    """Only what the release before this one knows: one place in the ledger, and no days but those it packs."""
    schema_editor.execute(f"DELETE FROM {_CURSOR} WHERE id > 1")  # noqa: S608  our own name
    schema_editor.execute(f"DELETE FROM {_DAYS} WHERE kind IN ('at_work', 'spans')")  # noqa: S608  our own name
    schema_editor.execute(f"UPDATE {_DAYS} SET stale = true WHERE kind = 'incidents'")  # noqa: S608  our own name


class Migration(LeanMigration):
    dependencies = (("reports", "0009_days_at_a_glance"),)

    operations = (
        *(
            migrations.AddField(
                "incidentfigures", name, models.IntegerField(default=UNCOUNTED, db_default=UNCOUNTED)
            )
            for name in _NEW
        ),
        migrations.RemoveConstraint("figurescursor", "figures_cursor_only_one"),
        TablesRun(_named, _as_before, elidable=False),
        migrations.AlterField(
            "dayfigures",
            "kind",
            models.CharField(
                "kind",
                max_length=10,
                choices=[
                    ("incidents", "Incidents"),
                    ("glance", "Incidents at a glance"),
                    ("sorted", "Sorted times"),
                    ("at_work", "Sorted times in working hours"),
                    ("spans", "Times in working hours"),
                    ("worked", "Sorted times in working hours"),
                    ("times", "Sorted times"),
                    ("pages", "Pages"),
                ],
            ),
        ),
    )
