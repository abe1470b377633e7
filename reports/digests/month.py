"""The month for auditors: what the ledger holds, who changed rules and rights, what was taken out, what was overridden."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min
from django.urls import reverse
from django.utils.dateformat import format as date_text
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.models import LedgerEntry
from audit.proving import newest_seal
from escalation_site.ui import moments
from incidents.models import Incident
from incidents.querysets import IncidentQuerySet
from oncall.models import User
from oncall.rota.clock import first_instant
from policies.severity import Severity
from reports.digests.days import days_of, ledger_between
from reports.digests.value import Content, Figure, Line, Section
from reports.ledger_words import action_words
from reports.narrow import behind
from reports.period import Period
from reports.selectors import Scope, incidents_in

SHOWN = 40
WATCHED: Sequence[tuple[str | Promise, tuple[str, ...]]] = (
    (gettext_lazy("Overridden by people"), ("incident.override", "checkpoint.decline", "incident.undo")),
    (
        gettext_lazy("Taken out of the house"),
        ("data_export.", "incident.export", "ledger.export", "ledger.download", "audit_pack."),
    ),
    (
        gettext_lazy("People, rights and keys"),
        ("user.", "membership.", "api_token.", "group.", "permission.", "sign_in.", "session.", "totp."),
    ),
    (gettext_lazy("Rules, policies and schedules"), ("policy.", "book.", "schedule.", "work_calendar.", "sla.")),
    (gettext_lazy("The ledger itself"), ("ledger.", "backup.", "keeper.", "forget.")),
)
"""What an auditor looks at first, by the beginnings of actions."""


def month_content(*, reader: User, at: datetime, zone: ZoneInfo) -> Content:
    """The calendar month before the one that ``at`` falls into, on the clock of ``zone``. In the language and zone in force.
    Five queries."""
    last = at.astimezone(zone).date().replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    since, until = (_midnight(day, zone) for day in (first, last + timedelta(days=1)))
    counts = dict(
        LedgerEntry.objects.filter(at__gte=since, at__lt=until).order_by().values_list("action").annotate(Count("id"))
    )
    return Content(
        title=_("Month: %(month)s") % {"month": date_text(first, "F Y")},
        about=_("What the ledger holds of %(first)s to %(last)s.")
        % {"first": date_text(first, "j M Y"), "last": date_text(last, "j M Y")},
        figures=_figures(counts, Scope(reader, Period(first, last, zone)), since, until),
        sections=(
            *(_watched(str(title), starts, counts, since, until) for title, starts in WATCHED),
            _unreviewed(Incident.objects.visible_to(reader).counted(), since, until),
        ),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return first_instant(datetime.combine(day, time()), zone)


def _incidents(scope: Scope, which: str) -> str:
    """The list of exactly those that a number counts."""
    return f"{reverse('reports:incidents')}?{urlencode({**days_of(scope.period), 'which': which})}"


def _figures(counts: Mapping[str, int], scope: Scope, since: datetime, until: datetime) -> tuple[Figure, ...]:
    seal = newest_seal()
    bounds = LedgerEntry.objects.filter(at__gte=since, at__lt=until).aggregate(first=Min("id"), last=Max("id"))
    numbers = f"{bounds['first']} – {bounds['last']}" if bounds["first"] else ""
    return (
        Figure(
            _("Entries"),
            number_format(sum(counts.values()), force_grouping=True),
            numbers,
            ledger_between(since, until),
        ),
        Figure(
            _("Sealed up to"),
            str(seal.size) if seal else "–",
            moments.written(seal.at, "short", at=until) if seal else _("not sealed yet"),
            reverse("audit:checkpoint") if seal else ledger_between(since, until),
        ),
        Figure(_("Incidents"), str(incidents_in(scope).count()), "", _incidents(scope, "all")),
        Figure(_("SLA not kept"), str(behind(scope, "sla.no").count()), "", _incidents(scope, "sla.no")),
    )


def _watched(
    title: str, starts: tuple[str, ...], counts: Mapping[str, int], since: datetime, until: datetime
) -> Section:
    found = sorted(
        (action for action in counts if action.startswith(starts)), key=lambda action: (-counts[action], action)
    )
    lines = [
        Line(f"{action_words(action)}: {counts[action]}", "", ledger_between(since, until, action=action))
        for action in found[:SHOWN]
    ]
    return Section(title, lines, _("None."), max(len(found) - SHOWN, 0), ledger_between(since, until))


def _unreviewed(incidents: IncidentQuerySet, since: datetime, until: datetime) -> Section:
    """Severe or major ones resolved in the month without a published review."""
    rows = incidents.filter(resolved_at__gte=since, resolved_at__lt=until).exclude(review__published_at__isnull=False)
    severe = rows.filter(severity=Severity.SEV1.value) | rows.filter(major_at__isnull=False)
    found: list[Incident] = list(severe.distinct().order_by("resolved_at", "pk"))
    lines = [
        Line(f"{one.reference} {one.title}", str(Severity(one.severity).label), one.get_absolute_url())
        for one in found[:SHOWN]
    ]
    return Section(_("Severe incidents without a review"), lines, _("None."), max(len(found) - SHOWN, 0))
