"""Incidents and their tasks as bars on a line of time, with what waits on what (R197, R212).

Each incident is a whole whose parts are its tasks; where one incident blocks another, the blocked one waits, and so does what is left
to do on it. Laying out is ``incidents.scheduling``; here rows are read and turned into places of a drawing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from escalation_site.ui import moments
from escalation_site.ui.lanes import extent, place
from incidents.models import Incident, IncidentLink, Task, TaskWait
from incidents.querysets import IncidentQuerySet
from incidents.scheduling import Bar, Circle, Work, plan

MOST_INCIDENTS = 20
MOST_TASKS = 200
ROW = 36
"""The height of a line, in pixels; the names beside the drawing have it too."""
STEPS = tuple(timedelta(minutes=number) for number in (5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 40320))
MOST_TICKS = 8
MARGIN = 0.03
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Line:
    """One incident or task. ``x`` and ``width`` are percent of the drawing, ``y`` its middle in pixels."""

    incident: Incident
    task: Task | None
    bar: Bar
    x: str
    width: str
    planned: tuple[str, str] | None
    y: int
    waits: Sequence[str] = ()
    held_by: str = ""
    outside: str = ""
    """"earlier" or "later" where none of it lies in the stretch that is drawn."""

    @property
    def depth(self) -> int:
        return self.task.depth if self.task else 0

    @property
    def title(self) -> str:
        return self.task.title if self.task else self.incident.title

    @property
    def is_milestone(self) -> bool:
        return self.task is not None and self.task.kind == Task.Kind.MILESTONE

    @property
    def is_late(self) -> bool:
        return self.bar.slip >= timedelta(minutes=1)

    @property
    def top(self) -> int:
        return self.y - 8


@dataclass(frozen=True, slots=True)
class Thread:
    """From the end of what is waited on down (or up) to the line of what waits, then to where that begins."""

    x: str
    y: int
    to_x: str
    to_y: int
    strict: bool
    across: bool

    @property
    def bend(self) -> int:
        """Where the downward piece ends: short of the bar, where it leads straight to it."""
        return self.to_y if self.across else self.to_y + (-10 if self.to_y > self.y else 10)


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``circle`` names what waits for each other: its dependencies are then left out of the drawing. ``left_out`` tasks are not drawn."""

    lines: Sequence[Line]
    threads: Sequence[Thread] = ()
    ticks: Sequence[Tick] = ()
    now: str = ""
    blocks: Sequence[tuple[Incident, Incident]] = ()
    circle: Sequence[str] = ()
    left_out: int = 0
    height: int = field(default=0)

    @property
    def tasks(self) -> int:
        return sum(line.task is not None for line in self.lines)

    @property
    def outside(self) -> int:
        return sum(bool(line.outside) and line.task is not None for line in self.lines)

    @property
    def late(self) -> int:
        return sum(line.is_late and line.task is not None for line in self.lines)


def plans_of(visible: IncidentQuerySet) -> list[Incident]:
    """The open incidents of ``visible`` that have a plan: tasks, or others that block them or that they block. One query."""
    tasks = Task.objects.exclude(state=Task.State.DROPPED).filter(incident__resolved_at=None).order_by()
    blocks = IncidentLink.objects.filter(kind=IncidentLink.Kind.BLOCKS).order_by()
    before, after = blocks.filter(source__resolved_at=None), blocks.filter(target__resolved_at=None)
    # One list of numbers, and not three joined by "or": few have a plan, and they are looked for from there, not among all there is.
    planned = tasks.values("incident").union(before.values("source"), after.values("target"))
    found = visible.unresolved().filter(pk__in=planned)
    return list(
        found.select_related("service", "team", "owner").order_by("severity", "started_at", "pk")[:MOST_INCIDENTS]
    )


def with_blocking(incident: Incident, visible: IncidentQuerySet) -> list[Incident]:
    """``incident`` between those that block it and those it blocks, of what is open and visible: two queries, one where there are none."""
    blocks = IncidentLink.objects.filter(kind=IncidentLink.Kind.BLOCKS).order_by()
    links = blocks.filter(Q(source=incident) | Q(target=incident)).values_list("source", "target")
    before = {source for source, target in links if target == incident.pk}
    ends = {end for link in links for end in link} - {incident.pk}
    found = visible.unresolved().filter(pk__in=ends).select_related("service", "team", "owner")
    others = list(found.order_by("pk"))
    return [
        *(one for one in others if one.pk in before),
        incident,
        *(one for one in others if one.pk not in before),
    ]


def chart_of(incidents: Sequence[Incident], *, at: datetime, zone: ZoneInfo, window: Window | None = None) -> Chart:
    """The drawing of these incidents at ``at``, or of a ``window`` of it, its axis on the clock of ``zone``: three queries."""
    pks = [one.pk for one in incidents]
    tasks = list(
        Task.objects.filter(incident__in=pks)
        .exclude(state=Task.State.DROPPED)
        .select_related("assignee", "role")[: MOST_TASKS + 1]
    )
    left_out, tasks = max(len(tasks) - MOST_TASKS, 0), tasks[:MOST_TASKS]
    waits = list(TaskWait.objects.filter(task__incident__in=pks).values_list("task", "waits_on", "strict"))
    kind = IncidentLink.Kind.BLOCKS
    blocks = list(
        IncidentLink.objects.filter(kind=kind, source__in=pks, target__in=pks).values_list("target", "source")
    )
    edges = [*waits, *((-target, -source, True) for target, source in blocks)]
    works = _works(incidents, tasks, edges)
    names = {task.pk: task.title for task in tasks} | {-one.pk: one.reference for one in incidents}
    circle: tuple[str, ...] = ()
    try:
        bars = plan(works, at=at)
    except Circle as found:
        edges, circle = [], tuple(names[key] for key in found.keys if key in names)
        bars = plan(_works(incidents, tasks, edges), at=at)
    by_pk = {one.pk: one for one in incidents}
    pairs = [(by_pk[source], by_pk[target]) for target, source in blocks]
    return _drawn(_ordered(incidents, tasks), bars, edges, names, at, zone, pairs, circle, left_out, window)


