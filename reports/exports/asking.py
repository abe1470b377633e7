"""What an export is asked with: a reader, the filters of an address, an instant. A page and a regular task ask in the same way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from oncall.models import User
from oncall.rota.clock import zone_named
from oncall.telling import as_read_by
from reports.exports.table import Row, Table

NOT_FILTERS = ("page", "view", "csrfmiddlewaretoken", "of")
"""What an address says of where the reader is, and not of which rows there are."""
COUNTED = 5_000_000
"""Rows that are counted at most."""


@dataclass(frozen=True)
class Asked:
    """``words``: for people (names, labels) and not for machines (slugs, keys)."""

    user: User
    query: QueryDict
    at: datetime
    words: bool = False

    @cached_property
    def zone(self) -> ZoneInfo:
        return zone_named(self.user.time_zone)

    @property
    def request(self) -> HttpRequest:
        """For filters that were written for a page: it knows the address and who asks, and nothing else."""
        request: Any = HttpRequest()
        request.GET, request.user, request.method = self.query, self.user, "GET"
        return request  # type: ignore[no-any-return]  # "Any" lets the address and the reader be set.


@dataclass(frozen=True, slots=True)
class Source:
    """A list or report that can be taken out. ``opens`` reads nothing but the count before the first row is asked for."""

    key: str
    label: str | Promise
    about: str | Promise
    roles: frozenset[str]
    opens: Callable[[Asked], Table]
    place: str
    """The name of the page with the same filters."""


def query_kept(text: str) -> str:
    """The filters of an address, always written the same way."""
    query = QueryDict(text.lstrip("?"), mutable=True)
    for name in list(query):
        values = [value for value in query.getlist(name) if value]
        if name in NOT_FILTERS or not values:
            del query[name]
        else:
            query.setlist(name, values)
    return query.urlencode()


def filters_text(asked: Asked) -> str:
    """The filters as the address says them, for the record and the cover: "severity: 1, 2 · team: payments"."""
    parts = [f"{name}: {', '.join(values)}" for name, values in sorted(asked.query.lists()) if name not in NOT_FILTERS]
    return " · ".join(parts) or _("none")


def counted(found: QuerySet[Any]) -> tuple[int, bool]:
    """How many rows, and whether there are more than anybody counts."""
    number = found.order_by().values("pk")[: COUNTED + 1].count()
    return min(number, COUNTED), number > COUNTED


def as_said_to(user: User, rows: Iterator[Row]) -> Iterator[Row]:
    """The same rows, each made in the reader's language and zone: they are read long after the request has been answered."""
    while True:
        with as_read_by(user):
            row = next(rows, None)
        if row is None:
            return
        yield row


def batches(rows: Iterator[Any], size: int) -> Iterator[Sequence[Any]]:
    """Some hundreds at a time."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
