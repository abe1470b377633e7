"""The brief of a handoff: what whoever comes on call has to know, drawn now or as it was kept at acceptance (R016)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db.models import Count, Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalation_site.ui.durations import in_two_units
from incidents.duty import policies_of
from incidents.hours import Hours
from incidents.models import EscalationRun, Incident, Page, TimelineEvent
from incidents.querysets import IncidentQuerySet
from incidents.selectors.checkpoints import asked_about
from incidents.selectors.steps import Next, Standing, standing_of
from incidents.selectors.timeline import actor_words, places_of
from incidents.timeline_words import line_html
from oncall import rota
from oncall.models import Handoff, HandoffNote, Schedule, User
from oncall.selectors import Loaded, schedules_load
from oncall.wording import cause_words, role_words
from policies.models import EscalationPolicy

SHOWN = 30
"""Open incidents listed at most, the worst first; the rest are counted."""
LAST_LINES = 3
NOTES = 20
LOOK_BACK = timedelta(days=7)
"""How far back "the last shift" reaches where nobody is known to have had it."""
GAPS_AHEAD = timedelta(days=14)
# Said of every page and alert: they would push out of sight what people wrote.
ROUTINE = ("page.delivered", "page.cancelled", "alert.repeat")


@dataclass(frozen=True, slots=True)
class Line:
    """One of the last lines of an incident's timeline; ``data`` are the names and figures its sentence is built from."""

    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]
    text: str

    @property
    def sentence(self) -> SafeString:
        return line_html(self.kind, actor=self.actor, data=places_of(self.data, self.at))


