"""Addresses below /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from audit.api import LedgerEntryViewSet
from escalation_site.api.docs import DocsView, SchemaView
from incidents.api.views import IncidentViewSet, ServiceViewSet
from oncall.api.views import OnCallView, ScheduleViewSet
from policies.api import PolicyViewSet

router = SimpleRouter()
router.register("incidents", IncidentViewSet, basename="api-incident")
router.register("services", ServiceViewSet, basename="api-service")
router.register("schedules", ScheduleViewSet, basename="api-schedule")
router.register("policies", PolicyViewSet, basename="api-policy")
router.register("ledger", LedgerEntryViewSet, basename="api-ledger")

urlpatterns: list[URLPattern | URLResolver] = [
    path("on-call/", OnCallView.as_view(), name="api-on-call"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    *router.urls,
]
