from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("reports", "0008_packed_days_as_they_are"),)

    operations = (
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
                    ("worked", "Sorted times in working hours"),
                    ("times", "Sorted times"),
                    ("pages", "Pages"),
                ],
            ),
        ),
    )