def _works(incidents: Iterable[Incident], tasks: Iterable[Task], edges: Iterable[tuple[int, int, bool]]) -> list[Work]:
    before: dict[int, set[int]] = defaultdict(set)
    for key, waits_on, _strict in edges:
        before[key].add(waits_on)
    wholes = [
        Work(
            key=-one.pk,
            made=one.started_at,
            begun=one.started_at,
            start=one.started_at,
            due=one.sla_due_at,
            ended=one.resolved_at,
            waits=frozenset(before[-one.pk]),
        )
        for one in incidents
    ]
    return wholes + [
        Work(
            key=task.pk,
            made=task.created_at,
            start=task.starts_at,
            due=task.due_at,
            begun=task.started_at,
            ended=task.ended_at,
            waits=frozenset(before[task.pk]),
            part_of=task.parent_id or -task.incident_id,
            milestone=task.kind == Task.Kind.MILESTONE,
        )
        for task in tasks
    ]


def _ordered(incidents: Sequence[Incident], tasks: Sequence[Task]) -> list[tuple[Incident, Task | None]]:
    """Each incident with its tasks below it, parts under their whole."""
    below: dict[tuple[int, int | None], list[Task]] = defaultdict(list)
    known = {task.pk for task in tasks}
    for task in tasks:
        below[task.incident_id, task.parent_id if task.parent_id in known else None].append(task)
    found: list[tuple[Incident, Task | None]] = []

    def walk(incident: Incident, parent: int | None) -> None:
        for task in below[incident.pk, parent]:
            found.append((incident, task))
            walk(incident, task.pk)

    for incident in incidents:
        found.append((incident, None))
        walk(incident, None)
    return found


def _drawn(
    ordered: Sequence[tuple[Incident, Task | None]],
    bars: Mapping[int, Bar],
    edges: Sequence[tuple[int, int, bool]],
    names: Mapping[int, str],
    at: datetime,
    zone: ZoneInfo,
    blocks: Sequence[tuple[Incident, Incident]],
    circle: Sequence[str],
    left_out: int,
    window: Window | None,
) -> Chart:
    since, until = window or _window(bars.values(), at)
    waits: dict[int, list[str]] = defaultdict(list)
    for key, waits_on, _strict in edges:
        if waits_on in names:
            waits[key].append(names[waits_on])
    lines = []
    for number, (incident, task) in enumerate(ordered):
        bar = bars[task.pk if task else -incident.pk]
        x, width = extent(bar.start, bar.end, since=since, until=until)
        was_in = bar.planned_end >= since and bar.planned_start <= until
        planned = extent(bar.planned_start, bar.planned_end, since=since, until=until) if was_in else None
        held = names.get(bar.held_by, "") if bar.held_by else ""
        y = number * ROW + ROW // 2
        planned = planned if task and bar.slip else None
        outside = "earlier" if bar.end < since else "later" if bar.start > until else ""
        lines.append(Line(incident, task, bar, x, width, planned, y, waits[bar.key], held, outside))
    at_y = {line.bar.key: line.y for line in lines}
    threads = [
        Thread(
            place(bars[waits_on].end, since=since, until=until),
            at_y[waits_on],
            place(bars[key].start if key > 0 else bars[waits_on].end, since=since, until=until),
            at_y[key],
            strict,
            across=key > 0 and abs(bars[key].start - bars[waits_on].end) > (until - since) / 200,
        )
        for key, waits_on, strict in edges
        if key in at_y and waits_on in at_y and _seen(bars[waits_on], bars[key], since, until)
    ]
    now = place(at, since=since, until=until) if since <= at <= until else ""
    ticks = _ticks(since, until, zone)
    return Chart(lines, threads, ticks, now, blocks, circle, left_out, len(lines) * ROW)


def _seen(before: Bar, after: Bar, since: datetime, until: datetime) -> bool:
    """Whether a thread between the two begins or ends within what is drawn; one to a whole incident leads straight down."""
    return since <= before.end <= until or (after.key > 0 and since <= after.start <= until)


def _window(bars: Iterable[Bar], at: datetime) -> tuple[datetime, datetime]:
    """From the first to the last that is drawn, with the present in it and a little room at both ends."""
    edges = [at, at + timedelta(minutes=30)]
    for bar in bars:
        edges += (bar.start, bar.end)
        if bar.key > 0 and bar.slip:
            edges += (bar.planned_start, bar.planned_end)
    first, last = min(edges), max(edges)
    return first - (last - first) * MARGIN, last + (last - first) * MARGIN


def _ticks(since: datetime, until: datetime, zone: ZoneInfo) -> list[Tick]:
    """The clock of ``zone`` along the top: at most MOST_TICKS, on its full hours, quarters or days."""
    step = next((one for one in STEPS if (until - since) / one <= MOST_TICKS), (until - since) / MOST_TICKS)
    moment = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found, last_day = [], None
    while moment < until:
        if moment > since:
            local = moment.astimezone(zone)
            style = "day" if local.date() != last_day else "clock"
            last_day = local.date()
            label = moments.written(moment, style if step < STEPS[7] else "day", at=since, zone=zone)
            if style == "day" and step < STEPS[7]:
                label = f"{label}, {moments.written(moment, 'clock', at=since, zone=zone)}"
            found.append(Tick(place(moment, since=since, until=until), label))
        moment = (moment.astimezone(zone) + step) if step >= STEPS[7] else moment + step
    return found
