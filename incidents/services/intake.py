"""From raw signals to incidents, in batches: a handful of statements however many signals.

Walk: claimed signals → parsed → put in waves (within a wave each dedup key says one thing only) → per wave: which keys fire already
(one query) → repeats count, recoveries resolve, news open incidents → runs start, pages and messages are made → all in one
transaction. Only one engine reads the inbox at a time, so that a trigger never overtakes its own recovery.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Q

from audit.services import Actor
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.failures import is_passing
from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.changes import Changes, lock
from incidents.intake.door import PARSERS
from incidents.intake.values import Action, AlertValue, Unreadable
from incidents.models import Alert, InboxSignal, Incident, Integration, Stage
from incidents.routing import Subject, alert_facts
from incidents.services.claiming import signals_next
from incidents.services.escalator import Escalator
from incidents.services.facts import repeats_follow
from incidents.services.lifecycle import resolve
from incidents.services.opening import incidents_insert, incidents_opened
from incidents.services.stored_runs import current_runs
from incidents.services.telling import resolutions_tell
from incidents.services.waiting import checkpoints_overtaken, recoveries_guarded, resolutions_withdraw
from incidents.services.working import stage
from policies.escalation import Acknowledged, Resolved
from policies.severity import DEFAULT_SEVERITIES

log = structlog.get_logger(__name__)

OPEN_STATES = (Incident.State.TRIGGERED, Incident.State.ACKNOWLEDGED)
Key = tuple[int, str]
_INBOX_LOCK = 0x57425F494E42  # one reader of the inbox at a time, on PostgreSQL by this advisory lock


@dataclass
class News:
    """What one wave says of one key: an action, how many times, and the last value."""

    action: Action
    integration: Integration
    value: AlertValue
    received_at: datetime
    count: int = 1


Wave = dict[Key, News]


@dataclass
class Reading:
    """The signals of a batch, read: waves to act on, and those that cannot be read with the reason."""

    waves: list[Wave] = field(default_factory=list)
    unreadable: list[InboxSignal] = field(default_factory=list)


def inbox_process(*, at: datetime, limit: int = 500) -> int:
    """Read what is waiting, oldest first; returns how many signals were read or set aside.

    A batch that raises is undone and taken one by one, and the signal that raises is set aside with its error, so that it stalls nobody.
    Raises django.db.Error where the database is at fault and not a signal: what waits is read when it is back.
    """
    try:
        with transaction.atomic():
            signals = _claim(limit)
            if signals:
                signals_process(signals, at=at)
            return len(signals)
    except Exception:
        log.exception("intake.batch_failed")
    return sum(
        _one(at) for _ in range(limit) if InboxSignal.objects.filter(processed_at=None, set_aside_at=None).exists()
    )


def _one(at: datetime) -> int:
    signal: InboxSignal | None = None
    try:
        with transaction.atomic():
            claimed = _claim(1)
            if not claimed:
                return 0
            signal = claimed[0]
            signals_process(claimed, at=at)
    except Exception as error:
        if signal is None or is_passing(error):
            raise
        log.exception("intake.set_aside", signal=signal.pk)
        InboxSignal.objects.filter(pk=signal.pk).update(
            set_aside_at=at, error=f"{type(error).__name__}: {error}"[:2000]
        )
    return 1


def _claim(limit: int) -> list[InboxSignal]:
    """The next waiting signals, or none while another engine reads."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_INBOX_LOCK])
            if not cursor.fetchone()[0]:
                return []
    signals = signals_next(limit)
    doors = {door.pk: door for door in _doors(ids={signal.integration_id for signal in signals})}
    for signal in signals:
        signal.integration = doors[signal.integration_id]
    return signals


_doors = Composed(
    lambda ids: (
        Integration.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_related("service__policy__current_version", "service__team")
    )
)


