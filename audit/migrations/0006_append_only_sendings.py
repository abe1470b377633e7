"""What was sent to keepers is only added to; and rows of an archived segment may be taken out (audit/immutability.py)."""

from django.db import migrations

from audit.immutability import append_only, function_renew
from escalation_site.kernel.migrating import TablesRun


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_care")]

    operations = [
        append_only("audit_keepersending"),
        TablesRun(function_renew, TablesRun.noop),
    ]
