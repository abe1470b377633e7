from django.db import migrations, models

from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    dependencies = (("reports", "0010_spans_in_working_hours"),)

    operations = (
        migrations.CreateModel(
            "DayAnswers",
            [
                ("day", models.DateField("day (UTC)", primary_key=True, serialize=False)),
                ("data", models.BinaryField("packed answers")),
            ],
            options={
                "verbose_name": "answers of a day",
                "verbose_name_plural": "answers of days",
                "ordering": ("day",),
            },
        ),
    )
