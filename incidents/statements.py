"""Queries that nearly every page asks of its reader, put together once for all readers of a role: where nine reasons are joined, Django
takes 10 ms to write the SQL and the database one to answer it."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet

if TYPE_CHECKING:
    from oncall.models import User

_ANYBODY: Final = 9_000_000_000_000_000_000
"""Stands for the reader's number among the parameters. Nobody has it."""


def rows_for(user: "User", build: "Callable[[User], QuerySet[Any]]") -> list[tuple[Any, ...]]:
    """The rows of ``build(user)``, as the database gives them: numbers and texts, nothing that Django would have to convert. ``build`` is a
    function of a module and goes by nothing but the number and the role of whom it is given."""
    sql, params = _put_together(build, str(user.role), connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk if one == _ANYBODY else one for one in params])
        return list(cursor.fetchall())


@lru_cache(maxsize=64)
def _put_together(build: "Callable[[User], QuerySet[Any]]", role: str, _vendor: str) -> tuple[str, tuple[Any, ...]]:
    sql, params = build(get_user_model()(pk=_ANYBODY, role=role)).query.sql_with_params()
    if any(not isinstance(one, int | str) for one in params):
        # An instant among them would stay the one of the first reader's page.
        raise TypeError(f"{build.__name__} goes by more than numbers and texts")
    return sql, tuple(params)
