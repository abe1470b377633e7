"""The life cycle everybody starts with, and history that is only ever added to."""

from typing import Any

from django.db import migrations

from audit.immutability import append_only

STAGES = (
    ("new", "New"),
    ("triage", "Triage"),
    ("investigating", "Investigating"),
    ("mitigating", "Mitigating"),
    ("resolved", "Resolved"),
    ("closed", "Closed"),
)


def add_stages(apps: Any, schema_editor: Any) -> None:
    stage = apps.get_model("incidents", "Stage")
    stage.objects.bulk_create(
        stage(key=key, name=name, position=position) for position, (key, name) in enumerate(STAGES, 1)
    )


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.RunPython(add_stages, migrations.RunPython.noop),
        append_only(
            "incidents_timelineevent",
            ("incidents_historicalincident", "history_id"),
            ("incidents_historicalintegration", "history_id"),
            ("incidents_historicalservice", "history_id"),
            ("incidents_historicalstage", "history_id"),
        ),
    ]
