"""The stand-up: what is open, what is unresolved with its age and owner, what changed in a day, who is on call today."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from html import unescape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from escalation_site.ui import durations, moments
from incidents.filters import EVERY
from incidents.models import Incident, TimelineEvent
from incidents.querysets import IncidentQuerySet
from incidents.span_filters import SINCE, UNTIL, changed_between, in_span, lasting
from incidents.timeline_words import line_html
from oncall.loading import schedules_load
from oncall.models import Schedule, Team, User
from oncall.rota import Shift
from oncall.rota.clock import first_instant
from oncall.wording import role_words
from policies.severity import Severity
from reports.digests.value import Content, Figure, Line, Section

DAY = timedelta(days=1)
SHOWN = 25
"""Incidents of one section: a morning's mail is read standing."""
MOST_LINES = 400
"""Changes that are told in words; how many incidents changed is counted, however many lines there are."""


def standup_content(
    *,
    visible: IncidentQuerySet,
    team: Team | None,
    teams: Collection[int] | None,
    at: datetime,
    zone: ZoneInfo,
    shown: int = SHOWN,
    unrestricted: bool = False,
) -> Content:
    """``visible`` are the incidents its reader may see (``unrestricted``: none of the restricted ones, whoever reads it), ``teams`` the
    team and those below it (None: all). ``zone`` is the clock on which today ends; ``shown`` incidents of each section at most. In the
    language and zone in force. Eight queries, nine
    after a day with very many changes."""
    mine = visible.counted() if teams is None else visible.counted().filter(team__in=teams)
    since, still = at - DAY, _still_open(mine)
    address = _list_address(teams, unrestricted=unrestricted)
    opened = mine.filter(started_at__gte=since, started_at__lt=at).count()
    resolved = mine.filter(resolved_at__gte=since, resolved_at__lt=at).count()
    waiting = sum(incident.state == Incident.State.TRIGGERED for incident in still)
    all_opened = address(tab=EVERY, **_day("started", since, at))
    return Content(
        title=_("Stand-up: %(team)s") % {"team": team.name} if team else _("Stand-up"),
        about=_("%(when)s. The last 24 hours, and what is still open.") % {"when": moments.written(at, "full", at=at)},
        figures=(
            Figure(_("Open"), str(len(still)), _("%(number)d not acknowledged") % {"number": waiting}, address()),
            Figure(_("Opened in 24 hours"), str(opened), "", all_opened),
            Figure(
                _("Resolved in 24 hours"), str(resolved), "", address(tab="resolved", **_day("resolved", since, at))
            ),
        ),
        sections=(
            Section(
                _("Still unresolved"),
                [_unresolved(incident, at) for incident in still[:shown]],
                _("Nothing is open."),
                max(len(still) - shown, 0),
                address(),
            ),
            _what_changed(mine, since, at, shown, address(tab=EVERY, **_day("changed", since, at))),
            Section(_("On call today"), _on_call(teams, at, zone), _("No schedule names anybody today.")),
        ),
    )


def _list_address(teams: Collection[int] | None, *, unrestricted: bool) -> Callable[..., str]:
    """What leads to the list of exactly those that are counted: of every team, those below the team too, and without tests; a channel's
    without the restricted ones that its reader may see. One query where there are teams."""
    slugs = (
        [] if teams is None else list(Team.objects.filter(pk__in=teams).order_by("name").values_list("slug", flat=True))
    )
    always = [*(("team", slug) for slug in slugs), ("is_test", "no"), *([("restricted", "no")] if unrestricted else ())]

    def address(**filters: str) -> str:
        return f"{reverse('incidents:list')}?{urlencode([*filters.items(), *always])}"

    return address


def _day(what: str, since: datetime, until: datetime) -> dict[str, str]:
    """The list's filters by the instant (``incidents.span_filters``): a day that is counted from seven to seven is no day of a calendar."""
    ends = ((SINCE, since), (UNTIL, until))
    return {what + end: at.astimezone(UTC).isoformat().replace("+00:00", "Z") for end, at in ends}


