"""Makes many open incidents out of one, by copying its rows in the database.

    python -m benchmarks.clones OPEN DUE

OPEN incidents ring on their first level; the step of DUE of them was due an hour ago, that of the others is due next year.
"""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
django.setup()

# Django must be set up before anything below is imported.
from django.db import connection, models, transaction  # noqa: E402  Django is set up first

from benchmarks.overdue import main as overdue  # noqa: E402  Django is set up first
from escalation_site.kernel.instants import now  # noqa: E402  Django is set up first
from incidents.models import EscalationRun, Incident, Page  # noqa: E402  Django is set up first
from notifications.models import Delivery  # noqa: E402  Django is set up first

NUMBERS = {
    "postgresql": "SELECT generate_series(1, %s) AS n",
    "sqlite": "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) SELECT n FROM numbers",
}
Changes = dict[str, str]


def copies(model: type[models.Model], original: int, count: int, changes: Changes) -> None:
    """``count`` rows like the one of id ``original``; ``changes`` are columns and what they hold instead, in SQL."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    values = [changes.get(column, f't."{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    query = (
        f'INSERT INTO "{table}" ({names}) SELECT {", ".join(values)} '  # noqa: S608  our own names
        f'FROM "{table}" t, ({NUMBERS[str(connection.vendor)]}) c WHERE t.id = %s'
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [count, original])
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM \"{table}\"")  # noqa: S608  our own names


@transaction.atomic
def main(open_count: int, due_count: int) -> None:
    overdue(1, 0, now() - timedelta(hours=1))
    incident, run = Incident.objects.get(), EscalationRun.objects.get()
    # What the copied one has sent is not to be counted.
    Delivery.objects.update(state="delivered", settled_at=now())
    Page.objects.update(state="delivered", settled_at=now())
    later = (now() + timedelta(days=365)).isoformat(sep=" ", timespec="microseconds")
    at = f"'{later}'" if connection.vendor == "postgresql" else f"'{later.removesuffix('+00:00')}'"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Copies point where the original does: looking that up for each, and indexing its words, takes more than half of the time.
            cursor.execute("SET LOCAL session_replication_role = replica")
    due = f"CASE WHEN n <= {due_count} THEN t.next_due_at ELSE {at} END"
    copies(Incident, incident.pk, open_count, {"id": f"{incident.pk} + n", "dedup_key": "t.dedup_key || '-' || n"})
    copies(
        EscalationRun,
        run.pk,
        open_count,
        {"id": f"{run.pk} + n", "incident_id": f"{incident.pk} + n", "next_due_at": due},
    )
    EscalationRun.objects.filter(pk=run.pk).update(next_due_at=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
    # As autovacuum does. Nothing looks over an SQLite file of the product, and what it looks like now is not what it will.
    if connection.vendor == "postgresql":
        with connection.cursor() as analyse:
            analyse.execute("ANALYZE")
