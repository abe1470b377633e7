"""What each role's home page reads."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q
from django.http import QueryDict

from audit.models import LedgerEntry
from audit.selectors import Protection
from escalation_site.operations.beats import beats_standing
from incidents.models import EscalationRun, InboxSignal, Incident
from incidents.selectors.listing import Row, rows_of
from notifications.channels.base import channel_labels
from notifications.models import Delivery
from oncall.models import User
from policies.severity import Severity
from reports.dashboard import Bearer, bearers
from reports.figures.keeping import figures_ready
from reports.ledger import Line, database_protection, line
from reports.ledger_words import action_words
from reports.links import Links
from reports.names import Names
from reports.panels import Data, number_card
from reports.period import DEFAULT, Period, period_of
from reports.selectors import Scope
from reports.wording import Card

MOST_ROWS = 12
MOST_ACTIONS = 8
MOST_BEARERS = 6
DAY = timedelta(days=1)


def own_reports(user: User, *, at: datetime) -> list[Row]:
    """What the person filed, open ones first, then the newest: four queries."""
    mine = Incident.objects.visible_to(user).filter(reporter=user).select_related("service", "team", "owner", "stage")
    found = [
        *mine.unresolved()[:MOST_ROWS],
        *mine.filter(resolved_at__isnull=False)[: MOST_ROWS // 2],
    ]
    return rows_of(found, at=at)


def waiting_for(user: User, *, at: datetime) -> list[Row]:
    """Open incidents that the person owns, or was paged for while nobody has them; the soonest next step first.
    Three queries.
    """
    paged = Q(state=Incident.State.TRIGGERED, pages__recipient=user)
    found = Incident.objects.visible_to(user).unresolved().filter(Q(owner=user) | paged).distinct()
    rows = rows_of(list(found.select_related("service", "team", "owner")[:MOST_ROWS]), at=at)
    return sorted(rows, key=lambda row: (row.standing.at is None, row.standing.at or at, row.incident.severity))


@dataclass(frozen=True, slots=True)
class SeverityCount:
    rank: int
    total: int
    triggered: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Management:
    """The manager's figures of 28 days against the 28 before, what is open, what nobody answered, who carried it.

    ``late`` is as of when the figures are, where they lag behind; ``counting``: not all incidents are in them yet.
    """

    cards: tuple[Card, ...]
    period: Period
    open: list[SeverityCount]
    exhausted: list[Row]
    bearers: tuple[Bearer, ...]
    late: datetime | None
    counting: bool


def management(user: User, *, at: datetime) -> Management:
    """The metrics' own figures (``reports.figures``): eight queries."""
    known = figures_ready(at=at)
    period = period_of(DEFAULT, at=at, zone=ZoneInfo(user.time_zone))
    links = Links(QueryDict(f"period={DEFAULT}"))
    data = Data(Scope(user, period), Names(), links, ("incidents", "times", "pages"))
    return Management(
        tuple(number_card(data, key) for key in ("acknowledge", "resolve")),
        period,
        _open_by_severity(user),
        _exhausted(user, at),
        bearers(data)[:MOST_BEARERS],
        known.at if known.at < at else None,
        not known.whole,
    )


def _open_by_severity(user: User) -> list[SeverityCount]:
    found = (
        Incident.objects.visible_to(user)
        .counted()
        .unresolved()
        .order_by("severity")
        .values("severity")
        .annotate(
            total=Count("id", distinct=True),
            triggered=Count("id", filter=Q(state="triggered"), distinct=True),
            oldest=Min("started_at"),
        )
    )
    counted = {
        row["severity"]: SeverityCount(row["severity"], row["total"], row["triggered"], row["oldest"]) for row in found
    }
    return [counted[rank] for rank in Severity.values if rank in counted]


def _exhausted(user: User, at: datetime) -> list[Row]:
    found = Incident.objects.visible_to(user).filter(state=Incident.State.TRIGGERED, exhausted_at__isnull=False)
    return rows_of(
        list(found.select_related("service", "team", "owner").order_by("severity", "exhausted_at")[:MOST_ROWS]), at=at
    )


@dataclass(frozen=True, slots=True)
class LedgerState:
    today: int
    newest: Line | None
    actions: list[tuple[str, str, int]]
    protection: Protection


def ledger_state(user: User, *, at: datetime) -> LedgerState:
    """Entries since midnight on the reader's clock, by action, the last one, and whether the database protects
    them: three queries.
    """
    zone = ZoneInfo(user.time_zone)
    midnight = datetime.combine(at.astimezone(zone).date(), time(), zone).astimezone(UTC)
    counted = LedgerEntry.objects.filter(at__gte=midnight).order_by().values_list("action").annotate(number=Count("id"))
    actions = sorted(
        ((action, action_words(action), number) for action, number in counted), key=lambda row: (-row[2], row[1])
    )
    newest = LedgerEntry.objects.order_by("-id").first()
    today = sum(number for _action, _words, number in actions)
    return LedgerState(today, line(newest) if newest else None, actions[:MOST_ACTIONS], database_protection())


@dataclass(frozen=True, slots=True)
class Health:
    """The parts of the house and their work: late parts, what waits, what was set aside, what could not be
    delivered.
    """

    beats: list[dict[str, Any]]
    missing: list[str]
    waiting: int
    oldest_waiting: datetime | None
    signals_aside: int
    runs_aside: int
    run_due_at: datetime | None
    run_late: bool
    channels: list[dict[str, Any]]

    @property
    def well(self) -> bool:
        late = any(beat["late"] for beat in self.beats)
        return not (late or self.missing or self.run_late or self.signals_aside or self.runs_aside)


PARTS = ("engine", "cluster")
SLACK = timedelta(seconds=10)


def health(*, at: datetime) -> Health:
    """Four queries. Of the processes it says what the operations page says."""
    standing = beats_standing(at=at)
    seen = [{"beat": beat, "late": silent} for beat, silent in standing]
    signals = InboxSignal.objects.filter(processed_at=None).aggregate(
        waiting=Count("id", filter=Q(set_aside_at=None)),
        oldest=Min("received_at", filter=Q(set_aside_at=None)),
        aside=Count("id", filter=Q(set_aside_at__isnull=False)),
    )
    runs = EscalationRun.objects.filter(superseded=False).aggregate(
        due=Min("next_due_at", filter=Q(set_aside_at=None)), aside=Count("id", filter=Q(set_aside_at__isnull=False))
    )
    return Health(
        beats=seen,
        missing=[part for part in PARTS if part not in {beat.name for beat, _silent in standing}],
        waiting=signals["waiting"],
        oldest_waiting=signals["oldest"],
        signals_aside=signals["aside"],
        runs_aside=runs["aside"],
        run_due_at=runs["due"],
        run_late=bool(runs["due"] and at - runs["due"] > SLACK),
        channels=_channels(at),
    )


def _channels(at: datetime) -> list[dict[str, Any]]:
    """Deliveries of the last day, by channel."""
    states = Delivery.State
    found = (
        Delivery.objects.filter(created_at__gte=at - DAY)
        .order_by("channel")
        .values("channel")
        .annotate(
            queued=Count("id", filter=Q(state__in=(states.QUEUED, states.SENDING))),
            delivered=Count("id", filter=Q(state=states.DELIVERED)),
            failed=Count("id", filter=Q(state=states.FAILED)),
            cancelled=Count("id", filter=Q(state=states.CANCELLED)),
        )
    )
    names = channel_labels()
    return [{**row, "label": names.get(row["channel"], row["channel"])} for row in found]