def signals_process(signals: Sequence[InboxSignal], *, at: datetime) -> None:
    """Act on ``signals`` in their order and mark them read. Call it inside a transaction that holds the inbox."""
    reading = read_signals(signals)
    if len(reading.waves) > 1:
        # All at once and in order of their ids: locking wave after wave could wait for one who locks in order.
        firing = _firing({key for wave in reading.waves for key in wave})
        lock(sorted({alert.incident_id for alert in firing.values()}))
    for wave in reading.waves:
        wave_process(wave, at=at)
    for signal in reading.unreadable:
        signal.set_aside_at = at
    if reading.unreadable:
        InboxSignal.objects.bulk_update(reading.unreadable, ["set_aside_at", "error"], batch_size=200)
    bad = {signal.pk for signal in reading.unreadable}
    InboxSignal.objects.filter(pk__in=[signal.pk for signal in signals if signal.pk not in bad]).update(processed_at=at)


def read_signals(signals: Iterable[InboxSignal]) -> Reading:
    """Parse, and put what is said into waves: in a wave a key has one action; the next action of the same key waits for the next wave."""
    reading = Reading()
    place: dict[Key, int] = {}
    for signal in signals:
        try:
            values = PARSERS[signal.integration.kind](bytes(signal.body))
        except Unreadable as error:
            signal.error = str(error)[:2000]
            reading.unreadable.append(signal)
            continue
        for value in values:
            key = (signal.integration_id, value.dedup_key)
            index = place.get(key, 0)
            if index < len(reading.waves) and (known := reading.waves[index].get(key)) is not None:
                if known.action == value.action:
                    known.value, known.count = value, known.count + 1
                    continue
                index += 1
            if index == len(reading.waves):
                reading.waves.append({})
            place[key] = index
            reading.waves[index][key] = News(value.action, signal.integration, value, signal.received_at)
    return reading


def wave_process(wave: Wave, *, at: datetime) -> None:
    """Act on one wave. An acknowledgement or recovery of what does not fire is accepted and dropped, as its clients expect."""
    firing = _firing(wave)
    rejoined = _open_incidents([key for key, news in wave.items() if news.action == "trigger" and key not in firing])
    concerned = {alert.incident_id for alert in firing.values()} | set(rejoined.values())
    incidents = {incident.pk: incident for incident in lock(sorted(concerned))} if concerned else {}
    # Somebody may have resolved one between the look and the lock: what fires then is news again.
    firing = {key: alert for key, alert in firing.items() if incidents[alert.incident_id].is_open}
    rejoined = {key: pk for key, pk in rejoined.items() if incidents[pk].is_open}
    repeats = [(alert, wave[key]) for key, alert in firing.items() if wave[key].action == "trigger"]
    ended = [(alert, wave[key]) for key, alert in firing.items() if wave[key].action == "resolve"]
    taken = [alert for key, alert in firing.items() if wave[key].action == "acknowledge"]
    known = firing.keys() | rejoined.keys()
    fresh = [news for key, news in wave.items() if news.action == "trigger" and key not in known]
    if fresh:
        alerts_open(fresh, at=at)
    if rejoined:
        alerts_rejoin([(wave[key], incidents[pk]) for key, pk in rejoined.items()], at=at)
    if repeats:
        alerts_repeat(repeats, incidents, at=at)
    if ended:
        alerts_recover([alert for alert, _news in ended], incidents, at=at)
    if taken:
        alerts_acknowledge(taken, incidents, at=at)


def _firing(keys: Iterable[Key]) -> dict[Key, Alert]:
    """The alerts of these keys that fire already: one query."""
    alerts = Alert.objects.filter(_of(keys), resolved_at=None).select_related("integration")
    return {(alert.integration_id, alert.dedup_key): alert for alert in alerts}


def _open_incidents(keys: Collection[Key]) -> dict[Key, int]:
    """The incidents open under these keys although no alert of theirs fires: resolved by a person, and reopened since, or merged
    into one that is open."""
    if not keys:
        return {}
    # "Is not null" is what its index is for; a batch meets few of these.
    merged = Incident.objects.filter(_of(keys), merged_into__isnull=False, merged_into__state__in=OPEN_STATES)
    found = [
        *merged.values_list("integration", "dedup_key", "merged_into").order_by("pk"),
        *Incident.objects.open().filter(_of(keys)).values_list("integration", "dedup_key", "pk"),
    ]
    return {(integration, dedup_key): pk for integration, dedup_key, pk in found if pk is not None}


