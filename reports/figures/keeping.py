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
from django.db.models.functions import Coalesce

from audit.leaves import missing_in, within
from audit.models import LedgerEntry
from incidents.models import Incident
from reports.figures.columns import GLANCE, INCIDENTS, PAGES, SPANS, WITH_SPANS, Columns, Layout, instant_of, packed
from reports.figures.definitions import OPEN, REFIRE_HOURS
from reports.figures.gathering import figures_gather
from reports.figures.times import TIMED, times_packed
from reports.models import DayAnswers, DayFigures, FiguresCursor, IncidentFigures, PageFigures
from reports.own_packed import answers_pack

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
BEFORE = (DayFigures.Kind.TIMES.value, DayFigures.Kind.WORKED.value)
"""Kinds that a release before this one packs, and this one takes away: where one stands, such a release packed the day last."""
CURSOR = 2
"""The number of this release's place in the ledger. Raise it when more is counted of an incident than before: then each is counted once
more behind the pages; and what a release before it counts meanwhile, on hosts that are still to be upgraded, is counted after it too."""
_LOCK = 0x57424647
_PREFIX = "incident:"
Days = set[tuple[str, date]]


@dataclass(frozen=True, slots=True)
class Followed:
    """How many incidents were counted anew and whether more have changed, or are left from before; how many days were packed and
    whether there are more."""

    incidents: int
    more: bool
    left: bool = False
    days: int = 0
    stale: bool = False

    @property
    def ended(self) -> bool:
        """Nothing is left, or somebody else is packing it."""
        return not self.more and not self.left and (not self.stale or not self.days)


def figures_follow(*, at: datetime, most: int = TOGETHER, fill: bool = True) -> Followed:
    """One step: at most about ``most`` incidents are counted anew, and their days packed; without ``fill`` none of those from before.
    Somebody else at it means that nothing is done here."""
    step, meanwhile = _counted(at, most, fill)
    days, stale = days_repack(but=meanwhile)
    return replace(step, days=days, stale=stale)


@transaction.atomic
def _counted(at: datetime, most: int, fill: bool) -> tuple[Followed, Days]:
    """Count what changed since; and the days that wait because the next step is going to touch them again."""
    if not _alone():
        return Followed(0, False), set()
    cursor, _made = FiguresCursor.objects.select_for_update().get_or_create(
        pk=CURSOR, defaults={"followed_at": at, **_beginning()}
    )
    changed, more = _changed(cursor, at, most)
    changed |= set(_overdue(at, most))
    room = most - len(changed)
    filling = fill and not cursor.filled
    if filling and room > 0:
        changed |= _fill(cursor, room)
    days = figures_count(changed, at=at)
    cursor.followed_at = at
    cursor.save()
    return Followed(len(changed), more, not cursor.filled), days if filling and not cursor.filled else set()


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
    """As of when figures are; whether all incidents from before they were kept are counted already; and whether those that a release
    before this one counted are being counted once more, for what it did not know."""

    at: datetime
    whole: bool
    anew: bool = False


def figures_ready(*, at: datetime) -> Known:
    """Bring the figures up to date for whoever is about to read them, where little is missing: one query when nothing is.

    In a storm it is the task that follows, and a page says as of when: a reader must not take the pen from those who answer.
    """
    cursor, earlier = _cursors()
    if cursor is None:
        figures_follow(at=at)
        cursor, earlier = _cursors()
    earlier_whole = earlier is not None and earlier.filled
    if cursor is None:  # Somebody else is about to begin.
        return Known(earlier.followed_at if earlier else at, earlier_whole, earlier_whole)
    whole, anew, behind = cursor.filled or earlier_whole, not cursor.filled and earlier_whole, cursor.last - cursor.upto
    if behind <= 0:
        return Known(at, whole, anew)
    if behind > AT_ONCE:
        return Known(cursor.followed_at, whole, anew)
    # What is counted once more is the task's: a reader would wait for it at each page.
    step = figures_follow(at=at, fill=not anew)
    return Known(cursor.followed_at if step.more or step.stale else at, whole, anew)


