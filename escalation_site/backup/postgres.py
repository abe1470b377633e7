"""PostgreSQL: its own pg_dump and psql, on one snapshot and in one transaction.

The password reaches them by PGPASSWORD, never as an argument that everybody on the machine can read.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from escalation_site.backup.archive import CHUNK, Counted
from escalation_site.backup.values import BackupError, Facts, Manifest, facts_read

MEMBER = "database.dump"
# pg_dump's custom format is compressed already.
COMPRESS = False

# CASCADE, and what belongs to an extension left alone: tables that newer code added may stand on those that go.
_DROP_ALL = """
SET lock_timeout = '30s';
DO $$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT quote_ident(c.relname) AS name,
            CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
        FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
            AND NOT c.relispartition
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relkind
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', one.kind, one.name);
    END LOOP;
    FOR one IN
        SELECT p.oid::regprocedure AS name
        FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name);
    END LOOP;
END $$;
"""


def copy_out(sink: Counted, *, path: Path) -> Facts:
    """Write a dump into ``sink``; the facts are of the very snapshot that is dumped. Raises BackupError."""
    with transaction.atomic():
        _ask("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ((snapshot,),) = _ask("SELECT pg_export_snapshot()")
        parameters = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run("pg_dump", parameters, lambda output: shutil.copyfileobj(output, sink, CHUNK))
        return facts_read(_ask, _tables())


def facts_now() -> Facts:
    """Of the database as it stands."""
    with transaction.atomic():
        return facts_read(_ask, _tables())


def put_back(payload: Path, manifest: Manifest, *, replace: bool, numbers: Mapping[str, int]) -> dict[str, list[int]]:
    """Make the dump ``payload`` the database, in one transaction: after a failure everything is as it was.

    Numbers that were given before (``numbers``, from ``sequences``) are not given again; that says nothing of what is missing, for
    here numbers are lost all the time. Raises BackupError.
    """
    # It reads the dump only: no database is named to it.
    restore, _environment = _command("pg_restore", ["--no-owner", "--no-privileges", "--file=-", str(payload)], None)
    raising = _raise(numbers)
    connection.close()
    arguments, environment = _command(
        "psql",
        ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-", "--output=/dev/null"],
        connection.settings_dict,
    )
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(restore, stdout=subprocess.PIPE, stderr=said) as source,  # noqa: S603  found by its name
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=said, env=environment) as psql,  # noqa: S603  our own program and arguments
    ):
        complete = _pass_on(source, psql, first=_DROP_ALL if replace else "", last=raising)
        if psql.wait() != 0 or not complete:
            raise BackupError(f"The database could not be restored and is as it was: {_last_line(said)}")
    if (found := facts_now()) != manifest.facts:
        wrong = sorted(name for name in found.tables if found.tables[name] != manifest.facts.tables.get(name))
        raise BackupError(f"The rows are not those of the manifest: {', '.join(wrong) or 'migrations or ledger'}.")
    return {}


def _pass_on(source: "subprocess.Popen[bytes]", target: "subprocess.Popen[bytes]", *, first: str, last: str) -> bool:
    """Give ``target`` the text ``first``, all that ``source`` prints and ``last``; returns whether that was everything.

    Where it was not, ``target`` is killed before its input ends: psql would take the end for the end of the work and
    commit half of it.
    """
    assert source.stdout is not None and target.stdin is not None  # noqa: S101, PT018  pipes were asked for
    complete = False
    try:
        target.stdin.write(first.encode())
        shutil.copyfileobj(source.stdout, target.stdin, CHUNK)
        complete = source.wait() == 0
        target.stdin.write(last.encode() if complete else b"")
    except BrokenPipeError:
        # It has refused a statement and ended; what it said is on record.
        source.kill()
    finally:
        if not complete:
            target.kill()
        with contextlib.suppress(BrokenPipeError):
            target.stdin.close()
    return complete


def sequences() -> dict[str, int]:
    """The last number given by each sequence, 0 by one never asked."""
    found = _ask("SELECT sequencename, COALESCE(last_value, 0) FROM pg_sequences WHERE schemaname = current_schema()")
    return {str(name): int(last) for name, last in found}


def _raise(numbers: Mapping[str, int]) -> str:
    """The statement that lets no sequence give a number again. It names the schema: a dump leaves none in the search
    path."""
    ((schema,),) = _ask("SELECT quote_literal(current_schema())")
    given = ", ".join(f"({_literal(name)}, {last})" for name, last in numbers.items() if last)
    if not given:
        return ""
    return (
        f"SELECT setval(c.oid::regclass, given.last) FROM (VALUES {given}) AS given(name, last) "  # noqa: S608  own names
        f"JOIN pg_class c ON c.relname = given.name AND c.relkind = 'S' AND c.relnamespace = {schema}::regnamespace "
        f"JOIN pg_sequences s ON s.schemaname = {schema} AND s.sequencename = given.name "
        "WHERE COALESCE(s.last_value, 0) < given.last;\n"
    )


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def server() -> str:
    ((version,),) = _ask("SHOW server_version")
    return f"PostgreSQL {version}"


def _ask(statement: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        # params=None: a % in a statement is none of a placeholder.
        cursor.execute(statement, None)
        return cursor.fetchall() if cursor.description else ()


def _tables() -> list[str]:
    return [str(name) for (name,) in _ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]


def _command(
    program: str, parameters: Sequence[str], settings: dict[str, Any] | None
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of one of PostgreSQL's programs. Raises BackupError where it is missing."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(
            f"{program} is not installed here: install PostgreSQL's client programs, as new as the server."
        )
    if settings is None:
        return [found, *parameters], dict(os.environ)
    arguments, own = DatabaseClient.settings_to_cmd_args_env(settings, ["--no-password", *parameters])
    return [found, *arguments[1:]], {**os.environ, **(own or {})}


def _run(program: str, parameters: Sequence[str], read: Callable[[IO[bytes]], None]) -> None:
    arguments, environment = _command(program, parameters, connection.settings_dict)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=said, env=environment)  # noqa: S603  our own program and arguments
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        try:
            read(process.stdout)
        finally:
            process.stdout.close()
            code = process.wait()
        if code != 0:
            raise BackupError(f"{program} failed: {_last_line(said)}")


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return next(
        (line for line in lines if "ERROR" in line or "error" in line), lines[-1] if lines else "no reason given"
    )