def _of(keys: Iterable[Key]) -> Q:
    """Rows of these keys; no keys, no rows."""
    by_integration: dict[int, list[str]] = {}
    for integration_id, dedup_key in keys:
        by_integration.setdefault(integration_id, []).append(dedup_key)
    condition = Q(pk__in=[])
    for integration_id, dedup_keys in by_integration.items():
        condition |= Q(integration=integration_id, dedup_key__in=dedup_keys)
    return condition


def alerts_open(fresh: Sequence[News], *, at: datetime) -> list[Incident]:
    """One incident for each alert that is new, routed, with its run started and its first level paged."""
    new = stage("new")
    changes = Changes(at=at, actor=Actor.system("intake"), source="alert")
    courses = incidents_insert(
        [Subject(_incident(news, new), news.value.labels, news.value.details) for news in fresh], changes=changes
    )
    incidents = [course.incident for course in courses]
    alerts = [_alert(news, incident) for news, incident in zip(fresh, incidents, strict=True)]
    rows_insert(alerts)
    for alert, incident, news in zip(alerts, incidents, fresh, strict=True):
        _enter_alert(changes, incident, alert, "alert.receive", count=news.count)
        changes.timeline(incident, "alert.receive", summary=alert.summary, integration=news.integration.name)
    incidents_opened(courses, changes=changes)
    changes.write()
    return incidents


def _incident(news: News, new: Stage) -> Incident:
    service, value = news.integration.service, news.value
    facts = alert_facts(value.labels, value.details)
    return Incident(
        title=value.summary[:200] or value.dedup_key[:200],
        summary=_description(value),
        severity=_severity(news),
        impact=facts.pop("impact", None),
        urgency=facts.pop("urgency", None),
        facts=facts,
        stage=new,
        service=service,
        team=service.team,
        environment=value.labels.get("environment", "")[:40] or service.environment,
        source=Incident.Source.MONITORING,
        detection=Incident.Detection.ALERT,
        integration=news.integration,
        dedup_key=value.dedup_key,
        started_at=news.received_at,
        alert_count=news.count,
    )


def _description(value: AlertValue) -> str:
    annotations = value.details.get("annotations")
    return str(annotations.get("description", ""))[:5000] if isinstance(annotations, dict) else ""


def _severity(news: News) -> int:
    """The source's word by the integration's own table; a word nobody knows gives the service's severity."""
    own, default = news.integration.severity_map, news.integration.service.default_severity
    try:
        table = DEFAULT_SEVERITIES.extended(own, default)
    except (AttributeError, TypeError, ValueError):
        # A slip in the table must cost nobody an alert: the common words still say how bad it is.
        log.warning("intake.severity_map", integration=news.integration.pk)
        table = DEFAULT_SEVERITIES.extended({}, default)
    return int(table.severity_of(news.value.severity_word))


def _alert(news: News, incident: Incident) -> Alert:
    value = news.value
    return Alert(
        integration=news.integration,
        incident=incident,
        dedup_key=value.dedup_key,
        summary=value.summary,
        severity_word=value.severity_word,
        labels=dict(value.labels),
        details=dict(value.details),
        link=value.link,
        started_at=value.started_at or news.received_at,
        received_at=news.received_at,
        last_received_at=news.received_at,
        count=news.count,
    )


def alerts_rejoin(rejoined: Sequence[tuple[News, Incident]], *, at: datetime) -> None:
    """An incident that a person resolved and reopened fires again: its alert comes back to it, and nobody is told twice."""
    alerts = [_alert(news, incident) for news, incident in rejoined]
    rows_insert(alerts)
    changes = Changes(at=at, actor=Actor.system("intake"), source="alert")
    for alert, (news, incident) in zip(alerts, rejoined, strict=True):
        incident.alert_count += news.count
        changes.touch(incident, "alert_count")
        _enter_alert(changes, incident, alert, "alert.receive", count=news.count)
        changes.timeline(incident, "alert.receive", summary=alert.summary, integration=news.integration.name)
    resolutions_withdraw([incident for _news, incident in rejoined], changes=changes)
    changes.write()


