"""Addresses below /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from audit.api import LedgerEntryViewSet
from escalation_site.api.docs import DocsView, SchemaView
from incidents.api.handoffs import HandoffViewSet
from incidents.api.views import IncidentViewSet, ServiceViewSet
from oncall.api.exchanges import AbsenceViewSet, OverrideViewSet, SwapViewSet
from oncall.api.feeds import CalendarFeedViewSet
from oncall.api.views import OnCallView, ScheduleViewSet
from oncall.api.workload import WorkloadView
from policies.api import PolicyViewSet

router = SimpleRouter()
router.register("incidents", IncidentViewSet, basename="api-incident")
router.register("services", ServiceViewSet, basename="api-service")
router.register("schedules", ScheduleViewSet, basename="api-schedule")
router.register("overrides", OverrideViewSet, basename="api-override")
router.register("absences", AbsenceViewSet, basename="api-absence")
router.register("swaps", SwapViewSet, basename="api-swap")
router.register("handoffs", HandoffViewSet, basename="api-handoff")
router.register("calendar-feeds", CalendarFeedViewSet, basename="api-calendar-feed")
router.register("policies", PolicyViewSet, basename="api-policy")
router.register("ledger", LedgerEntryViewSet, basename="api-ledger")

urlpatterns: list[URLPattern | URLResolver] = [
    path("on-call/", OnCallView.as_view(), name="api-on-call"),
    path("workload/", WorkloadView.as_view(), name="api-workload"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    *router.urls,
]