def _still_open(mine: IncidentQuerySet) -> list[Incident]:
    """Worst first, then the oldest."""
    return list(mine.open().select_related("owner", "service").order_by("severity", "started_at", "pk"))


def _unresolved(incident: Incident, at: datetime) -> Line:
    age = durations.in_two_units((at - incident.started_at).total_seconds(), smallest=durations.MINUTE)
    owner = incident.owner.name if incident.owner else _("nobody owns it")
    parts = [Severity(incident.severity).label, _("for %(age)s") % {"age": age}, str(owner)]
    if incident.state == Incident.State.TRIGGERED:
        parts.append(_("not acknowledged"))
    return Line(f"{incident.reference} {incident.title}", " · ".join(map(str, parts)), incident.get_absolute_url())


def _what_changed(mine: IncidentQuerySet, since: datetime, until: datetime, shown: int, link: str) -> Section:
    """What happened to each incident, the one that changed last first."""
    lines_of = TimelineEvent.objects.filter(
        incident__in=mine.filter(lasting(since)).values("pk"), **in_span(since, until)
    )
    rows = list(lines_of.select_related("actor").order_by("-at", "-id")[:MOST_LINES])
    by_incident: dict[int, list[TimelineEvent]] = defaultdict(list)
    for row in rows:
        by_incident[row.incident_id].insert(0, row)
    first = list(by_incident)[:shown]
    found = Incident.objects.in_bulk(first)
    lines = [_changed(found[pk], by_incident[pk]) for pk in first if pk in found]
    total = len(by_incident) if len(rows) < MOST_LINES else mine.filter(changed_between(since, until)).count()
    return Section(_("What changed in the last 24 hours"), lines, _("Nothing changed."), total - len(lines), link)


def _changed(incident: Incident, lines: Sequence[TimelineEvent]) -> Line:
    said = (_words(line) for line in lines)
    return Line(f"{incident.reference} {incident.title}", "; ".join(dict.fromkeys(said)), incident.get_absolute_url())


def _words(row: TimelineEvent) -> str:
    actor = row.actor.name if row.actor else "Watchbell"
    return unescape(strip_tags(line_html(row.kind, actor=actor, data=row.data)))


def _on_call(teams: Collection[int] | None, at: datetime, zone: ZoneInfo) -> list[Line]:
    """Every shift from now to midnight on the team's clock, schedule by schedule."""
    wanted = Schedule.objects.select_related("team").order_by("name")
    schedules = list(wanted if teams is None else wanted.filter(team__in=teams))
    midnight = first_instant(datetime.combine(at.astimezone(zone).date() + DAY, time()), zone)
    loaded = schedules_load(schedules, since=at)
    shifts = {item.schedule: item.shifts(since=at, until=midnight) for item in loaded.values()}
    people = User.objects.in_bulk({shift.user_id for several in shifts.values() for shift in several})
    return [
        Line(schedule.name, text, reverse("oncall:schedule", args=(schedule.slug,)))
        for schedule, several in shifts.items()
        if (text := _held(several, people, at, midnight))
    ]


def _held(shifts: Iterable[Shift], people: Mapping[int, User], at: datetime, midnight: datetime) -> str:
    parts = []
    for shift in sorted(shifts, key=lambda one: (one.role, one.start)):
        user = people.get(shift.user_id)
        if user is None or not user.is_active or shift.start >= midnight or shift.end <= at:
            continue
        words = f"{role_words(shift.role)}: {user.name}" if shift.role else user.name
        if shift.start > at:
            words = _("%(who)s from %(time)s") % {"who": words, "time": moments.written(shift.start, "clock", at=at)}
        elif shift.end < midnight:
            words = _("%(who)s until %(time)s") % {"who": words, "time": moments.written(shift.end, "clock", at=at)}
        parts.append(words)
    return " · ".join(dict.fromkeys(parts))
