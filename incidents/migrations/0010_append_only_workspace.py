"""The new histories are only added to; and those of the tables that grew columns are protected again."""

from django.db import migrations

from audit.immutability import append_only

HISTORIES = (
    "actionplan", "attachment", "category", "complaint", "customer", "customfield", "document", "incident", "incidentlink",
    "objective", "plantemplate", "responserole", "review", "roleduty", "savedview", "service", "stageguard", "survey",
    "task", "timeentry", "transition", "vendor", "vendorcase",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("incidents", "0009_workspace")]

    operations = [append_only(*((f"incidents_historical{name}", "history_id") for name in HISTORIES))]
