"""What the operations page, its API and the gauges read: a fixed number of queries, each bounded.

Lateness and attempts are read from the newest rows by number, at most ``NEWEST`` of each kind: there is no index by
instant, and a page that is drawn again each ten seconds must not read a day of a storm.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django_q.models import Failure, OrmQ

from audit.models import LedgerEntry
from escalation_site.operations.beats import DAY, beats_standing
from escalation_site.operations.values import (
    TASK_LATE,
    ChannelFigures,
    Lateness,
    Operations,
    Part,
    Queue,
    queue,
    spread,
)
from incidents.models import Alarm, Checkpoint, EscalationRun, InboxSignal, PageReport, ProcessBeat
from incidents.services.alarms import SKEW_SECONDS
from notifications.models import Attempt, Delivery
from notifications.selectors import QueueDepth, queue_depths

NEWEST = 5000
SHOWN = 20
HOUR = timedelta(hours=1)
PARTS = ("engine", "cluster")
STEPS = (
    "escalation.enter_level",
    "escalation.repeat_level",
    "escalation.end_level",
    "escalation.skip_level",
    "escalation.catch_all",
    "escalation.final",
    "escalation.exhaust",
)
"""What the engine enters in the ledger when a timer of an escalation has run out."""

Wait = tuple[datetime, timedelta]
"""When a piece of work was done, and how long after it was due."""


def operations(*, at: datetime) -> Operations:
    """Seventeen queries, however much there is."""
    depths = queue_depths(at=at)
    attempts = _attempts()
    standing = beats_standing(at=at)
    signals = InboxSignal.objects.filter(set_aside_at__isnull=False, processed_at=None)
    runs = EscalationRun.objects.filter(set_aside_at__isnull=False, superseded=False)
    return Operations(
        at=at,
        queues=queues(at=at, depths=depths),
        lateness=_lateness(attempts, at=at),
        channels=_channels(depths, attempts, at=at),
        attempts_capped=_capped(attempts, at - DAY),
        parts=[_part(beat, silent) for beat, silent in standing],
        missing=[name for name in PARTS if name not in {beat.name for beat, _silent in standing}],
        signals=list(signals.select_related("integration").defer("body").order_by("id")[:SHOWN]),
        signals_aside=signals.count(),
        runs=list(runs.select_related("incident", "policy_version__policy").order_by("priority", "id")[:SHOWN]),
        runs_aside=runs.count(),
        tasks_failed=Failure.objects.filter(stopped__gte=at - DAY).count(),
        alarms=list(Alarm.objects.filter(gone_at=None).order_by("opened_at", "id")),
    )


def queues(*, at: datetime, depths: Sequence[QueueDepth] | None = None) -> list[Queue]:
    """What is due and not done, in the order of its way through the house: six queries, five where ``depths`` are
    given."""
    depths = queue_depths(at=at) if depths is None else depths
    inbox = InboxSignal.objects.filter(processed_at=None, set_aside_at=None)
    due = EscalationRun.objects.filter(next_due_at__lte=at, set_aside_at=None, superseded=False)
    asked = Checkpoint.objects.filter(outcome=Checkpoint.Outcome.OPEN, due_at__lte=at)
    reports = PageReport.objects.filter(processed_at=None)
    tasks = OrmQ.objects.filter(lock__lte=at)
    oldest_delivery = min((one.oldest_due_at for one in depths if one.oldest_due_at), default=None)
    return [
        queue("signals", *_waiting(inbox, "received_at"), at=at),
        queue("steps", *_waiting(due, "next_due_at"), at=at),
        queue("questions", *_waiting(asked, "due_at"), at=at),
        queue("deliveries", sum(one.due for one in depths), oldest_delivery, at=at),
        queue("page_reports", *_waiting(reports, "at"), at=at),
        queue("tasks", *_waiting(tasks, "lock"), at=at, most=TASK_LATE),
    ]


def _waiting(rows: Any, column: str) -> tuple[int, datetime | None]:
    found = rows.order_by().aggregate(depth=Count("pk"), oldest=Min(column))
    return found["depth"], found["oldest"]


def _attempts() -> list[tuple[Any, ...]]:
    """(started, delivery, its number, how many its delivery has made, channel, due, state, outcome) of the newest."""
    newest = Attempt.objects.order_by("-id").values_list(
        "started_at",
        "delivery_id",
        "number",
        "delivery__attempts_made",
        "delivery__channel",
        "delivery__next_attempt_at",
        "delivery__state",
        "outcome",
    )
    return list(newest[:NEWEST])


def _lateness(attempts: Sequence[tuple[Any, ...]], *, at: datetime) -> list[Lateness]:
    """Of what leaves both instants on its row; a step's due instant is overwritten by the next one, so that the ledger
    says how late it was."""
    read = InboxSignal.objects.filter(processed_at__isnull=False).order_by("-processed_at")
    reports = PageReport.objects.filter(processed_at__isnull=False).order_by("-id")
    # A delivery keeps when it was due last, so that of its attempts only the last one can be judged, and none of one
    # that waits for the next.
    sent = [
        (started, started - due)
        for started, _delivery, number, made, _channel, due, state, _outcome in attempts
        if number == made and state != Delivery.State.QUEUED
    ]
    stepped, steps_capped = _steps(since=at - DAY)
    return [
        _judged("signals", _waits(read.values_list("received_at", "processed_at")[:NEWEST]), at=at),
        _judged("steps", stepped, at=at, capped=steps_capped),
        _judged("deliveries", sent, at=at, capped=_capped(attempts, at - DAY)),
        _judged("page_reports", _waits(reports.values_list("at", "processed_at")[:NEWEST]), at=at),
    ]


def _steps(*, since: datetime) -> tuple[list[Wait], bool]:
    """The steps that the clock took, from the newest ledger entries of each kind, and whether there were more since
    ``since`` than that. One step may leave several entries, all of one incident and instant."""
    kinds = [LedgerEntry.objects.filter(action=action).order_by("-id") for action in STEPS]
    # Each branch by its own index; SQLite takes no limit in a branch itself.
    newest = [LedgerEntry.objects.filter(pk__in=kind.values("pk")[:NEWEST]).order_by() for kind in kinds]
    columns = ("action", "at", "subject", "data__late_seconds")
    first, *others = [one.values_list(*columns) for one in newest]
    waits: dict[tuple[str, datetime], timedelta] = {}
    read: Counter[str] = Counter()
    reached: dict[str, datetime] = {}
    for action, at, subject, late in first.union(*others, all=True):
        read[action] += 1
        reached[action] = min(at, reached.get(action, at))
        if late is not None:
            waits[subject, at] = timedelta(seconds=late)
    capped = any(count == NEWEST and reached[action] > since for action, count in read.items())
    return [(at, wait) for (_subject, at), wait in waits.items()], capped


def _waits(rows: Iterable[tuple[datetime, datetime | None]]) -> list[Wait]:
    return [(done, done - due) for due, done in rows if done is not None]


def _judged(code: str, waits: Sequence[Wait], *, at: datetime, capped: bool | None = None) -> Lateness:
    return Lateness(
        code=code,
        hour=spread([wait for done, wait in waits if done > at - HOUR]),
        day=spread([wait for done, wait in waits if done > at - DAY]),
        capped=_capped(waits, at - DAY) if capped is None else capped,
    )


def _capped(rows: Sequence[Sequence[Any]], since: datetime) -> bool:
    """Whether the newest rows do not reach back as far as ``since``."""
    return len(rows) == NEWEST and bool(min(row[0] for row in rows) > since)


def _channels(
    depths: Sequence[QueueDepth], attempts: Sequence[tuple[Any, ...]], *, at: datetime
) -> list[ChannelFigures]:
    outcomes: dict[str, Counter[str]] = {}
    failed: dict[str, set[int]] = {}
    for started, delivery, _number, _made, channel, _due, state, outcome in attempts:
        if started > at - DAY:
            outcomes.setdefault(channel, Counter())[outcome] += 1
            if state == Delivery.State.FAILED:
                failed.setdefault(channel, set()).add(delivery)
    by_channel = {one.channel: one for one in depths}
    empty = [QueueDepth(name, 0, 0, 0, None) for name in outcomes.keys() - by_channel.keys()]
    return [
        ChannelFigures(
            channel=one.channel,
            due=one.due,
            waiting=one.waiting,
            sending=one.sending,
            oldest_due_at=one.oldest_due_at,
            late=queue("", one.due, one.oldest_due_at, at=at).late,
            outcomes=outcomes.get(one.channel, Counter()),
            failed=len(failed.get(one.channel, ())),
        )
        for one in sorted([*depths, *empty], key=lambda one: one.channel)
    ]


def _part(beat: ProcessBeat, silent: bool) -> Part:
    said = beat.info.get("clock_skew_seconds") if isinstance(beat.info, dict) else None
    skew = float(said) if isinstance(said, int | float) else None
    return Part(beat, silent, skew, skew is not None and abs(skew) > SKEW_SECONDS)


def signals_aside_ids() -> list[int]:
    """Every set-aside signal, oldest first."""
    aside = InboxSignal.objects.filter(set_aside_at__isnull=False, processed_at=None)
    return list(aside.order_by("id").values_list("pk", flat=True))
