"""The places a person may go to, by role. Links to pages that this installation does not have are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.urls import Resolver404, get_script_prefix, get_urlconf, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EVERYBODY = frozenset({"reporter", "responder", "manager", "auditor", "administrator"})
STAFF = EVERYBODY - {"reporter"}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation. ``path`` is below the script prefix, ``besides`` are others that belong to it; ``roles`` may go."""

    name: str
    label: str | Promise
    path: str
    icon: str
    roles: frozenset[str]
    key: str = ""
    besides: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return get_script_prefix() + self.path


WORK = (
    Place("home", _("Home"), "", "house", EVERYBODY),
    Place("incidents", _("Incidents"), "incidents/", "bell", EVERYBODY),
    Place("oncall", _("On call"), "oncall/", "calendar-days", STAFF),
    Place("policies", _("Policies"), "policies/", "list-tree", STAFF),
    Place("services", _("Services"), "incidents/services/", "boxes", STAFF),
    Place("requests", _("My requests"), "incidents/requests/", "inbox", EVERYBODY - {"auditor"}),
    Place("complaints", _("Complaints"), "incidents/complaints/", "megaphone", EVERYBODY),
    Place("documents", _("Documents"), "incidents/documents/", "book-open-text", EVERYBODY),
)
LEARN = (
    Place("metrics", _("Metrics"), "reports/", "chart-line", frozenset({"manager", "auditor", "administrator"})),
    Place("audit", _("Audit"), "audit/", "stamp", frozenset({"auditor", "administrator"})),
)
RUN = (
    Place(
        "builder",
        _("Form and workflow"),
        "incidents/form/",
        "square-pen",
        frozenset({"administrator"}),
        besides=("incidents/categories/", "incidents/workflow/"),
    ),
    Place("operations", _("Operations"), "operations/", "heart-pulse", frozenset({"administrator"})),
    Place("admin", _("Admin"), "admin/", "settings", frozenset({"administrator"})),
    Place("design", _("Design"), "design/", "layers", frozenset({"administrator"})),
)
FILE = Place("file", _("File incident"), "incidents/new/", "circle-plus", EVERYBODY - {"auditor"}, key="c")


@cache
def _exists(path: str, urlconf: str) -> bool:
    try:
        resolve(f"/{path}", urlconf)
    except Resolver404:
        return False
    return True


def open_to(role: str, places: Sequence[Place]) -> list[Place]:
    """Those of ``places`` which ``role`` may see and which this installation has."""
    urlconf = get_urlconf() or settings.ROOT_URLCONF
    return [place for place in places if role in place.roles and _exists(place.path, urlconf)]


def place_of(path: str, role: str) -> str:
    """Name of the entry of ``role``'s navigation that the page at ``path`` belongs to; "" when it belongs to none."""
    below = path.removeprefix(get_script_prefix())
    if not below:
        return "home"
    places = [place for place in (FILE, *WORK, *LEARN, *RUN) if role in place.roles]
    found = [
        (start, place.name)
        for place in places
        for start in (place.path, *place.besides)
        if start and below.startswith(start)
    ]
    return max(found, key=lambda one: len(one[0]))[1] if found else ""