def _actor(integration: Integration) -> Actor:
    return Actor("integration", str(integration.pk), integration.name)


def _enter_alert(changes: Changes, incident: Incident, alert: Alert, action: str, *, count: int) -> None:
    changes.ledger(
        incident,
        action,
        object_type="alert",
        object_id=str(alert.pk),
        object_label=alert.summary,
        data={"dedup_key": alert.dedup_key, "count": count, "severity": alert.severity_word},
        actor=_actor(alert.integration),
    )


def alerts_repeat(repeats: Sequence[tuple[Alert, News]], incidents: dict[int, Incident], *, at: datetime) -> None:
    """The same again: it is counted and nobody is told, unless a routing rule counts repeats. One ledger entry for all
    repeats of an alert in a batch."""
    changes = Changes(at=at, actor=Actor.system("intake"), source="alert")
    for alert, news in repeats:
        incident = incidents[alert.incident_id]
        alert.count += news.count
        alert.last_received_at = news.received_at
        incident.alert_count += news.count
        changes.touch(incident, "alert_count")
        _enter_alert(changes, incident, alert, "alert.repeat", count=news.count)
    rows_update([alert for alert, _news in repeats], ["count", "last_received_at"])
    repeats_follow(
        list({alert.incident_id: incidents[alert.incident_id] for alert, _news in repeats}.values()), changes=changes
    )
    changes.write()


def alerts_recover(alerts: Sequence[Alert], incidents: dict[int, Incident], *, at: datetime) -> None:
    """The monitor says it is over; an incident whose last alert recovered is resolved, whoever has it."""
    changes = Changes(at=at, actor=Actor.system("intake"), source="alert")
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(resolved_at=at)
    for alert in alerts:
        incident = incidents[alert.incident_id]
        _enter_alert(changes, incident, alert, "alert.recover", count=1)
        changes.timeline(incident, "alert.recover", summary=alert.summary, integration=alert.integration.name)
    concerned = {alert.incident_id for alert in alerts}
    still_firing = set(
        Alert.objects.filter(incident__in=concerned, resolved_at=None).values_list("incident_id", flat=True)
    )
    # What a person filed is not over because an alert that was merged into it is.
    over = [
        incidents[pk]
        for pk in sorted(concerned - still_firing)
        if incidents[pk].is_open and incidents[pk].integration_id is not None
    ]
    escalator = Escalator(changes)
    runs = current_runs(over)
    over = recoveries_guarded(over, runs, escalator=escalator)
    checkpoints_overtaken(over, runs, Resolved(at), escalator=escalator)
    resolved = stage("resolved")
    for incident in over:
        resolve(incident, runs.get(incident.pk), escalator, resolved=resolved)
    resolutions_tell(over, changes=changes)
    escalator.settle()
    changes.write()


def alerts_acknowledge(alerts: Sequence[Alert], incidents: dict[int, Incident], *, at: datetime) -> None:
    """Somebody acknowledged it at the source: nobody needs to be paged here, and the ledger says by which door it came."""
    changes = Changes(at=at, actor=Actor.system("intake"), source="alert")
    escalator = Escalator(changes)
    concerned = {alert.incident_id: alert for alert in alerts}
    ringing = [incidents[pk] for pk in concerned if incidents[pk].state == Incident.State.TRIGGERED]
    runs = current_runs([incidents[pk] for pk in concerned])
    checkpoints_overtaken(ringing, runs, Acknowledged(at), escalator=escalator)
    for pk, alert in concerned.items():
        incident = incidents[pk]
        if incident.state != Incident.State.TRIGGERED:
            continue
        changes.actor = _actor(alert.integration)
        if pk in runs:
            escalator.event(runs[pk], Acknowledged(at))
        changes.set(
            incident,
            "incident.acknowledge",
            state=Incident.State.ACKNOWLEDGED,
            acknowledged_at=at,
            exhausted_at=None,
            snoozed_until=None,
        )
        changes.timeline(incident, "incident.acknowledge", source="alert", name=alert.integration.name)
    escalator.settle()
    changes.write()
