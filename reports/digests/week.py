"""The week for managers: how fast, how many, how often past the first level, against the week before; and where it hurt."""

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse
from django.utils.dateformat import format as date_text
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import durations
from incidents.models import Incident
from oncall.models import Team, User
from policies.severity import Severity
from reports.dashboard import bearers
from reports.digests.days import days_of
from reports.digests.value import Content, Figure, Line, Section
from reports.figures import counting
from reports.figures.columns import instant_of
from reports.figures.counting import Spread
from reports.figures.definitions import METRICS, Metric
from reports.figures.keeping import figures_ready
from reports.links import Links
from reports.names import Names
from reports.panels import PAGES, Data
from reports.period import Period
from reports.process.checks import found_in
from reports.selectors import Scope, incidents_in
from reports.wording import count_change, share_change, share_text, time_change, time_text

DAYS = 7
SHOWN = 5


def week_content(
    *, reader: User, team: Team | None, teams: Collection[int] | None, at: datetime, zone: ZoneInfo
) -> Content:
    """The seven days before the one that ``at`` falls on, on the clock of ``zone``. In the language and zone in force."""
    last = at.astimezone(zone).date() - timedelta(days=1)
    period = Period(last - timedelta(days=DAYS - 1), last, zone)
    scope = Scope(reader, period, sorted(teams or ()))
    figures_ready(at=at)
    names = Names()
    data = Data(scope, names, Links(_query(period, names, scope.teams)), ("incidents", "times", PAGES))
    return Content(
        title=_("Week: %(team)s") % {"team": team.name} if team else _("Week"),
        about=_("%(first)s to %(last)s, compared with the seven days before. Tests are left out.")
        % {"first": _day(period.first), "last": _day(period.last)},
        figures=_figures(data),
        sections=(
            _slowest(data),
            _noisiest(data),
            _loaded(data, team),
            _process(scope, at, names),
        ),
    )


def _day(day: date) -> str:
    return date_text(day, "j M Y")


def _query(period: Period, names: Names, teams: Collection[int]) -> QueryDict:
    """What leads to the lists: the days, on whose clock, and every team that is counted."""
    query = QueryDict(mutable=True)
    query.update(days_of(period))
    query.setlist("team", [names.name("team", pk).slug for pk in teams])
    return query


def _figures(data: Data) -> tuple[Figure, ...]:
    new, before = len(data.now()), len(data.old())
    still = data.now().bytes_of("open").count(1)
    past = METRICS["escalated"]
    share, share_before = (counting.share_of(columns.bytes_of(past.column)) for columns in (data.now(), data.old()))
    return (
        Figure(
            _("Incidents"),
            str(new),
            f"{count_change(new, before).text}; " + _("%(number)d still open") % {"number": still},
            data.link("all"),
        ),
        *(_time(data, METRICS[key], data.link(f"{key}.done")) for key in ("acknowledge", "resolve")),
        Figure(
            str(past.title),
            share_text(share),
            share_change(share, share_before).text,
            data.link("escalated.yes"),
        ),
    )


def _time(data: Data, metric: Metric, link: str) -> Figure:
    new, before = data.value(metric, data.now()), data.value(metric, data.old())
    if not isinstance(new, Spread) or not isinstance(before, Spread):
        raise TypeError(f"{metric.key} is no time")
    words = {"p90": time_text(new.p90), "change": time_change(new.median, before.median).text}
    return Figure(str(metric.title), time_text(new.median), _("median, %(change)s; p90 %(p90)s") % words, link)


def _slowest(data: Data) -> Section:
    """Those that waited longest for somebody, answered or not."""
    until, columns = instant_of(data.scope.period.until), data.now()
    known = zip(columns["id"], columns["acknowledge"], columns["at"], strict=True)
    waited = {pk: (took if took >= 0 else until - began, took >= 0) for pk, took, began in known}
    worst = sorted(waited, key=lambda pk: (-waited[pk][0], pk))[:SHOWN]
    found = Incident.objects.in_bulk(worst)
    lines = [
        Line(
            f"{found[pk].reference} {found[pk].title}",
            f"{Severity(found[pk].severity).label} · {_waited(waited[pk][0], done=waited[pk][1])}",
            found[pk].get_absolute_url(),
        )
        for pk in worst
        if pk in found
    ]
    return Section(_("Longest without an answer"), lines, _("No incident began in this week."), 0, "")


def _waited(seconds: float, *, done: bool) -> str:
    span = {"span": durations.in_two_units(seconds)}
    return _("acknowledged after %(span)s") % span if done else _("not acknowledged for %(span)s") % span


def _noisiest(data: Data) -> Section:
    counts = Counter(incidents_in(data.scope).order_by().values_list("service", flat=True)).most_common(SHOWN)
    named = [(data.names.name("service", pk), number) for pk, number in counts]
    lines = [
        Line(
            name.label,
            ngettext("%(number)d incident", "%(number)d incidents", number) % {"number": number},
            data.link("all", "service", name.slug),
        )
        for name, number in named
    ]
    return Section(_("Services with most incidents"), lines, _("None."))


def _loaded(data: Data, team: Team | None) -> Section:
    link = reverse("oncall:workload") + (f"?{urlencode({'team': team.slug})}" if team else "")
    lines = [
        Line(
            one.name,
            ngettext("%(number)d page", "%(number)d pages", one.load.pages) % {"number": one.load.pages}
            + " · "
            + _("%(number)d at night") % {"number": one.load.sleep},
            one.numbers[0].link,
        )
        for one in bearers(data)[:SHOWN]
    ]
    return Section(_("People paged most"), lines, _("Nobody was paged."), 0, link)


def _process(scope: Scope, at: datetime, names: Names) -> Section:
    month = Period(scope.period.last - timedelta(days=27), scope.period.last, scope.period.zone)
    link = f"{reverse('process:checks')}?{_query(month, names, scope.teams).urlencode()}"
    found = [one for check in found_in(scope.during(month), at=at) for one in check.findings if one.weight == "act"]
    lines = [Line(one.said, one.why, one.link or link) for one in found[:SHOWN]]
    return Section(
        _("What the process checks found in four weeks"),
        lines,
        _("Nothing to act on."),
        max(len(found) - SHOWN, 0),
        link,
    )
