"""The days of a digest in an address: they are those of its own zone, and the pages it leads to show days of their reader's."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from escalation_site.ui.moments import shown_twice
from reports.period import Period


def days_of(period: Period) -> dict[str, str]:
    """What the reports are asked for, so that they count what the digest counted."""
    days = {"period": "custom", "first": period.first.isoformat(), "last": period.last.isoformat()}
    zone = str(period.zone)
    return days if zone == timezone.get_current_timezone_name() else {**days, "zone": zone}


def ledger_between(since: datetime, until: datetime, **more: str) -> str:
    """The ledger's browser reads times on its reader's clock, which is the one in force."""
    return f"{reverse('audit:browser')}?{urlencode({'since': _moment(since), 'until': _moment(until), **more})}"


def _moment(at: datetime) -> str:
    """With its offset where that clock shows the time twice: midnight of one zone lies in the hour that another one repeats."""
    local = at.astimezone(timezone.get_current_timezone())
    return local.isoformat() if shown_twice(local) else f"{local:%Y-%m-%dT%H:%M}"
