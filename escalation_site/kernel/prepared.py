"""A question that is asked again and again, as one statement of text that PostgreSQL plans once.

The ORM composes a query anew each time, and the server plans it anew: what an idle house asks all day costs it most of what it needs.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import DatabaseError, connection
from psycopg import Cursor, errors

log = structlog.get_logger(__name__)

# What the server answers where it does not know a statement by the name that another connection gave it.
_NOT_KEPT = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)


class Prepared:
    """Called, it gives the first row of what ``statement`` finds, None where there is none.

    PostgreSQL keeps the statement for as long as the connection lives. Behind a pooler that gives each transaction another connection it
    does not: the first time that it is missing is told, and from then on each look is planned anew.
    """

    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._kept = True

    def __call__(self, parameters: Sequence[Any] = ()) -> Any:
        if self._kept and connection.vendor == "postgresql":
            try:
                return self._prepared(parameters)
            except DatabaseError as error:
                if not isinstance(error.__cause__, _NOT_KEPT):
                    raise
                self._kept = False
                log.warning("database.statement_not_kept", reason=str(error).strip())
        with connection.cursor() as cursor:
            cursor.execute(self._statement, parameters)
            return cursor.fetchone()

    def _prepared(self, parameters: Sequence[Any]) -> Any:
        """Django's own cursors send the text each time, and the server plans it each time. That this connection may prepare changes
        nothing for them."""
        connection.ensure_connection()
        connection.connection.prepare_threshold = 1  # Django's setting forbids even what is asked for.
        with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
            return cursor.execute(self._statement, parameters or None, prepare=True).fetchone()
