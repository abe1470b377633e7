"""The manager's dashboard put together: figures, trends, spreads and load of one scope, with the period before
beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import dateformat
from django.utils.translation import gettext as _

from escalation_site.ui import charts
from oncall.models import Team
from policies.severity import Severity
from reports import metrics
from reports.heat import Heat, heat
from reports.metrics import IncidentRow, Measure
from reports.period import Period
from reports.selectors import Scope, incident_rows, page_loads
from reports.wording import Card, cards, time_text

HEADROOM = 1.05
Weeks = dict[date, list[IncidentRow]]


@dataclass(frozen=True, slots=True)
class Range:
    """One line of a spread: dot at the median, tick at p90, ring at the median before. Places are percentages of
    the scale.
    """

    label: str
    rank: int | None
    query: dict[str, str]
    median: str
    p90: str
    before: str
    done: int
    waiting: int
    median_at: str = ""
    p90_at: str = ""
    width: str = ""
    before_at: str = ""


@dataclass(frozen=True, slots=True)
class Spreads:
    """Ranges by severity and by team on one scale."""

    title: str
    severities: tuple[Range, ...]
    teams: tuple[Range, ...]
    scale: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    period: Period
    before: Period
    cards: tuple[Card, ...]
    acknowledge: charts.LineChart
    resolve: charts.LineChart
    started: charts.ColumnChart
    acknowledge_spread: Spreads
    resolve_spread: Spreads
    heat: Heat
    total: int


def dashboard(scope: Scope) -> Dashboard:
    """Three queries: the incidents of both periods, the pages, the names of the teams."""
    before = scope.period.before()
    both = Period(before.first, scope.period.last, scope.period.zone)
    rows = incident_rows(scope.during(both))
    now_rows = [row for row in rows if row.started_at >= scope.period.since]
    old_rows = [row for row in rows if row.started_at < scope.period.since]
    teams = Team.objects.in_bulk()
    weeks, earlier = _weeks(now_rows, scope.period), list(_weeks(old_rows, before).values())
    return Dashboard(
        period=scope.period,
        before=before,
        cards=cards(metrics.figures(now_rows), metrics.figures(old_rows)),
        acknowledge=_trend(
            weeks, earlier, scope.period, metrics.time_to_acknowledge, _("Time to acknowledge, by week")
        ),
        resolve=_trend(weeks, earlier, scope.period, metrics.time_to_resolve, _("Time to resolve, by week")),
        started=_started(weeks, scope.period),
        acknowledge_spread=_spreads(
            now_rows, old_rows, teams, metrics.time_to_acknowledge, _("MTTA by severity and team")
        ),
        resolve_spread=_spreads(now_rows, old_rows, teams, metrics.time_to_resolve, _("MTTR by severity and team")),
        heat=heat(page_loads(scope), period=scope.period),
        total=len(now_rows),
    )


def _weeks(rows: Sequence[IncidentRow], period: Period) -> Weeks:
    return metrics.by_week(rows, zone=period.zone, first=period.first, last=period.last)


def day_text(day: date) -> str:
    return dateformat.format(day, "j M")


def _trend(
    weeks: Weeks, earlier: Sequence[Sequence[IncidentRow]], period: Period, measure: Measure, title: str
) -> charts.LineChart:
    """Medians and p90 by week; the dashes are the same week of the period before, counted from its beginning."""
    points = []
    for index, (monday, rows) in enumerate(weeks.items()):
        spread = metrics.spread(rows, measure)
        before = metrics.spread(earlier[index], measure).median if index < len(earlier) else None
        points.append(charts.LinePoint(day_text(max(monday, period.first)), spread.median, spread.p90, before))
    known = [point for point in points if point.median is not None]
    description = _("No incident has such a time in this period.")
    if known:
        description = _(
            "The median went from %(first)s in the week of %(week)s to %(last)s in the week of %(until)s."
        ) % {
            "first": time_text(known[0].median),
            "week": known[0].label,
            "last": time_text(known[-1].median),
            "until": known[-1].label,
        }
    return charts.line_chart(
        points, title=title, description=description, heads=(_("Week of"), _("median"), _("to p90"), _("median before"))
    )


def _started(weeks: Weeks, period: Period) -> charts.ColumnChart:
    bars = [(day_text(max(monday, period.first)), float(len(found))) for monday, found in weeks.items()]
    return charts.column_chart(
        bars,
        title=_("Incidents by week"),
        description=_("%(number)d incidents started in the period.")
        % {"number": sum(len(found) for found in weeks.values())},
        heads=(_("Week of"), _("incidents")),
    )


def _spreads(
    now: Sequence[IncidentRow], old: Sequence[IncidentRow], teams: dict[int, Team], measure: Measure, title: str
) -> Spreads:
    severity_now, severity_old = metrics.by_severity(now), metrics.by_severity(old)
    team_now, team_old = metrics.by_team(now), metrics.by_team(old)
    groups = [*severity_now.values(), *team_now.values()]
    top = max((metrics.spread(rows, measure).p90 or 0.0 for rows in groups), default=0.0) * HEADROOM or 1.0
    severities = tuple(
        _range(
            rows,
            severity_old.get(rank, []),
            measure,
            top,
            label=str(Severity(rank).label),
            rank=rank,
            query={"severity": str(rank)},
        )
        for rank, rows in severity_now.items()
    )
    by_name = sorted(team_now.items(), key=lambda item: teams[item[0]].name)
    team_ranges = tuple(
        _range(
            rows, team_old.get(pk, []), measure, top, label=teams[pk].name, rank=None, query={"team": teams[pk].slug}
        )
        for pk, rows in by_name
    )
    return Spreads(title, severities, team_ranges, _("0 to %(top)s") % {"top": charts.span_words(round(top))})


def _range(
    now: Sequence[IncidentRow],
    old: Sequence[IncidentRow],
    measure: Measure,
    top: float,
    *,
    label: str,
    rank: int | None,
    query: dict[str, str],
) -> Range:
    spread, before = metrics.spread(now, measure), metrics.spread(old, measure)
    places: dict[str, str] = {}
    if spread.median is not None and spread.p90 is not None:
        places = {
            "median_at": _percent(spread.median / top),
            "p90_at": _percent(spread.p90 / top),
            "width": _percent((spread.p90 - spread.median) / top),
        }
    if before.median is not None:
        places["before_at"] = _percent(before.median / top)
    return Range(
        label,
        rank,
        query,
        time_text(spread.median),
        time_text(spread.p90),
        time_text(before.median),
        spread.done,
        spread.waiting,
        **places,
    )


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.4g}%"
