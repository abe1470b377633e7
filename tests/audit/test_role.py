"""On PostgreSQL the application runs under a role that can add to the ledger and do nothing else to it, triggers or not."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit.models import LedgerEntry
from audit.roles import role_faults, role_make
from audit.selectors import tables_protected
from tests.audit.tampering import triggers_off
from tests.audit.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def role() -> str:
    """Roles are the whole server's: one name for each test database."""
    name = f"app_{connection.settings_dict['NAME']}"[:60]
    role_make(name)
    return name


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.requirement("R035", "R299")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET {column} = {column}",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "DROP TABLE {table}",
    ],
)
def test_the_role_can_change_no_table_that_only_grows_even_where_triggers_are_off(role: str, statement: str) -> None:
    write(2)
    tables = tables_protected()
    assert len(tables) > 40
    for table in tables:
        with connection.cursor() as cursor:
            column = connection.introspection.get_table_description(cursor, table)[0].name
        text = statement.format(table=f'"{table}"', column=f'"{column}"')
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
            _execute_as(role, text, table)


def _execute_as(role: str, statement: str, table: str) -> None:
    with triggers_off(table):
        _execute(f"SET LOCAL ROLE {role}")
        _execute(statement)


def test_the_role_can_do_what_the_application_does(role: str) -> None:
    assert role_faults(role) == []
    with transaction.atomic():
        _execute(f"SET LOCAL ROLE {role}")
        before = LedgerEntry.objects.count()
        write(3)
        assert LedgerEntry.objects.count() == before + 3
        _execute("RESET ROLE")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        ("GRANT UPDATE (action) ON audit_ledgerentry TO {role}", "may update it"),
        ("GRANT TRUNCATE ON incidents_timelineevent TO PUBLIC", "may truncate it"),
        ("GRANT pg_write_all_data TO {role}", "is a member of pg_write_all_data"),
        ("ALTER TABLE audit_ledgerseal OWNER TO {role}", "owns it"),
        ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
        ("REVOKE INSERT ON audit_ledgerentry FROM {role}", "may not add to it"),
    ],
)
def test_when_the_role_could_do_more_or_less_then_the_check_says_what_and_where(
    role: str, spoil: str, what: str
) -> None:
    _execute(spoil.format(role=role))
    assert any(fault.what.startswith(what) for fault in role_faults(role))
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("database_role", role, stdout=out)
    assert ended.value.code == 1
    assert "NOT SAFE" in out.getvalue()


def test_a_role_that_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="no role nobody_of_that_name"):
        call_command("database_role", "nobody_of_that_name")
