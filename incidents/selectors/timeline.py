"""The timeline of one incident as lines to draw: filtered, searched, and in pages, so that five thousand lines cost no more than fifty."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from incidents.markdown import markdown_html
from incidents.models import Incident, TimelineEvent, TimelinePin
from incidents.selectors.attachments import AttachmentShown, attachments_by_number
from incidents.timeline_words import ALERTS, DECISIONS, ESCALATION, PEOPLE, SYSTEM, WORDINGS, line_html
from oncall.models import User

NEWEST = 100
"""How many lines a page shows at first."""
MOST = 500
"""How many it shows at most once older ones were asked for."""
GROUPS = (PEOPLE, DECISIONS, ESCALATION, ALERTS, SYSTEM)
SAID = ("incident.comment", "incident.decide", "incident.correct")
"""What people wrote, as Markdown."""
FOR_REQUESTERS = (
    "incident.open", "incident.acknowledge", "incident.mitigate", "incident.resolve", "incident.reopen", "incident.severity",
    "incident.stage", "incident.merge", "incident.unmerge",
)  # fmt: skip
"""What a requester reads of what happened, without the words of those who work on it; and what was said to them."""
_WITH_WORDS = ("incident.resolve", "incident.reopen")
_PUBLIC = Q(data__public=True) | Q(kind="incident.comment", actor__role=User.Role.REPORTER)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a line said before it was corrected, and when it was said so."""

    at: datetime
    html: SafeString


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the sentence, who did it (None: the system) and what they wrote, as it reads now."""

    at: datetime
    icon: str
    sentence: SafeString
    group: str
    person: User | None
    text: str
    is_comment: bool
    pk: int = 0
    kind: str = ""
    html: SafeString = field(default_factory=SafeString)
    public: bool = False
    pinned: bool = False
    of: int = 0
    barred: Sequence[str] = ()
    files: Sequence[AttachmentShown] = ()
    earlier: Sequence[Earlier] = ()

    @property
    def is_said(self) -> bool:
        """Whether a person said it: it can be corrected by them, and made a decision or a task."""
        return self.kind in ("incident.comment", "incident.decide")

    @property
    def is_decision(self) -> bool:
        return self.kind == "incident.decide"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of one ``group``, ``by`` one person, holding ``words``; down to line ``oldest``, or those ``before`` a line."""

    group: str = ""
    by: int = 0
    words: str = ""
    oldest: int = 0
    before: int = 0

    @property
    def is_filtered(self) -> bool:
        return bool(self.group or self.by or self.words)


@dataclass(frozen=True, slots=True)
class Timeline:
    """``lines`` newest first; ``pinned`` whatever the filter; ``events`` behind the lines; ``more`` whether older ones follow;
    ``skips`` the levels that were skipped and the places that were told or not, wherever they stand."""

    lines: Sequence[Line]
    pinned: Sequence[Line]
    counts: Mapping[str, int]
    people: Sequence[tuple[int, str]]
    events: Sequence[TimelineEvent]
    more: bool
    wanted: Wanted
    skips: Sequence[TimelineEvent] = ()

    @property
    def oldest(self) -> int:
        """The number of the last line shown, 0 without any."""
        return self.events[-1].pk if self.events else 0

    @property
    def is_whole(self) -> bool:
        """Whether every line of the incident is here."""
        return not (self.more or self.wanted.is_filtered or self.wanted.before)


def readable_by(reader: User, incident: Incident) -> QuerySet[TimelineEvent]:
    """The lines of ``incident`` that ``reader``, who sees it, may read: requesters no internal ones."""
    events = TimelineEvent.objects.filter(incident=incident)
    if reader.role == User.Role.REPORTER:
        events = events.filter(Q(kind__in=FOR_REQUESTERS) | _PUBLIC)
    return events


