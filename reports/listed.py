"""Which incidents, or pages, are behind a number, told by the packed figures that the number was counted from.

A page of the list is fifty of tens of thousands: sorting columns takes a few hundredths of a second, and the database looks up fifty rows
by their numbers, where sorting its own rows took more than a second. What the figures do not hold (the house's own questions, alerts)
stays with the database (``reports.narrow``, ``reports.pages_behind``).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import nlargest
from itertools import compress, repeat
from operator import and_, lshift, or_
from typing import Any

from django.db.models import Q

from incidents.models import Incident
from reports.figures.columns import SPANS, Columns, instant_of
from reports.figures.counting import column_of, heavy_shifts
from reports.figures.definitions import METRICS, NONE, NOT, WAITING, Kind, Metric
from reports.figures.reading import Seen, incident_columns, page_columns, restricted_seen
from reports.groupings import grouped
from reports.models import PageFigures
from reports.names import STATE, STATES
from reports.narrow import ALL, ALSO, CODES, OLD, TIMED
from reports.pages_behind import ALL as ALL_PAGES
from reports.pages_behind import BY_HOURS, HEAVY, Asked
from reports.period import hour_spans
from reports.selectors import Scope

_BITS = 44
"""Of a key, those of the row's number: what it is sorted by stands above them."""
_FEW = 8
"""Up to the part of all that is one in so many, picking out the first is quicker than sorting."""
_KNOWN = bytes(code != NONE for code in range(256))


class Numbers(Sequence[int]):
    """Numbers of rows in the order to read them, by keys of which the greatest comes first; sorted no further than they are asked for."""

    def __init__(self, keys: list[int]) -> None:
        self._keys, self._sorted = keys, False

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: Any) -> Any:
        if not isinstance(place, slice):
            return self[place : place + 1][0]
        begin, end, _step = place.indices(len(self))
        if not self._sorted and end * _FEW <= len(self):
            found = nlargest(end, self._keys)[begin:end]
        else:
            if not self._sorted:
                self._keys.sort(reverse=True)
                self._sorted = True
            found = self._keys[begin:end]
        return [key & (1 << _BITS) - 1 for key in found]


@dataclass(frozen=True, slots=True)
class Listed:
    """The ``numbers`` behind a number of a report, and the restricted incidents (None: every one) its reader may see."""

    numbers: Numbers
    seen: Seen

    def incidents(self, numbers: Sequence[int], *related: str) -> list[Incident]:
        """Those of these numbers, in their order. What became restricted since it was counted is not among them."""
        found = Incident.objects.filter(self._shown("restricted", "pk"), pk__in=numbers)
        return _in_order(found.select_related(*related).order_by(), numbers)

    def pages(self, numbers: Sequence[int], *related: str) -> list[PageFigures]:
        """As ``incidents``, of pages."""
        found = PageFigures.objects.filter(self._shown("page__incident__restricted", "incident"), pk__in=numbers)
        return _in_order(found.select_related(*related).order_by(), numbers)

    def _shown(self, restricted: str, incident: str) -> Q:
        return Q() if self.seen is None else Q(**{restricted: False}) | Q(**{f"{incident}__in": self.seen})


def _in_order(rows: Iterable[Any], numbers: Sequence[int]) -> list[Any]:
    found = {row.pk: row for row in rows}
    return [found[number] for number in numbers if number in found]


def incidents_listed(scope: Scope, which: str) -> Listed | None:
    """The incidents behind the number called ``which`` (``reports.narrow``), in the order to read them: two queries. None where the
    figures do not tell: then the database is to be asked."""
    parts = [OLD.get(one, one).partition(".")[::2] for one in which.split(ALSO)]
    if scope.unpacked or not all(_of_incidents(*one) for one in parts):
        return None
    seen = restricted_seen(scope)
    # As in the database, of several the last says the order.
    order = next((column_of(METRICS[key], work=scope.work) for key, part in reversed(parts) if part == "done"), "at")
    since, until = scope.period.since, scope.period.until
    found = _in_hour(incident_columns(scope, since=since, until=until, seen=seen, spans=order in SPANS), scope)
    masks = [_mask_of(found, key, part) for key, part in parts if key != ALL]
    return Listed(_numbers(found, order, masks), seen)


def _of_incidents(key: str, part: str) -> bool:
    if key in (ALL, STATE):
        return key == ALL or part in STATES
    metric = METRICS.get(key)
    return metric is not None and metric.of == "incidents" and part in _parts(metric)


def _parts(metric: Metric) -> Collection[str]:
    return CODES if metric.kind == Kind.SHARE else TIMED


def pages_listed(scope: Scope, asked: Asked) -> Listed | None:
    """As ``incidents_listed``, of the pages behind a number (``reports.pages_behind``)."""
    if scope.where:
        return None
    parts = [one.partition(".")[::2] for one in asked.which.split(ALSO)]
    seen = restricted_seen(scope)
    whole = page_columns(scope, since=scope.period.since, until=scope.period.until, seen=seen)
    found = _in_hour(whole, scope).narrowed({"person": asked.people})
    masks = [mask for one in parts for mask in _page_masks(found, whole, *one)]
    order = next((METRICS[key].column for key, part in reversed(parts) if part == "done" and key in METRICS), "at")
    return Listed(_numbers(found, order, masks), seen)


def _page_masks(found: Columns, whole: Columns, key: str, part: str) -> Iterable[bytes]:
    """``whole`` are the pages of the whole period, by which a shift is heavy."""
    if key in METRICS:
        yield _mask_of(found, key, part)
    elif (which := f"{key}.{part}") != ALL_PAGES:
        yield found["sleep"].tobytes().translate(_KNOWN)
        if which in BY_HOURS:
            yield _equal(found, "hours", BY_HOURS[which])
        elif which == HEAVY:
            shifts = {(person, shift) for person, several in heavy_shifts(whole).items() for shift in several}
            yield bytes(map(shifts.__contains__, zip(found["person"], found["shift"], strict=True)))


def _in_hour(columns: Columns, scope: Scope) -> Columns:
    """Those of the hour of the week, where one is asked for."""
    if scope.hour is None:
        return columns
    instants = columns["at"]
    mask = bytearray(len(instants))
    for since, until in hour_spans(scope.period, scope.hour):
        begin, end = (bisect_left(instants, instant_of(at)) for at in (since, until))
        mask[begin:end] = b"\1" * (end - begin)
    return columns.masked(bytes(mask))


def _mask_of(columns: Columns, key: str, part: str) -> bytes:
    """A 1 for each row that a part of the metric counts, else a 0."""
    if key == STATE:
        return _equal(grouped(columns, STATE), STATE, STATES.index(part) + 1)
    column = METRICS[key].column
    if part in CODES:
        return _equal(columns, column, CODES[part])
    values = columns[column]
    return bytes(map(WAITING.__eq__, values)) if part == "waiting" else bytes(map(NOT.__lt__, values))


def _equal(columns: Columns, column: str, code: int) -> bytes:
    return columns[column].tobytes().translate(bytes(one == code for one in range(256)))


def _numbers(columns: Columns, order: str, masks: Sequence[bytes]) -> Numbers:
    """Those for which every mask has a 1, by what stands in ``order``."""
    keys: Iterable[int] = map(or_, map(lshift, columns[order], repeat(_BITS)), columns["id"])
    if masks:
        keys = compress(keys, reduce(lambda one, other: bytes(map(and_, one, other)), masks))
    return Numbers(list(keys))
