"""The incidents behind one number of the dashboard: each number's link names one of these."""

from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident
from reports.selectors import with_called

TITLES: dict[str, str | Promise] = {
    "all": _("All incidents"),
    "acknowledged": _("Acknowledged, the slowest first"),
    "unacknowledged": _("Not acknowledged"),
    "resolved": _("Resolved, the slowest first"),
    "open": _("Still open"),
    "past-level-1": _("Went past level 1"),
    "again": _("Escalated again"),
    "exhausted": _("Nobody answered on any level"),
}


def narrowed(incidents: QuerySet[Incident], which: str) -> QuerySet[Incident]:
    """Those of `incidents` behind the number called `which` (a key of TITLES; anything else means all), in the
    order to read them.
    """
    match which:
        case "acknowledged":
            took = F("acknowledged_at") - F("started_at")
            return incidents.filter(acknowledged_at__isnull=False).annotate(took=took).order_by("-took", "-id")
        case "resolved":
            took = F("resolved_at") - F("started_at")
            return incidents.filter(resolved_at__isnull=False).annotate(took=took).order_by("-took", "-id")
        case "unacknowledged":
            return incidents.filter(acknowledged_at=None)
        case "open":
            return incidents.filter(resolved_at=None)
        case "exhausted":
            return incidents.filter(exhausted_at__isnull=False)
        case "past-level-1":
            return with_called(incidents).filter(Q(called__gt=1))
        case "again":
            return with_called(incidents).filter(Q(called__gt=2))
        case _:
            return incidents
