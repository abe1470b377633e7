"""Keeps the figures up to date: what the ledger says has changed is gathered anew, and the days it touches are packed.

A change to an incident costs its transaction nothing: its ledger entry is the note that something changed. Whoever
follows the ledger next (a task each minute, a page that is about to show figures) gathers all incidents that changed
since, together. Nothing is added to or taken from a sum, so that a step that comes twice or late does no harm, and
``figures_rebuild`` finds the same.

Counting and packing are transactions of their own, and short: SQLite has one writer, and people answer pages meanwhile.
What is counted marks its days as stale, so that they are packed even where whoever counted dies before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, models, transaction
from django.db.models import Max, Q, Subquery, Value

from audit.leaves import missing_in, within
from audit.models import LedgerEntry
from incidents.models import Incident
from reports.figures.columns import GLANCE, INCIDENTS, PAGES, Columns, instant_of, packed
from reports.figures.definitions import OPEN, REFIRE_HOURS
from reports.figures.gathering import figures_gather
from reports.figures.times import TIMED, times_packed
from reports.models import DayFigures, FiguresCursor, IncidentFigures, PageFigures

ENTRIES = 20_000
"""Ledger entries read in one step."""
TOGETHER = 200
"""Incidents gathered in one step, in one transaction."""
AT_ONCE = 2_000
"""Ledger entries that a reader waits for."""
GAP = timedelta(days=1)
"""For so long a number that has no entry may still get one, once its transaction ends."""
REFIRED = timedelta(hours=REFIRE_HOURS)
PACKED = 30
"""Days packed in one step: after an upgrade all are stale, and a reader must not wait for them."""
FORGOTTEN = 2_000
"""Incidents whose figures are deleted in one transaction."""
COUNTED = (DayFigures.Kind.INCIDENTS.value, DayFigures.Kind.PAGES.value)
"""Kinds that are packed from figures; the others are packed with them."""
_LOCK = 0x57424647
_PREFIX = "incident:"
Days = set[tuple[str, date]]


@dataclass(frozen=True, slots=True)
class Followed:
    """How many incidents were counted anew and whether there are more; how many days were packed and whether there are more."""

    incidents: int
    more: bool
    days: int = 0
    stale: bool = False

    @property
    def ended(self) -> bool:
        """Nothing is left, or somebody else is packing it."""
        return not self.more and (not self.stale or not self.days)


def figures_follow(*, at: datetime, most: int = TOGETHER) -> Followed:
    """One step: at most about ``most`` incidents are counted anew, and their days packed. Somebody else at it means that
    nothing is done here."""
    step, meanwhile = _counted(at, most)
    days, stale = days_repack(but=meanwhile)
    return replace(step, days=days, stale=stale)


@transaction.atomic
def _counted(at: datetime, most: int) -> tuple[Followed, Days]:
    """Count what changed since; and the days that wait because the next step is going to touch them again."""
    if not _alone():
        return Followed(0, False), set()
    cursor, _made = FiguresCursor.objects.select_for_update().get_or_create(
        pk=1, defaults={"followed_at": at, **_beginning()}
    )
    changed, more = _changed(cursor, at, most)
    changed |= set(_overdue(at, most))
    left = most - len(changed)
    if left > 0 and cursor.fill_from < cursor.fill_to:
        changed |= _fill(cursor, left)
    filling = cursor.fill_from < cursor.fill_to
    days = figures_count(changed, at=at)
    cursor.followed_at = at
    cursor.save()
    return Followed(len(changed), more or filling), days if filling else set()


def figures_follow_all(*, at: datetime, steps: int = 200) -> int:
    """Steps until there is nothing more to do, at most ``steps``. Returns how many incidents were counted anew."""
    done = 0
    for _step in range(steps):
        step = figures_follow(at=at)
        done += step.incidents
        if step.ended:
            break
    return done


class Known(NamedTuple):
    """As of when figures are, and whether all incidents from before they were kept are counted already."""

    at: datetime
    whole: bool


def figures_ready(*, at: datetime) -> Known:
    """Bring the figures up to date for whoever is about to read them, where little is missing: one query when nothing is.

    In a storm it is the task that follows, and a page says as of when: a reader must not take the pen from those who answer.
    """
    newest = LedgerEntry.objects.order_by().values(one=Value(1)).annotate(last=Max("pk")).values("last")
    cursor = FiguresCursor.objects.annotate(last=Subquery(newest)).first()
    if cursor is None:
        return Known(at, not figures_follow(at=at).more)
    whole, behind = cursor.fill_from >= cursor.fill_to, (cursor.last or 0) - cursor.upto
    if behind <= 0:
        return Known(at, whole)
    if behind > AT_ONCE:
        return Known(cursor.followed_at, whole)
    step = figures_follow(at=at)
    return Known(cursor.followed_at if step.more or step.stale else at, whole)


def figures_rebuild(*, at: datetime, most: int = TOGETHER) -> int:
    """Forget all figures and make them anew from the incidents; returns how many incidents there are."""
    while ids := list(IncidentFigures.objects.order_by("pk").values_list("pk", flat=True)[:FORGOTTEN]):
        with transaction.atomic():
            _forget(PageFigures.objects.filter(incident__in=ids))
            _forget(IncidentFigures.objects.filter(pk__in=ids))
    with transaction.atomic():
        # With what was counted meanwhile: whoever follows next begins at the beginning.
        FiguresCursor.objects.all().delete()
        for model in (DayFigures, PageFigures, IncidentFigures):
            _forget(model._default_manager.all())
    done = 0
    while True:
        step = figures_follow(at=at, most=most)
        done += step.incidents
        if step.ended:
            return done


def _forget(rows: models.QuerySet[Any]) -> None:
    rows._raw_delete(connection.alias)


def _alone() -> bool:
    """Whether nobody else counts now; SQLite has one writer at a time anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _beginning() -> dict[str, int]:
    """Where following begins: with the next entry, and all incidents there are still to be counted."""
    return {
        "upto": LedgerEntry.objects.aggregate(last=Max("pk"))["last"] or 0,
        "fill_to": Incident.objects.aggregate(last=Max("pk"))["last"] or 0,
    }


