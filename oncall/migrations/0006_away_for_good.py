"""Accounts that were switched off before absences existed are away for good too, from the day they were switched off."""

from datetime import UTC, datetime

from django.db import migrations

FOR_GOOD = datetime(2999, 1, 1, tzinfo=UTC)


def away_for_good(apps, schema_editor):
    people = apps.get_model("oncall", "User").objects
    history = apps.get_model("oncall", "HistoricalUser").objects
    absences = apps.get_model("oncall", "Absence").objects
    away = absences.filter(kind="left", state="approved", end__gte=FOR_GOOD).values("user")
    for user in people.filter(is_active=False).exclude(pk__in=away):
        rows = history.filter(id=user.pk).order_by("-history_date", "-history_id")
        left_at = user.date_joined
        for is_active, changed_at in rows.values_list("is_active", "history_date"):
            if is_active:
                break
            left_at = changed_at
        absences.create(user=user, kind="left", start=left_at, end=FOR_GOOD, created_at=left_at)


class Migration(migrations.Migration):
    dependencies = [("oncall", "0005_append_only_again")]

    operations = [migrations.RunPython(away_for_good, migrations.RunPython.noop)]