def _cursors() -> tuple[Any, FiguresCursor | None]:
    """This release's place in the ledger, with the ``last`` entry of all, and that of the release before it."""
    newest = LedgerEntry.objects.order_by().values(one=Value(1)).annotate(last=Max("pk")).values("last")
    places = FiguresCursor.objects.annotate(last=Coalesce(Subquery(newest), 0)).filter(pk__lte=CURSOR).order_by("pk")
    found = {place.pk: place for place in places}
    return found.pop(CURSOR, None), max(found.values(), key=lambda place: place.pk, default=None)


def figures_rebuild(*, at: datetime, most: int = TOGETHER) -> int:
    """Forget all figures and make them anew from the incidents; returns how many incidents there are."""
    while ids := list(IncidentFigures.objects.order_by("pk").values_list("pk", flat=True)[:FORGOTTEN]):
        with transaction.atomic():
            _forget(PageFigures.objects.filter(incident__in=ids))
            _forget(IncidentFigures.objects.filter(pk__in=ids))
    with transaction.atomic():
        # With what was counted meanwhile: whoever follows next begins at the beginning.
        FiguresCursor.objects.all().delete()
        for model in (DayAnswers, DayFigures, PageFigures, IncidentFigures):
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


def _beginning() -> dict[str, Any]:
    """Where following begins: with the next entry, or where the release before this one stands; all incidents there are are still to be
    counted."""
    earlier = FiguresCursor.objects.filter(pk__lt=CURSOR).order_by("pk").last()
    return {
        "upto": earlier.upto if earlier else LedgerEntry.objects.aggregate(last=Max("pk"))["last"] or 0,
        "gaps": earlier.gaps if earlier else [],
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
    before = DayFigures.objects.filter(kind__in=BEFORE).order_by().values_list("day", flat=True)
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
    answered: dict[date, Sequence[int]] = {}
    for kind, day in sorted(days):
        if kind == DayFigures.Kind.PAGES:
            found = page_rows(_of_pages(day))
            rows.append(_row(kind, day, len(found), packed(found, PAGES)))
            continue
        # Out of the same columns, so that each row stands at the same place in all of them.
        columns = Columns.of_rows(WITH_SPANS, incident_rows(_of_incidents(day), WITH_SPANS))
        layouts = {kind: INCIDENTS, DayFigures.Kind.GLANCE: GLANCE, DayFigures.Kind.SPANS: SPANS}
        rows += [_row(one, day, len(columns), columns.packed(layout)) for one, layout in layouts.items()]
        rows += [_row(one, day, len(columns), times_packed(columns, one)) for one in TIMED]
        answered[day] = columns["id"]
    counted = {row.day for row in rows if row.kind == DayFigures.Kind.INCIDENTS}
    _forget(DayFigures.objects.filter(kind__in=BEFORE, day__in=counted))
    DayFigures.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["kind", "day"], update_fields=["count", "data", "stale"]
    )
    answers_pack(answered)


def _row(kind: str, day: date, count: int, data: bytes) -> DayFigures:
    return DayFigures(kind=kind, day=day, count=count, data=data, stale=False)


def _of_incidents(day: date) -> models.QuerySet[IncidentFigures]:
    return IncidentFigures.objects.filter(day=day, counted=True, restricted=False)


def _of_pages(day: date) -> models.QuerySet[PageFigures]:
    return PageFigures.objects.filter(day=day, incident__counted=True, incident__restricted=False)


_PAGE_NAMES = {
    **{name: f"incident__{name}" for name in INCIDENTS if name in PAGES and name not in ("at", "id")},
    "incident": "incident_id",
    "person": "person_id",
}


def incident_rows(figures: models.QuerySet[IncidentFigures], layout: Layout = INCIDENTS) -> list[tuple[int, ...]]:
    """Figures as rows of the layout (INCIDENTS or WITH_SPANS), in the order of time."""
    found = figures.order_by("started_at", "pk").values_list("started_at", "pk", *tuple(layout)[2:])
    return [(instant_of(at), *rest) for at, *rest in found.iterator(chunk_size=2_000)]


def page_rows(figures: models.QuerySet[PageFigures]) -> list[tuple[int, ...]]:
    """Figures as rows of the layout PAGES, in the order of time."""
    names = [_PAGE_NAMES.get(name, name) for name in tuple(PAGES)[2:]]
    found = figures.order_by("at", "pk").values_list("at", "pk", *names)
    return [(instant_of(at), *rest) for at, *rest in found.iterator(chunk_size=2_000)]