def _changed(cursor: FiguresCursor, at: datetime, most: int) -> tuple[set[int], bool]:
    """The incidents of the entries that came since, and of those that filled a gap; moves the cursor."""
    waited = [gap for gap in cursor.gaps if datetime.fromisoformat(gap[2]) > at - GAP]
    late = _entries(within("pk", [gap[:2] for gap in waited])) if waited else []
    fresh = _entries(Q(pk__gt=cursor.upto))
    changed = {pk for _number, pk in late if pk}
    seen: list[int] = []
    for number, pk in fresh:
        if len(changed) >= most:
            break
        seen.append(number)
        if pk:
            changed.add(pk)
    if connection.vendor == "postgresql":
        here = [number for number, _pk in late]
        gaps = [
            [low, high, since]
            for first, last, since in waited
            for low, high in missing_in([number for number in here if first <= number <= last], first, last)
        ]
        if seen:
            gaps += [[low, high, at.isoformat()] for low, high in missing_in(seen, cursor.upto + 1, seen[-1])]
        cursor.gaps = gaps
    cursor.upto = seen[-1] if seen else cursor.upto
    return changed, len(seen) < len(fresh) or len(fresh) == ENTRIES


def _entries(condition: Q) -> list[tuple[int, int]]:
    """Number and incident (nought: of something else) of ledger entries, in order."""
    rows = LedgerEntry.objects.filter(condition).order_by("pk").values_list("pk", "subject")[:ENTRIES]
    return [(pk, _incident_of(subject)) for pk, subject in rows]


def _incident_of(subject: str) -> int:
    number = subject.removeprefix(_PREFIX)
    return int(number) if subject.startswith(_PREFIX) and number.isdigit() else 0


def _overdue(at: datetime, most: int) -> models.QuerySet[IncidentFigures, int]:
    """Open incidents whose SLA has ended since they were counted."""
    return IncidentFigures.objects.filter(sla=OPEN, sla_due_at__lt=at).order_by().values_list("pk", flat=True)[:most]


def _fill(cursor: FiguresCursor, most: int) -> set[int]:
    """The next incidents of before the figures; moves the cursor."""
    waiting = Incident.objects.filter(pk__gt=cursor.fill_from, pk__lte=cursor.fill_to).order_by("pk")
    found = list(waiting.values_list("pk", flat=True)[:most])
    cursor.fill_from = found[-1] if len(found) == most else cursor.fill_to
    return set(found)


def figures_count(ids: Collection[int], *, at: datetime) -> Days:
    """Count these incidents anew; the days they were and are part of are marked as stale. Belongs into a transaction."""
    if not ids:
        return set()
    ended = dict(IncidentFigures.objects.filter(pk__in=ids, key__isnull=False).values_list("pk", "resolved_at"))
    days, figures = _count(ids, at)
    if followers := set(_followers(figures, ended)) - set(ids):
        days |= _count(followers, at)[0]
    rows = [DayFigures(kind=kind, day=day, count=0, data=b"", stale=True) for kind, day in sorted(days)]
    DayFigures.objects.bulk_create(rows, update_conflicts=True, unique_fields=["kind", "day"], update_fields=["stale"])
    return days


def _count(ids: Collection[int], at: datetime) -> tuple[Days, list[IncidentFigures]]:
    """Count these incidents anew; the days they were and are part of."""
    before = _days(ids)
    figures, pages = figures_gather(ids, at=at)
    _store(figures, IncidentFigures, "incident")
    _store(pages, PageFigures, "page")
    after = {("incidents", row.day) for row in figures} | {("pages", row.day) for row in pages}
    return before | after, figures


