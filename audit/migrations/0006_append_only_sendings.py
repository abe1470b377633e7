"""What was sent to keepers is only added to; and rows of an archived segment may be taken out (audit/immutability.py)."""

from django.db import migrations

from audit.immutability import append_only, function_renew


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_care")]

    operations = [
        append_only("audit_keepersending"),
        migrations.RunPython(function_renew, migrations.RunPython.noop),
    ]