@dataclass(frozen=True, slots=True)
class Open:
    """An open incident: where it stands, who has it, what happens next and when, and by which path."""

    pk: int
    title: str
    severity: int
    state: str
    is_test: bool
    service: str
    holder: str
    started_at: datetime
    next: str
    next_to: str
    next_at: datetime | None
    answered: bool
    policy: str
    policy_slug: str
    policy_version: int | None
    runbook: str
    lines: tuple[Line, ...]

    @property
    def reference(self) -> str:
        return f"INC-{self.pk}"

    def timer(self, at: datetime) -> str:
        """The next step in a sentence, as it stands at ``at``."""
        match self.next:
            case Next.CALL if self.next_at is not None:
                places = {"to": self.next_to, "span": in_two_units(max((self.next_at - at).total_seconds(), 0))}
                if self.answered:
                    return _("%(to)s is called in %(span)s, unless it is mitigated or resolved first") % places
                return _("%(to)s is called in %(span)s") % places
            case Next.SNOOZED:
                return _("Snoozed; then %(to)s is called") % {"to": self.next_to}
            case Next.EXHAUSTED:
                return _("Every level was called; nothing more happens by itself")
            case Next.SET_ASIDE:
                return _("Stopped on an error; administrators were told")
            case Next.ASKED:
                return _("A person is asked first whether somebody is to be paged")
            case Next.NOBODY:
                return _("Nobody is paged, by decision")
            case Next.NO_POLICY:
                return _("Nobody is paged: it has no policy")
            case _:
                return _("No further step by itself")


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody left for the next person."""

    at: datetime
    author: str
    text: str
    pk: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to the incidents of these services in the last shift."""

    opened: int = 0
    acknowledged: int = 0
    resolved: int = 0
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stretch of the coming shift in which nobody has a role, and why."""

    start: datetime
    end: datetime
    role: str
    cause: str

    @property
    def role_name(self) -> str:
        return role_words(self.role)

    @property
    def why(self) -> str:
        return cause_words(rota.Cause(self.cause))


@dataclass(frozen=True, slots=True)
class Brief:
    """See the module. ``at`` is when it was drawn; the last shift is from ``since`` to ``came_at``, the coming one ends at ``until``."""

    at: datetime
    since: datetime
    came_at: datetime
    until: datetime | None
    before: str
    incidents: tuple[Open, ...]
    more: int
    counts: Counts
    notes: tuple[Note, ...]
    watch: tuple[Note, ...]
    next_at: datetime | None
    next_people: tuple[str, ...]
    gaps: tuple[Ahead, ...]
    paths: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> list[tuple[Open, str]]:
        """The incidents with what comes next, in words."""
        return [(one, one.timer(self.at)) for one in self.incidents]


@dataclass(frozen=True, slots=True)
class _Shift:
    """The two shifts a brief stands between."""

    since: datetime
    came_at: datetime
    until: datetime | None
    before: str


def brief_of(handoff: Handoff, *, reader: User, at: datetime) -> Brief:
    """The brief of ``handoff`` as ``reader`` may see it at ``at``. A constant number of queries."""
    before = Handoff.objects.filter(schedule=handoff.schedule_id, role=handoff.role, at__lt=handoff.at)
    since = before.order_by("-at").values_list("at", flat=True).first()
    shift = _Shift(
        since=since or handoff.at - LOOK_BACK,
        came_at=handoff.at,
        until=handoff.until,
        before=handoff.outgoing.name if handoff.outgoing else "",
    )
    return _brief(handoff.schedule, shift, reader=reader, at=at)


def brief_next(schedule: Schedule, *, reader: User, at: datetime) -> Brief:
    """The brief whoever comes next would get if they came at ``at``."""
    last = (
        Handoff.objects.filter(schedule=schedule, at__lte=at).select_related("incoming").order_by("-at", "id").first()
    )
    shift = _Shift(
        since=last.at if last else at - LOOK_BACK, came_at=at, until=None, before=last.incoming.name if last else ""
    )
    return _brief(schedule, shift, reader=reader, at=at)


def _brief(schedule: Schedule, shift: _Shift, *, reader: User, at: datetime) -> Brief:
    item = schedules_load([schedule], since=at)[schedule.pk]
    policies = policies_of([schedule.pk]).get(schedule.pk, [])
    seen = _led_by(policies, Incident.objects.visible_to(reader))
    incidents = _open(seen, at=at)
    notes = list(
        HandoffNote.objects.filter(Q(created_at__gt=shift.since) | Q(watch=True), schedule=schedule, done_at=None)
        .select_related("author")
        .order_by("-created_at", "-id")
    )
    handoff = item.next_handoff(at)
    return Brief(
        at=at,
        since=shift.since,
        came_at=shift.came_at,
        until=shift.until,
        before=shift.before,
        incidents=incidents,
        more=seen.unresolved().count() - len(incidents),
        counts=_counts(seen, since=shift.since, until=shift.came_at),
        notes=tuple(_note(one) for one in notes if not one.watch)[:NOTES],
        watch=tuple(_note(one) for one in notes if one.watch),
        next_at=handoff.at if handoff else None,
        next_people=_names({user_id for user_id, _role in handoff.incoming} if handoff else set()),
        gaps=_gaps(item, since=at, until=shift.until or at + GAPS_AHEAD),
        paths=tuple((policy.name, policy.slug) for policy in policies),
    )


def _led_by(policies: Sequence[EscalationPolicy], incidents: IncidentQuerySet) -> IncidentQuerySet:
    """Those whose service stands under one of ``policies``, or that are being led by one."""
    runs = EscalationRun.objects.filter(incident=OuterRef("pk"), superseded=False, policy_version__policy__in=policies)
    return incidents.filter(Q(service__policy__in=policies) | Exists(runs))


def _open(seen: IncidentQuerySet, *, at: datetime) -> tuple[Open, ...]:
    """The worst open ones, then the oldest: three queries."""
    rows = seen.unresolved().select_related("service__policy__current_version", "owner")
    incidents = list(rows.order_by("severity", "started_at", "pk")[:SHOWN])
    ids = [incident.pk for incident in incidents]
    runs = {
        run.incident_id: run
        for run in EscalationRun.objects.filter(incident__in=ids, superseded=False).select_related(
            "policy_version__policy"
        )
    }
    lines, hours = _last_lines(ids), Hours()
    asked = asked_about(incident for incident in incidents if incident.pk not in runs)
    return tuple(
        _one(
            incident,
            runs.get(incident.pk),
            lines.get(incident.pk, ()),
            standing_of(incident, runs.get(incident.pk), at=at, asked=asked.get(incident.pk), hours=hours),
        )
        for incident in incidents
    )


def _one(incident: Incident, run: EscalationRun | None, lines: Sequence[Line], step: Standing) -> Open:
    policy = run.policy_version.policy if run else incident.service.policy
    version = run.policy_version if run else (policy.current_version if policy else None)
    return Open(
        pk=incident.pk,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        is_test=incident.is_test,
        service=incident.service.name,
        holder=incident.owner.name if incident.owner else "",
        started_at=incident.started_at,
        next=str(step.next),
        next_to=step.to,
        next_at=step.at,
        answered=step.answered,
        policy=policy.name if policy else "",
        policy_slug=policy.slug if policy else "",
        policy_version=version.number if version else None,
        runbook=incident.service.runbook_url,
        lines=tuple(lines),
    )


def _last_lines(ids: Collection[int]) -> dict[int, list[Line]]:
    """The last lines of each incident, the newest first: one query."""
    ranked = (
        TimelineEvent.objects.filter(incident__in=ids)
        .exclude(kind__in=ROUTINE)
        .annotate(place=Window(RowNumber(), partition_by=F("incident"), order_by=(F("at").desc(), F("id").desc())))
        .filter(place__lte=LAST_LINES)
        .select_related("actor")
        .order_by("-at", "-id")
    )
    found: dict[int, list[Line]] = defaultdict(list)
    for event in ranked:
        found[event.incident_id].append(Line(event.at, event.kind, actor_words(event), event.data, event.text))
    return found


def _counts(seen: IncidentQuerySet, *, since: datetime, until: datetime) -> Counts:
    def between(field: str) -> Count:
        return Count("pk", filter=Q(**{f"{field}__gte": since, f"{field}__lt": until}))

    found = (
        seen.counted()
        .order_by()
        .aggregate(
            opened=between("started_at"), acknowledged=between("acknowledged_at"), resolved=between("resolved_at")
        )
    )
    pages = Page.objects.filter(incident__in=seen.counted(), created_at__gte=since, created_at__lt=until).count()
    return Counts(**found, pages=pages)


def _note(note: HandoffNote) -> Note:
    return Note(note.created_at, note.author.name, note.text, note.pk)


def _names(user_ids: Collection[int]) -> tuple[str, ...]:
    return tuple(user.name for user in User.objects.filter(pk__in=user_ids))


def _gaps(item: Loaded, *, since: datetime, until: datetime) -> tuple[Ahead, ...]:
    if until <= since:
        return ()
    return tuple(Ahead(gap.start, gap.end, gap.role, gap.cause.value) for gap in item.gaps(since=since, until=until))


# --- kept at acceptance


def brief_dump(brief: Brief) -> dict[str, Any]:
    """The brief as JSON values, to be kept."""
    return dict(orjson.loads(orjson.dumps(asdict(brief))))


def brief_load(kept: Mapping[str, Any], *, reader: User) -> Brief | None:
    """A kept brief as ``reader`` may see it; None where none was kept. One query: who may see what may have changed since."""
    if not kept:
        return None
    pks = [one["pk"] for one in kept["incidents"]]
    visible = set(Incident.objects.visible_to(reader).filter(pk__in=pks).values_list("pk", flat=True))
    return Brief(
        **{
            **kept,
            **_instants(kept, "at", "since", "came_at", "until", "next_at"),
            "incidents": tuple(_open_load(one) for one in kept["incidents"] if one["pk"] in visible),
            "counts": Counts(**kept["counts"]),
            "notes": tuple(Note(**{**one, **_instants(one, "at")}) for one in kept["notes"]),
            "watch": tuple(Note(**{**one, **_instants(one, "at")}) for one in kept["watch"]),
            "next_people": tuple(kept["next_people"]),
            "gaps": tuple(Ahead(**{**one, **_instants(one, "start", "end")}) for one in kept["gaps"]),
            "paths": tuple((name, slug) for name, slug in kept["paths"]),
        }
    )


def _open_load(kept: Mapping[str, Any]) -> Open:
    lines = tuple(Line(**{**line, **_instants(line, "at")}) for line in kept["lines"])
    return Open(**{**kept, **_instants(kept, "started_at", "next_at"), "lines": lines})


def _instants(kept: Mapping[str, Any], *names: str) -> dict[str, datetime | None]:
    return {name: parse_datetime(kept[name]) if kept[name] else None for name in names}
