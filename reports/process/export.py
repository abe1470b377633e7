"""The findings as a table."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from reports.exports.asking import Asked, filters_text
from reports.exports.table import Kind, Row, Table, columns_of
from reports.forms import ReportFilters
from reports.process.checks import found_in
from reports.process.values import Check


def process_table(asked: Asked) -> Table:
    """A row for each finding, with the numbers of the incidents behind it."""
    form = ReportFilters(asked.query or {"period": "28d"})
    form.is_valid()
    scope = form.scope(asked.user, at=asked.at, zone=asked.zone)
    checks = found_in(scope, at=asked.at)
    text, long, number = Kind.TEXT, Kind.LONG, Kind.NUMBER
    return Table(
        name=f"process-checks-{scope.period.first}-{scope.period.last}",
        title=_("Process checks"),
        columns=columns_of(
            ("check", _("Check"), text, True),
            ("weight", _("Weight"), text),
            ("finding", _("Finding"), long, True),
            ("reason", _("Reason"), long, True),
            ("incidents", _("Incidents"), number, True),
            ("references", _("References"), long),
        ),
        rows=_rows(checks),
        count=sum(len(check.findings) for check in checks),
        about=[
            (_("Started"), f"{scope.period.first} – {scope.period.last}"),
            (_("Filters"), filters_text(asked)),
        ],
    )


def _rows(checks: list[Check]) -> Iterator[Row]:
    for check in checks:
        for one in check.findings:
            references = [f"INC-{pk}" for pk in one.incidents]
            yield (check.title, one.weight, one.said, one.why, len(references), references)
