"""The addresses of the crawl: every route of the site, with values of the populated world in its places."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.urls import URLPattern, URLResolver, get_resolver

from audit.models import LedgerEntry
from incidents.links import page_url
from incidents.models import (
    Attachment,
    Checkpoint,
    Complaint,
    EscalationRun,
    Incident,
    IncidentLink,
    SavedView,
    Task,
    TimelineEvent,
    VendorCase,
)
from notifications.channels.chat.tokens import claim_sign
from notifications.models import ChatAccount
from oncall.models import (
    Absence,
    CalendarFeed,
    CalendarSource,
    Handoff,
    HandoffNote,
    Override,
    Swap,
    SwapAsk,
    User,
)
from oncall.swap_links import ask_link
from policies.models import PolicyReview
from reports.models import AuditPack, Dashboard, Digest, ExportFile, ExportSchedule, LedgerView
from tests.site.crawl_world import FEED
from tests.world.harness import World

_PARAMETER = re.compile(r"<(?:[a-z]+:)?(\w+)>")
_GROUP = re.compile(r"\((?:\?P<(\w+)>)?(?:[^()\[\]]|\[[^\]]*\])*\)")


@dataclass(frozen=True, slots=True)
class Address:
    """One route with values in its places. ``label`` is how the table names it."""

    label: str
    path: str


def routes() -> list[str]:
    """Every route of the site, as written in the URL configuration, in its order."""

    def below(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for one in resolver.url_patterns:
            route = prefix + _plain(str(one.pattern))
            if isinstance(one, URLResolver):
                yield from below(one, route)
            elif isinstance(one, URLPattern):
                yield route

    return list(dict.fromkeys(below(get_resolver(), "")))


def _plain(pattern: str) -> str:
    """A regular expression as a route: its groups become <name> or <n>."""
    if "^" not in pattern and "\\" not in pattern and "(" not in pattern:
        return pattern
    numbers = iter(range(1, 10))
    text = _GROUP.sub(lambda match: f"<{match[1] or next(numbers)}>", pattern)
    return text.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "").replace("/?", "/")


def addresses(world: World) -> list[Address]:
    """Every route with the values of the cast. Raises KeyError for a place nobody has given a value yet."""
    values = _values(world)
    found = []
    for route in routes():
        if _of_an_incident(route):
            for kind, incident in _incidents(world).items():
                own = {**values, "pk": incident, "id": incident}
                found.append(Address(f"/{route} {kind}".rstrip(), _filled(route, own)))
        else:
            found.append(Address(f"/{route}", _filled(route, {**values, **_special(route, world)})))
    return found


def _of_an_incident(route: str) -> bool:
    return bool(re.match(r"(incidents/<int:pk>|api/v1/incidents/<(int:)?pk>)/", route))


def _incidents(world: World) -> dict[str, int]:
    own = Incident.objects.order_by("pk").first()
    other = Incident.objects.get(restricted=True)
    assert own is not None
    return {"": own.pk, "(restricted)": other.pk, "(nowhere)": 999_999}


def _filled(route: str, values: Mapping[str, Any]) -> str:
    return "/" + _PARAMETER.sub(lambda match: str(values[match[1]]), route)


def _values(world: World) -> dict[str, Any]:
    page = Incident.objects.order_by("pk")[0].pages.get()
    return {
        "token": page_url(page.link_nonce).rstrip("/").rsplit("/", 1)[1],
        "kind": "alertmanager",
        "key": "unknown",
        "verb": "acknowledge",
        "event": TimelineEvent.objects.filter(incident=Incident.objects.order_by("pk")[0]).values_list("pk", flat=True)[
            0
        ],
        "by": "stage",
        "link": IncidentLink.objects.values_list("pk", flat=True)[0],
        "number": Checkpoint.objects.values_list("pk", flat=True)[0],
        "slug": "payments",
        "role": "commander",
        "task": Task.objects.values_list("pk", flat=True)[0],
        "case": VendorCase.objects.values_list("pk", flat=True)[0],
        "vendor": "acme",
        "document": "restart",
        "do": "finish",
        "step": "closed",
        "part": "apply",
        "form": "markdown",
        "book": "routing",
        "version": 0,
        "app_label": "oncall",
        "content_type_id": 1,
        "object_id": 1,
        "url": "nowhere",
        "uidb36": "1",
        "provider_id": "oidc",
        "format": ".json",
        "1": 1,
        "2": 1,
    }


_SLUGS = {
    "calendars": "office",
    "destinations": "ops",
    "services": "payments-gateway",
    "policies": "critical-payments",
    "role-map": "critical-payments",
    "schedules": "payments",
    "categories": "security",
    "customers": "northwind",
    "vendors": "acme",
    "documents": "restart",
    "plan-templates": "outage",
}


_ROWS: dict[str, type[Any]] = {
    "oncall/overrides/<int:pk>/": Override,
    "oncall/absences/<int:pk>/": Absence,
    "oncall/swaps/<int:pk>/": Swap,
    "oncall/handoffs/<int:pk>/": Handoff,
    "oncall/handoffs/notes/<int:pk>/": HandoffNote,
    "oncall/calendars/feeds/<int:pk>/": CalendarFeed,
    "oncall/calendars/read/<int:pk>/": CalendarSource,
    "api/v1/checkpoints/<pk>/": Checkpoint,
    "api/v1/overrides/<pk>/": Override,
    "api/v1/absences/<pk>/": Absence,
    "api/v1/swaps/<pk>/": Swap,
    "api/v1/handoffs/<pk>/": Handoff,
    "api/v1/calendar-feeds/<pk>/": CalendarFeed,
    "policies/reviews/<int:pk>/": PolicyReview,
    "api/v1/policies/reviews/<pk>/": PolicyReview,
    "operations/runs/<int:pk>/": EscalationRun,
    "incidents/views/<int:pk>/": SavedView,
    "reports/boards/<int:pk>/": Dashboard,
    "incidents/workload/<int:pk>/": User,
    "api/v1/saved-views/<pk>/": SavedView,
    "incidents/attachments/<int:pk>/": Attachment,
    "api/v1/attachments/<pk>/": Attachment,
    "incidents/complaints/<int:pk>/": Complaint,
    "reports/exports/regular/<int:pk>/": ExportSchedule,
    "reports/exports/files/<int:pk>/": ExportFile,
    "reports/digests/<int:pk>/": Digest,
    "api/v1/exports/<pk>/": ExportFile,
    "api/v1/regular-exports/<pk>/": ExportSchedule,
    "api/v1/digests/<pk>/": Digest,
    "api/v1/dashboards/<pk>/": Dashboard,
    "api/v1/complaints/<pk>/": Complaint,
    "accounts/chat/<int:pk>/": ChatAccount,
    "audit/incidents/<int:pk>/": Incident,
    "audit/packs/<int:pk>/": AuditPack,
    "audit/versions/": Incident,
    "audit/views/<int:pk>/": LedgerView,
}
"""By the beginning of the route: whose row it is about."""


def _special(route: str, world: World) -> dict[str, Any]:
    """Values that mean something else on this route than elsewhere."""
    if match := re.match(r"admin/(\w+)/(\w+)/", route):
        return _admin_row(*match.groups())
    for start, model in _ROWS.items():
        if route.startswith(start):
            pk = model.objects.order_by("pk").values_list("pk", flat=True).first()
            assert pk is not None, f"{route}: the world has no {model.__name__}"
            return {"pk": pk, "verb": "cancel", "name": "incident"}
    if route.startswith(("reports/tabs/", "reports/by/")):
        return {"tab": "speed", "dimension": "service"}
    if route.startswith("incidents/export/"):
        return {"kind": "csv"}
    if route.startswith("policies/tools/rules/held/"):
        return {"key": "vip"}
    if route.startswith("calendar/"):
        return {"token": cache.get(FEED)}
    if route.startswith("oncall/swaps/answer/"):
        return {"token": ask_link(SwapAsk.objects.get()).rstrip("/").rsplit("/", 1)[1], "verb": "refuse"}
    if route.startswith(("incidents/form/fields/", "api/v1/custom-fields/")):
        return {"key": "loss"}
    if route.startswith(("incidents/workflow/stages/", "api/v1/stages/")):
        return {"key": "triage"}
    if "<slug:slug>" in route or "<slug>" in route:
        return {"slug": next((slug for part, slug in _SLUGS.items() if f"{part}/" in route), "payments")}
    if route == "accounts/chat/<str:token>/":
        return {"token": claim_sign(host="chat.example", account="new", handle="new", at=world.now)}
    if route.startswith("accounts/tokens/"):
        return {"pk": world.cast.hugo.api_tokens.get().pk}
    if route.startswith(("audit/", "api/v1/ledger/")):
        return {"pk": LedgerEntry.objects.order_by("pk").values_list("pk", flat=True)[0]}
    # No row by luck: the numbers a test's rows get depend on the tests before it.
    return {}


def _admin_row(app: str, name: str) -> dict[str, Any]:
    """A row of the model this page of the admin is about, and a state of its history."""
    for model in admin.site._registry:
        if (model._meta.app_label, model._meta.model_name) == (app, name):
            row: Any = model._base_manager.order_by("pk").first()
            pk = row.pk if row is not None else 0
            history = getattr(row, "history", None)
            earlier = history.order_by("pk").first() if history is not None else None
            return {"object_id": pk, "id": pk, "1": pk, "2": earlier.pk if earlier else 0}
    return {}
