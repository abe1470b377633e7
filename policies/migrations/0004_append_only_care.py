"""The new histories are only added to."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("policies", "0003_care")]

    operations = [
        append_only(
            ("policies_historicalguideline", "history_id"),
            ("policies_historicalpolicyreview", "history_id"),
        ),
    ]
