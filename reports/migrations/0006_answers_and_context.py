"""How fast and how often people answer their pages, and whether they had the full context of what was handed to them.

What earlier versions counted knows neither: everything is counted once more behind the pages, as after ``rebuild_figures``, and they say
so meanwhile.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from escalation_site.kernel.migrating import LeanMigration

NONE, NOT = 0, -1


def count_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    incident, cursor = apps.get_model("incidents", "Incident"), apps.get_model("reports", "FiguresCursor")
    last = incident._default_manager.using(schema_editor.connection.alias).aggregate(last=models.Max("pk"))["last"]
    cursor._default_manager.using(schema_editor.connection.alias).update(fill_from=0, fill_to=last or 0)


class Migration(LeanMigration):
    dependencies = (("reports", "0005_day_figures_stale"), ("incidents", "0016_gathered_news"))

    operations = (
        migrations.AddField(
            "incidentfigures", "full_context", models.PositiveSmallIntegerField(default=NONE, db_default=NONE)
        ),
        migrations.AddField("pagefigures", "answered", models.PositiveSmallIntegerField(default=NONE, db_default=NONE)),
        migrations.AddField("pagefigures", "answer", models.IntegerField(default=NOT, db_default=NOT)),
        # A dashboard whose last card was taken away is kept, too: no change of its table.
        migrations.AlterField(
            "dashboard",
            "cards",
            models.JSONField(
                "cards",
                default=list,
                blank=True,
                help_text="Each with kind, metric, dimension and width, in their order.",
            ),
        ),
        migrations.RunPython(count_again, migrations.RunPython.noop, elidable=True),
    )
