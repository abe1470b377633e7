"""Seals are only added to."""

from django.db import migrations

from audit.immutability import append_only


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seals")]

    operations = [append_only("audit_ledgerseal")]
