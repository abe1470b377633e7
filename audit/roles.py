"""The role that runs the application in production on PostgreSQL: it adds to the ledger and the histories, and can do nothing else
to them, triggers or not. Another role owns the tables and migrates (docs/ledger-proof.md)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from psycopg import sql

from audit.selectors import tables_protected

_TAKEN = ("UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
"""What nobody may do to a table that only grows. SELECT and INSERT are left."""
_MIGHTY = {
    "rolsuper": "is a superuser: no trigger holds it",
    "rolcreaterole": "may make roles, and so become another one",
    "rolreplication": "may replicate, and so switch triggers off",
    "rolbypassrls": "passes over row security",
}
_OVERREACHING = ("pg_write_all_data", "pg_write_server_files", "pg_execute_server_program", "pg_database_owner")


@dataclass(frozen=True, slots=True)
class RoleFault:
    """One thing that the role may do and should not, or cannot do and must. ``table`` is "" for what is wrong with the role itself."""

    table: str
    what: str


def role_faults(role: str) -> list[RoleFault]:
    """What is wrong with the rights of ``role`` in this database; asks PostgreSQL's own judgement, memberships included.

    Raises LookupError where there is no such role.
    """
    return [*_of_itself(role), *_of_tables(role)]


def _of_itself(role: str) -> list[RoleFault]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(_MIGHTY)} FROM pg_roles WHERE rolname = %s", [role])  # noqa: S608  own names
        row = cursor.fetchone()
        if row is None:
            raise LookupError(role)
        found = [RoleFault("", why) for held, why in zip(row, _MIGHTY.values(), strict=True) if held]
        if not row[0]:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(%s, oid, 'MEMBER')",
                [list(_OVERREACHING), role],
            )
            found += [RoleFault("", f"is a member of {name}") for (name,) in cursor.fetchall()]
        cursor.execute("SELECT has_schema_privilege(%s, current_schema(), 'USAGE')", [role])
        if not cursor.fetchone()[0]:
            found.append(RoleFault("", "may not use the schema"))
    return found


def _of_tables(role: str) -> list[RoleFault]:
    found: list[RoleFault] = []
    with connection.cursor() as cursor:
        for table in tables_protected():
            cursor.execute(
                "SELECT pg_has_role(%s, c.relowner, 'MEMBER'), has_table_privilege(%s, c.oid, 'SELECT'), "
                "has_table_privilege(%s, c.oid, 'INSERT'), has_any_column_privilege(%s, c.oid, 'UPDATE'), "
                "has_table_privilege(%s, c.oid, 'DELETE'), has_table_privilege(%s, c.oid, 'TRUNCATE'), "
                "has_table_privilege(%s, c.oid, 'TRIGGER') FROM pg_class c WHERE c.oid = %s::regclass",
                [*([role] * 7), connection.ops.quote_name(table)],
            )
            owns, reads, adds, updates, deletes, truncates, triggers = cursor.fetchone()
            if owns:
                found.append(RoleFault(table, "owns it, or is a member of the role that does"))
            held = {"update": updates, "delete from": deletes, "truncate": truncates, "put triggers on": triggers}
            found += [RoleFault(table, f"may {what} it") for what, may in held.items() if may]
            lacks = {"read": reads, "add to": adds}
            found += [RoleFault(table, f"may not {what} it") for what, may in lacks.items() if not may]
    return found


@transaction.atomic
def role_make(role: str) -> None:
    """Make the role where there is none, without a password, and give it what the application needs and no more.

    Run it as the role that owns the tables, after each migration: a new table that only grows is like any other until then.
    """
    name = sql.Identifier(role)
    protected = sql.SQL(", ").join(sql.Identifier(table) for table in tables_protected())
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema(), EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)", [role])
        schema, exists = cursor.fetchone()
        here = sql.Identifier(schema)
        statements = [
            *([] if exists else [sql.SQL("CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")]),
            sql.SQL("GRANT USAGE ON SCHEMA {here} TO {name}"),
            sql.SQL("REVOKE CREATE ON SCHEMA {here} FROM {name}"),
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {here} TO {name}"),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {here} TO {name}"),
            sql.SQL(f"REVOKE {', '.join(_TAKEN)} ON {{protected}} FROM {{name}}, PUBLIC"),
        ]
        for statement in statements:
            # The parts are quoted by psycopg; the names are the operator's and our own.
            cursor.execute(statement.format(name=name, here=here, protected=protected).as_string(connection.connection))