def _followers(figures: Iterable[IncidentFigures], ended: Mapping[int, datetime | None]) -> Iterable[int]:
    """Incidents that began soon after one of the same key was resolved, where its resolution is another one now: whether
    they fired again hangs on it."""
    condition = Q()
    for row in figures:
        before = ended.get(row.pk)
        for end in {before, row.resolved_at} if before != row.resolved_at and row.key is not None else ():
            if end is not None:
                condition |= Q(key=row.key, started_at__gte=end, started_at__lte=end + REFIRED)
    return IncidentFigures.objects.filter(condition).values_list("pk", flat=True) if condition else ()


def _days(ids: Collection[int]) -> Days:
    incidents = IncidentFigures.objects.filter(pk__in=ids).values_list("day", flat=True)
    pages = PageFigures.objects.filter(incident__in=ids).values_list("day", flat=True)
    return {("incidents", day) for day in incidents} | {("pages", day) for day in pages}


def _store(rows: Sequence[models.Model], model: type[models.Model], key: str) -> None:
    columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    model._default_manager.bulk_create(rows, update_conflicts=True, unique_fields=[key], update_fields=columns)


def days_repack(*, but: Collection[tuple[str, date]] = (), most: int = PACKED) -> tuple[int, bool]:
    """Pack at most so many of the days that are stale, the newest first, each in its own transaction, except those ``but``.
    Returns how many were packed and whether any is left; somebody else at it means that they are left."""
    # What a release before this one packed, perhaps while hosts are upgraded one after the other, lacks what it did not know.
    before = DayFigures.objects.filter(kind=DayFigures.Kind.TIMES).order_by().values_list("day", flat=True)
    waiting = set(DayFigures.objects.filter(stale=True, kind__in=COUNTED).order_by().values_list("kind", "day"))
    waiting = (waiting | {(DayFigures.Kind.INCIDENTS.value, day) for day in before}) - set(but)
    days = sorted(waiting, key=lambda one: (one[1], one[0]), reverse=True)
    for done, day in enumerate(days[:most]):
        with transaction.atomic():
            if not _alone():
                return done, True
            days_pack([day])
    return min(len(days), most), len(days) > most


def days_pack(days: Iterable[tuple[str, date]]) -> None:
    """Pack these days anew from the figures of their incidents or pages."""
    rows: list[DayFigures] = []
    for kind, day in sorted(days):
        if kind == DayFigures.Kind.PAGES:
            found = page_rows(_of_pages(day))
            rows.append(_row(kind, day, len(found), packed(found, PAGES)))
            continue
        found = incident_rows(_of_incidents(day))
        rows.append(_row(kind, day, len(found), packed(found, INCIDENTS)))
        columns = Columns.of_rows(INCIDENTS, found)
        rows.append(_row(DayFigures.Kind.GLANCE, day, len(found), columns.packed(GLANCE)))
        rows += [_row(one, day, len(found), times_packed(columns, one)) for one in TIMED]
    _forget(DayFigures.objects.filter(kind=DayFigures.Kind.TIMES, day__in={row.day for row in rows}))
    DayFigures.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["kind", "day"], update_fields=["count", "data", "stale"]
    )


def _row(kind: str, day: date, count: int, data: bytes) -> DayFigures:
    return DayFigures(kind=kind, day=day, count=count, data=data, stale=False)


def _of_incidents(day: date) -> models.QuerySet[IncidentFigures]:
    return IncidentFigures.objects.filter(day=day, counted=True, restricted=False)


def _of_pages(day: date) -> models.QuerySet[PageFigures]:
    return PageFigures.objects.filter(day=day, incident__counted=True, incident__restricted=False)


_INCIDENT_NAMES = tuple(INCIDENTS)[2:]
_PAGE_NAMES = {
    **{name: f"incident__{name}" for name in INCIDENTS if name in PAGES and name not in ("at", "id")},
    "incident": "incident_id",
    "person": "person_id",
}


def incident_rows(figures: models.QuerySet[IncidentFigures]) -> list[tuple[int, ...]]:
    """Figures as rows of the layout INCIDENTS, in the order of time."""
    found = figures.order_by("started_at", "pk").values_list("started_at", "pk", *_INCIDENT_NAMES)
    return [(instant_of(at), *rest) for at, *rest in found.iterator(chunk_size=2_000)]


def page_rows(figures: models.QuerySet[PageFigures]) -> list[tuple[int, ...]]:
    """Figures as rows of the layout PAGES, in the order of time."""
    names = [_PAGE_NAMES.get(name, name) for name in tuple(PAGES)[2:]]
    found = figures.order_by("at", "pk").values_list("at", "pk", *names)
    return [(instant_of(at), *rest) for at, *rest in found.iterator(chunk_size=2_000)]