def timeline_of(incident: Incident, *, reader: User, wanted: Wanted, at: datetime) -> Timeline:
    """One query; three where older lines or a filter leave some out, one more for a bound, and one where a line brought files."""
    readable = readable_by(reader, incident)
    events, more = _page(readable, wanted)
    whole = not (more or wanted.is_filtered or wanted.before)
    marked = list(reversed(events)) if whole else _marked(readable)
    counted = Counter((event.kind, _actor(event)) for event in events) if whole else _counted(readable)
    files = attachments_by_number({pk for event in events for pk in _files(event)}, user=reader)
    draw = Drawing(reader, at, [event for event in marked if event.kind == _CORRECT], files)
    return Timeline(
        lines=[draw.line(event) for event in events],
        pinned=[draw.line(event) for event in marked if _is_pinned(event)],
        counts=_counts(counted),
        people=sorted({actor for _kind, actor in counted if actor}, key=lambda one: one[1]),
        events=events,
        more=more,
        wanted=wanted,
        skips=[event for event in marked if event.kind in _ON_LADDER],
    )


def _page(readable: QuerySet[TimelineEvent], wanted: Wanted) -> tuple[list[TimelineEvent], bool]:
    found = _filtered(readable, wanted).select_related("actor").annotate(is_pinned=_pinned())
    found = found.order_by("-at", "-id")
    limit = NEWEST
    if wanted.before:
        found = found.filter(_around(readable, wanted.before, older=True))
    elif wanted.oldest:
        down_to = list(found.filter(_around(readable, wanted.oldest, older=False))[: MOST + 1])
        if NEWEST < len(down_to) <= MOST:
            limit = len(down_to)
        elif len(down_to) > MOST:
            # Too far back to show all that came since: the line and what was before it.
            found = found.filter(_around(readable, wanted.oldest, older=True) | Q(pk=wanted.oldest))
    events: list[TimelineEvent] = [*found[: limit + 1]]
    return events[:limit], len(events) > limit


def _pinned() -> Exists:
    return Exists(TimelinePin.objects.filter(event=OuterRef("pk")))


def _around(readable: QuerySet[TimelineEvent], pk: int, *, older: bool) -> Q:
    """What is older than a line, or that line and what is newer. A line that is not there bounds nothing."""
    at = readable.filter(pk=pk).values_list("at", flat=True).first()
    if at is None:
        return Q()
    return Q(at__lt=at) | Q(at=at, pk__lt=pk) if older else Q(at__gt=at) | Q(at=at, pk__gte=pk)


def _filtered(events: QuerySet[TimelineEvent], wanted: Wanted) -> QuerySet[TimelineEvent]:
    if wanted.group == SYSTEM:
        events = events.exclude(kind__in=[kind for kind in _KINDS if _group(kind) != SYSTEM])
    elif wanted.group:
        events = events.filter(kind__in=[kind for kind in _KINDS if _group(kind) == wanted.group])
    if wanted.by:
        events = events.filter(actor=wanted.by)
    words = wanted.words.split()[:8]
    if words:
        events = events.annotate(names=Cast("data", TextField()))
    for word in words:
        person = Q(actor__first_name__icontains=word) | Q(actor__last_name__icontains=word)
        events = events.filter(Q(text__icontains=word) | Q(names__icontains=word) | Q(kind__icontains=word) | person)
    return events


_KINDS = sorted({kind.partition(":")[0] for kind in WORDINGS})


_CORRECT = "incident.correct"
_ON_LADDER = ("escalation.skip_level", "escalation.post", "escalation.post_skip", "post.failed")


def _is_pinned(event: TimelineEvent) -> bool:
    return event.kind != _CORRECT and bool(getattr(event, "is_pinned", False))


def _marked(readable: QuerySet[TimelineEvent]) -> list[TimelineEvent]:
    """Corrections, what is pinned, and what the ladder says besides its pages, the oldest first: one query."""
    found = readable.annotate(is_pinned=_pinned()).filter(Q(is_pinned=True) | Q(kind__in=(_CORRECT, *_ON_LADDER)))
    return list(found.select_related("actor").order_by("at", "id"))


