"""The house looks at itself: what is wrong with Watchbell, and administrators told of it by a way that needs no engine.

Every minute the cluster looks, and the engine too, because either may be what is broken. The mail goes straight to the mail server.
Whoever gave HEARTBEAT_URL is told from outside: that address is asked each minute while all is well, so that silence is the alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit.checking import ledger_health
from audit.services import Actor, EntryValue, entries_append
from escalation_site.kernel.outbound import OutboundFailed, fetch
from incidents.alarm_words import alarm_words
from incidents.models import Alarm, EscalationRun, InboxSignal, ProcessBeat
from incidents.services.set_back import CODE as SET_BACK
from incidents.services.set_back import (
    CONFIRMED_AFTER,
    anything_ahead,
    furthest_entry,
    runs_ahead,
    runs_brought_back,
)
from notifications.models import Delivery
from oncall.models import User

log = structlog.get_logger(__name__)

LATE = timedelta(minutes=2)
"""What should have been done so long ago shows that something stands still."""
CLUSTER_SILENT = timedelta(minutes=5)
"""The cluster beats each minute, and its scheduler may be half a minute late."""
SKEW_SECONDS = 2.0
SET_BACK_SHOWN = timedelta(hours=24)
"""So far back are counted the escalations that were brought back after a clock had been ahead, and for so long nobody is told of it again
unless something waits."""
REMIND_EVERY = timedelta(hours=1)
Looker = Literal["engine", "cluster"]
_ACTOR = Actor.system("watchdog")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong now; ``code`` is stable, ``data`` are the figures of its sentence."""

    code: str
    data: dict[str, Any] = field(default_factory=dict)


def troubles(*, at: datetime, by: Looker) -> list[Trouble]:
    """What is wrong with the house at ``at``, as ``by`` sees it: a dozen small queries. Whoever looks is not silent."""
    return [*_silent(at, by), *_late(at), *_set_back(at), *_set_aside(), *_ledger(at)]


def _silent(at: datetime, by: Looker) -> Iterator[Trouble]:
    beats: dict[str, datetime] = {}
    for name, host, beat_at, info in ProcessBeat.objects.values_list("name", "host", "beat_at", "info"):
        beats[name] = max(beat_at, beats.get(name, beat_at))
        skew = info.get("clock_skew_seconds", 0.0) if isinstance(info, dict) else 0.0
        if abs(skew) > SKEW_SECONDS and at - beat_at < CLUSTER_SILENT:
            yield Trouble("clock_skew", {"host": host, "seconds": round(skew, 1)})
    patience = {"engine": timedelta(seconds=settings.BEAT_TIMEOUT_SECONDS) * 2, "cluster": CLUSTER_SILENT}
    for name, most in patience.items():
        if name == by:
            continue
        if name not in beats:
            yield Trouble(f"{name}_missing")
        elif at - beats[name] > most:
            yield Trouble(f"{name}_silent", {"seconds": round((at - beats[name]).total_seconds())})


def _late(at: datetime) -> Iterator[Trouble]:
    """What waits for longer than it should: a timer, a message, a signal."""
    runs = EscalationRun.objects.filter(next_due_at__lt=at - LATE, set_aside_at=None, superseded=False)
    deliveries = Delivery.objects.filter(state=Delivery.State.QUEUED, next_attempt_at__lt=at - LATE)
    signals = InboxSignal.objects.filter(processed_at=None, set_aside_at=None, received_at__lt=at - LATE)
    waiting: tuple[tuple[str, models.QuerySet[Any], str], ...] = (
        ("runs_late", runs, "next_due_at"),
        ("deliveries_late", deliveries, "next_attempt_at"),
        ("signals_late", signals, "received_at"),
    )
    for code, rows, column in waiting:
        oldest: datetime | None = rows.order_by(column).values_list(column, flat=True).first()
        if oldest is not None:
            yield Trouble(code, {"seconds": round((at - oldest).total_seconds())})


def _set_back(at: datetime) -> Iterator[Trouble]:
    """A clock was ahead and is not any more: what it put off is brought back (``escalation_check``) once this has been seen twice.

    Its entries lie ahead for as long as it was. Once administrators have been told and nothing waits any more nobody need be told again,
    and the heartbeat outwards is no longer withheld.
    """
    furthest = furthest_entry(at=at)
    if furthest is None:
        return
    told = Alarm.objects.filter(code=SET_BACK, told_at__gte=at - SET_BACK_SHOWN).exists()
    if told and not anything_ahead(at=at):
        return
    waiting, back = runs_ahead(at=at), runs_brought_back(since=at - SET_BACK_SHOWN)
    yield Trouble(SET_BACK, {"seconds": round((furthest - at).total_seconds()), "waiting": waiting, "back": back})


def _set_aside() -> Iterator[Trouble]:
    runs = EscalationRun.objects.filter(set_aside_at__isnull=False, superseded=False).exclude(
        incident__state="resolved"
    )
    signals = InboxSignal.objects.filter(set_aside_at__isnull=False, processed_at=None)
    for code, count in (("runs_set_aside", runs.count()), ("signals_set_aside", signals.count())):
        if count:
            yield Trouble(code, {"count": count})


