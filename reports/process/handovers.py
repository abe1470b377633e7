"""Handovers of shifts: how many of those who came on call had the whole picture, as they say themselves."""

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from oncall.models import Handoff
from reports.process.patterns import percent
from reports.process.values import Finding, Measured
from reports.selectors import Scope

COMPLETE = 0.8
FEWEST = 5


def handovers(scope: Scope) -> tuple[list[Finding], Measured, int]:
    """Schedules whose handovers left something out, the worst first; all schedules beside each other; how many handovers. One query."""
    found = Handoff.objects.filter(at__gte=scope.period.since, at__lt=scope.period.until)
    if scope.teams:
        found = found.filter(schedule__team__in=scope.teams)
    rows = list(
        found.order_by()
        .values_list("schedule__slug", "schedule__name")
        .annotate(
            all=Count("id"),
            accepted=Count("id", filter=Q(accepted_at__isnull=False)),
            rated=Count("id", filter=Q(complete__isnull=False)),
            complete=Count("id", filter=Q(complete=True)),
        )
        .order_by("schedule__name", "schedule__slug")
    )
    poor = [row for row in rows if row[4] >= FEWEST and row[5] < COMPLETE * row[4]]
    poor.sort(key=lambda row: (row[5] / row[4], row[1]))
    heads = (
        _("Schedule"),
        _("handovers"),
        _("accepted"),
        _("rated"),
        _("had the whole picture"),
        _("percent of rated"),
    )
    measured = Measured(
        _("Handovers of each schedule"),
        heads,
        [(row[1], *map(str, row[2:]), percent(row[5], row[4])) for row in rows],
    )
    return [_finding(*row) for row in poor], measured, sum(row[2] for row in rows)


def _finding(slug: str, name: str, _all: int, _accepted: int, rated: int, complete: int) -> Finding:
    words = {"name": name, "complete": complete, "rated": rated, "share": percent(complete, rated)}
    return Finding(
        key=slug,
        said=_("%(name)s: %(complete)d of %(rated)d who came on call had the whole picture (%(share)s).") % words,
        why=_("What was missing is written beside each handover."),
        link=f"{reverse('incidents:handoffs')}?schedule={slug}&show=incomplete",
        link_words=_("See the handovers"),
    )