_Actor = tuple[int, str] | None
"""Whoever did it, with their name; None is the system."""


def _actor(event: TimelineEvent) -> _Actor:
    return (event.actor.pk, event.actor.name) if event.actor else None


def _counted(readable: QuerySet[TimelineEvent]) -> Counter[tuple[str, _Actor]]:
    """How many lines there are of each kind and person: one query."""
    names = ("actor__first_name", "actor__last_name", "actor__username")
    rows = readable.order_by().values_list("kind", "actor_id", *names).annotate(count=Count("pk"))
    found: Counter[tuple[str, _Actor]] = Counter()
    for kind, pk, first, last, username, count in rows:
        actor = (pk, User(first_name=first, last_name=last, username=username).name) if pk else None
        found[kind, actor] += count
    return found


def _counts(counted: Mapping[tuple[str, _Actor], int]) -> dict[str, int]:
    """How many lines each filter of the timeline has."""
    counts = dict.fromkeys(("", *GROUPS), 0)
    for (kind, _who), count in counted.items():
        counts[""] += count
        counts[_group(kind)] += count
    return counts


def _group(kind: str) -> str:
    wording = WORDINGS.get(kind)
    return wording.group if wording else SYSTEM


class Drawing:
    """Lines for one reader, with what was corrected since."""

    def __init__(
        self,
        reader: User,
        at: datetime,
        corrections: Sequence[TimelineEvent],
        files: Mapping[int, AttachmentShown] = MappingProxyType({}),
    ) -> None:
        self.at = at
        self.files = files
        self.outside = reader.role == User.Role.REPORTER
        self.later: dict[int, list[TimelineEvent]] = {}
        for event in corrections:
            self.later.setdefault(int(event.data.get("of", 0)), []).append(event)

    def line(self, event: TimelineEvent) -> Line:
        wording = WORDINGS.get(event.kind)
        texts = [event, *self.later.get(event.pk, ())]
        silent = self.outside and event.kind not in (*SAID, *_WITH_WORDS)
        is_said = event.kind in SAID
        return Line(
            at=event.at,
            icon=wording.icon if wording else "circle",
            sentence=line_html(event.kind, actor=actor_words(event), data=places_of(event.data, self.at)),
            group=_group(event.kind),
            person=event.actor,
            text="" if silent else texts[-1].text,
            is_comment=event.kind == "incident.comment",
            pk=event.pk,
            kind=event.kind,
            html=markdown_html(texts[-1].text) if is_said else SafeString(),
            public=bool(event.data.get("public")) or _by_reporter(event),
            pinned=bool(getattr(event, "is_pinned", False)),
            of=int(event.data.get("of") or 0) if is_said else 0,
            barred=() if self.outside else tuple(event.data.get("barred", ())),
            files=[self.files[pk] for pk in _files(event) if pk in self.files],
            earlier=[Earlier(one.at, markdown_html(one.text)) for one in texts[:-1]],
        )


def _files(event: TimelineEvent) -> Sequence[int]:
    """The numbers of the files that came with it."""
    return tuple(event.data.get("attachments", ()))


def _by_reporter(event: TimelineEvent) -> bool:
    return event.kind == "incident.comment" and event.actor is not None and event.actor.role == User.Role.REPORTER


def actor_words(event: TimelineEvent) -> str:
    """Who did it in words: a person, the monitor that said so, or the part of the system."""
    if event.actor is not None:
        return event.actor.name
    if event.data.get("source") in ("alert", "monitoring"):
        return str(event.data.get("name") or _("monitoring"))
    return _("the engine")


def places_of(data: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A line's data with instants written for the reader."""
    until = parse_datetime(str(data.get("until", ""))) if data.get("until") else None
    if until is None:
        return data
    return {**data, "until": moments.written(until, "short", at=at, zone=get_current_timezone())}