def _ledger(at: datetime) -> Iterator[Trouble]:
    """What is wrong with the ledger's proof: it does not hold, it is not made, or nobody outside gets it."""
    health = ledger_health()
    if health.broken is not None:
        yield Trouble("ledger_broken", {"count": health.broken.found})
    if health.sealer is not None and health.sealer.error:
        yield Trouble("ledger_seal_failed", {"error": health.sealer.error})
    if late := health.sealing_late(at):
        yield Trouble("ledger_seal_late", {"seconds": round(late.total_seconds())})
    if health.failing:
        yield Trouble(
            "ledger_unkept", {"count": len(health.failing), "names": ", ".join(one.name for one in health.failing[:5])}
        )


def house_check(*, at: datetime, by: Looker) -> list[Trouble]:
    """Open and end alarms, tell administrators, and ask the outside heartbeat while all is well; returns what is wrong.

    Administrators are told of what the next look finds again. Any number of processes may call it at once: of one trouble there is one
    alarm, and one of them tells. A mail that cannot be sent is tried again at the next look.
    """
    found = troubles(at=at, by=by)
    news = [alarm for trouble in found if (alarm := _opened(trouble, at=at)) is not None]
    over = _ended({trouble.code for trouble in found}, at=at)
    if news or over:
        _tell(news, over)
    if not found:
        _heartbeat()
    return found


@transaction.atomic
def _opened(trouble: Trouble, *, at: datetime) -> Alarm | None:
    """The alarm of this trouble where somebody must be told of it now, by whoever got it here."""
    alarm = Alarm.objects.select_for_update(of=("self",)).filter(code=trouble.code, gone_at=None).first()
    if alarm is None:
        alarm = Alarm(code=trouble.code, data=trouble.data, opened_at=at)
        try:
            with transaction.atomic():
                alarm.save(force_insert=True)
        except IntegrityError:
            return None  # Another process saw it in the same instant.
        _enter(alarm, "alarm.open", at=at)
        return None
    waits = CONFIRMED_AFTER if alarm.told_at is None else REMIND_EVERY
    if at - (alarm.told_at or alarm.opened_at) < waits:
        return None
    alarm.data, alarm.told_at = trouble.data, at
    alarm.save(update_fields=["data", "told_at"])
    return alarm


@transaction.atomic
def _ended(codes: set[str], *, at: datetime) -> list[Alarm]:
    """End what is wrong no more; returns the alarms that somebody was told of."""
    over = list(Alarm.objects.select_for_update(of=("self",)).filter(gone_at=None).exclude(code__in=codes))
    for alarm in over:
        alarm.gone_at = at
        alarm.save(update_fields=["gone_at"])
        _enter(alarm, "alarm.end", at=at)
    return [alarm for alarm in over if alarm.told_at is not None]


def _enter(alarm: Alarm, action: str, *, at: datetime) -> None:
    entries_append(
        [
            EntryValue(
                at=at,
                action=action,
                object_type="alarm",
                object_id=str(alarm.pk),
                object_label=alarm.code,
                subject="house",
                actor=_ACTOR,
                data=alarm.data or None,
            )
        ]
    )


def _tell(news: list[Alarm], over: list[Alarm]) -> None:
    """One mail to each administrator, in their language, not through the engine's queue: that may be what stands still."""
    log.error("house.troubles", opened=[alarm.code for alarm in news], over=[alarm.code for alarm in over])
    for user in User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(email="").order_by("pk"):
        try:
            with override(user.language):
                _mail(user, news, over).send()
        except Exception:
            # The next look tries again; whoever watches the log sees it now.
            log.exception("house.mail_failed", user=user.pk)
            Alarm.objects.filter(pk__in=[alarm.pk for alarm in news]).update(told_at=None)


def _mail(user: User, news: list[Alarm], over: list[Alarm]) -> EmailMessage:
    lines = [alarm_words(alarm.code, alarm.data) for alarm in news]
    ended = [_("Over: %(what)s") % {"what": alarm_words(alarm.code, alarm.data)} for alarm in over]
    subject = (
        _("Watchbell itself needs you: %(first)s") % {"first": lines[0]} if lines else _("Watchbell is well again")
    )
    link = settings.PUBLIC_URL.rstrip("/") + "/operations/"
    body = "\n".join([*lines, *ended, "", link])
    return EmailMessage(" ".join(subject.split())[:200], body, settings.DEFAULT_FROM_EMAIL, [user.email])


def _heartbeat() -> None:
    """Tell whoever watches from outside that all is well."""
    if not settings.HEARTBEAT_URL:
        return
    try:
        answer = fetch(settings.HEARTBEAT_URL, most_bytes=10_000, most_seconds=10.0)
    except OutboundFailed as error:
        log.warning("house.heartbeat_failed", reason=str(error))
        return
    if answer.status >= 400:
        log.warning("house.heartbeat_refused", status=answer.status)
