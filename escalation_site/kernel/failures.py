"""Telling a database in trouble from data it cannot take: the one passes and is waited for, the other must be set aside."""

from django.db import InterfaceError, OperationalError

# Classes of PostgreSQL's error codes: connection lost, rolled back for another's sake (deadlock), out of resources, lock not
# available, shut down, system error. A statement that was cancelled (57014) is not among them: it would be cancelled for ever.
_POSTGRES = ("08", "40", "53", "55", "57", "58")
_CANCELLED = "57014"
_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)


def is_passing(error: BaseException) -> bool:
    """Whether ``error`` says that the database is away, busy or chose a victim, so that trying again later may succeed."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    name = getattr(cause, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(_SQLITE)
    state = getattr(cause, "sqlstate", None)
    return state is None or (state.startswith(_POSTGRES) and state != _CANCELLED)
