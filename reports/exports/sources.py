"""What can be taken out, by key. A new list or report joins here and has every format, the mail and the record."""

from collections.abc import Mapping
from datetime import datetime

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.filters import IncidentFilter
from incidents.models import Incident
from incidents.span_filters import spans_require
from oncall.load.export import HEAD, csv_rows
from oncall.load.forms import LoadFilters
from oncall.load.reading import reading
from oncall.load_views import sees_everybody
from oncall.models import User
from reports.exports.asking import Asked, Source, filters_text, query_kept
from reports.exports.figures import figures_table
from reports.exports.incidents import events_table, incidents_table, pages_table, report_table
from reports.exports.table import Column, Kind, Table
from reports.exports.work import tasks_table
from reports.process.export import process_table

EVERYBODY = frozenset(User.Role.values)
STAFF = EVERYBODY - {User.Role.REPORTER.value}
REPORTS = frozenset({User.Role.MANAGER.value, User.Role.AUDITOR.value, User.Role.ADMINISTRATOR.value})
_HOURS = ("hours", "night_hours", "weekend_hours", "holiday_hours", "hours_counted_in_another_line")
_HOURS_PRINTED = ("person", "schedule", "role", "start_local", "end_local", "hours", "night_hours")


def hours_table(asked: Asked) -> Table:
    """On-call hours of the workload page, a line for each shift; one's own only for whoever does not see everybody's."""
    form = LoadFilters(asked.query, today=asked.at.astimezone(asked.zone).date())
    form.is_valid()
    scope = form.scope()
    found = reading(scope.schedules, days=scope.days)
    found = found if sees_everybody(asked.user) else found.of(asked.user)
    rows = list(csv_rows(found))[1:]  # A shift a line: a year of a large house is some ten thousand.
    return Table(
        name=f"on-call-hours-{scope.days.first}-{scope.days.last}",
        title=_("On-call hours"),
        columns=[
            Column(key, key.replace("_", " "), Kind.NUMBER if key in _HOURS else Kind.TEXT, key in _HOURS_PRINTED)
            for key in HEAD
        ],
        rows=iter(rows),
        count=len(rows),
        about=[(_("Days"), f"{scope.days.first} – {scope.days.last}"), (_("Filters"), filters_text(asked))],
    )


SOURCES: Mapping[str, Source] = {
    one.key: one
    for one in (
        Source(
            "incidents",
            gettext_lazy("Incident list"),
            gettext_lazy("The incidents of the list, with its tab, filters and order."),
            EVERYBODY,
            incidents_table,
            "incidents:list",
        ),
        Source(
            "report",
            gettext_lazy("Incident report"),
            gettext_lazy(
                "The incidents of a range of days in full detail: how long each took, who was paged, what it cost, what was learnt."
            ),
            REPORTS,
            report_table,
            "reports:incidents",
        ),
        Source(
            "events",
            gettext_lazy("Timelines of incidents"),
            gettext_lazy("What happened to the incidents of a range of days, line by line, in words."),
            REPORTS,
            events_table,
            "reports:incidents",
        ),
        Source(
            "pages",
            gettext_lazy("Pages"),
            gettext_lazy("Who was paged in a range of days, when, and when each answered."),
            REPORTS,
            pages_table,
            "reports:incidents",
        ),
        Source(
            "tasks",
            gettext_lazy("Tasks"),
            gettext_lazy(
                "The work on the incidents of a range of days: who had each task, when it was due, what became of it."
            ),
            REPORTS,
            tasks_table,
            "reports:incidents",
        ),
        Source(
            "figures",
            gettext_lazy("Figures"),
            gettext_lazy(
                "Every metric for each team, or for each value of another dimension, with median, p90 and what is counted."
            ),
            REPORTS,
            figures_table,
            "reports:overview",
        ),
        Source(
            "hours",
            gettext_lazy("On-call hours"),
            gettext_lazy("Shifts with their hours, nights, weekends and holidays, for pay."),
            STAFF,
            hours_table,
            "oncall:workload",
        ),
        Source(
            "process",
            gettext_lazy("Process checks"),
            gettext_lazy("What the process checks found, with its reason and the incidents behind it."),
            REPORTS,
            process_table,
            "process:checks",
        ),
    )
}


def source_of(key: str, user: User) -> Source:
    """The source. Raises DomainError (field "source") where there is none, NotAllowed where ``user`` may not read it."""
    source = SOURCES.get(key)
    if source is None:
        raise DomainError(_("There is no such list or report."), field="source")
    if user.role not in source.roles or not user.is_active:
        raise NotAllowed(_("Your role does not see this report."), field="source")
    return source


def query_require(key: str, query: str) -> None:
    """Raises DomainError naming the filter that is not understood, where a file would hold more without it: whoever asks for one is
    told at once, and not by a message in the night."""
    if key == "incidents":
        spans_require(IncidentFilter(QueryDict(query_kept(query)), queryset=Incident.objects.none()))


def table_of(key: str, *, user: User, query: str, at: datetime, words: bool) -> Table:
    """The table as ``user`` may see it at ``at``. Raises as ``source_of``. Call it in the user's language and zone."""
    return source_of(key, user).opens(Asked(user, QueryDict(query), at, words))
