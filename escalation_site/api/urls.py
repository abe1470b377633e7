"""Addresses below /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from audit.api import LedgerEntryViewSet
from escalation_site.api.docs import DocsView, SchemaView
from escalation_site.operations.api import OperationsView
from incidents.api.checkpoints import CheckpointViewSet
from incidents.api.criteria import SeverityProposalView
from incidents.api.form import (
    CategoryViewSet,
    CustomerViewSet,
    CustomFieldViewSet,
    IncidentReviewView,
    StageViewSet,
)
from incidents.api.handoffs import HandoffViewSet
from incidents.api.partners import DocumentViewSet, PlanTemplateViewSet, VendorViewSet
from incidents.api.requester import AttachmentViewSet, ComplaintViewSet, RequesterViewSet
from incidents.api.saved import SavedViewViewSet
from incidents.api.views import IncidentViewSet, ServiceViewSet
from incidents.api.work import TaskViewSet, WorkViewSet
from incidents.backtest.api import BackTestView
from oncall.api.exchanges import AbsenceViewSet, OverrideViewSet, SwapViewSet
from oncall.api.feeds import CalendarFeedViewSet
from oncall.api.views import OnCallView, ScheduleViewSet
from oncall.api.workload import WorkloadView
from policies.api import PolicyViewSet
from policies.book_api import BookViewSet
from policies.calendars_api import CalendarViewSet
from policies.destinations_api import DestinationViewSet
from reports.boards_api import DashboardViewSet
from reports.care.api import FindingViewSet, ReviewViewSet
from reports.digests.api import DigestViewSet
from reports.exports.api import ExportViewSet, RegularExportViewSet

router = SimpleRouter()
router.register("incidents", IncidentViewSet, basename="api-incident")
router.register(r"incidents/(?P<pk>[0-9]+)/tasks", TaskViewSet, basename="api-task")
router.register(r"incidents/(?P<pk>[0-9]+)", WorkViewSet, basename="api-work")
router.register(r"incidents/(?P<pk>[0-9]+)", RequesterViewSet, basename="api-requester")
router.register("attachments", AttachmentViewSet, basename="api-attachment")
router.register("complaints", ComplaintViewSet, basename="api-complaint")
router.register("saved-views", SavedViewViewSet, basename="api-saved-view")
router.register("custom-fields", CustomFieldViewSet, basename="api-custom-field")
router.register("categories", CategoryViewSet, basename="api-category")
router.register("customers", CustomerViewSet, basename="api-customer")
router.register("stages", StageViewSet, basename="api-stage")
router.register("vendors", VendorViewSet, basename="api-vendor")
router.register("documents", DocumentViewSet, basename="api-document")
router.register("plan-templates", PlanTemplateViewSet, basename="api-plan-template")
router.register("checkpoints", CheckpointViewSet, basename="api-checkpoint")
router.register("services", ServiceViewSet, basename="api-service")
router.register("schedules", ScheduleViewSet, basename="api-schedule")
router.register("overrides", OverrideViewSet, basename="api-override")
router.register("absences", AbsenceViewSet, basename="api-absence")
router.register("swaps", SwapViewSet, basename="api-swap")
router.register("handoffs", HandoffViewSet, basename="api-handoff")
router.register("calendar-feeds", CalendarFeedViewSet, basename="api-calendar-feed")
router.register("calendars", CalendarViewSet, basename="api-calendar")
router.register("destinations", DestinationViewSet, basename="api-destination")
router.register("policies/findings", FindingViewSet, basename="api-policy-finding")
router.register("policies/reviews", ReviewViewSet, basename="api-policy-review")
router.register("policies", PolicyViewSet, basename="api-policy")
router.register("books", BookViewSet, basename="api-book")
router.register("ledger", LedgerEntryViewSet, basename="api-ledger")
router.register("exports", ExportViewSet, basename="api-export")
router.register("regular-exports", RegularExportViewSet, basename="api-regular-export")
router.register("digests", DigestViewSet, basename="api-digest")
router.register("dashboards", DashboardViewSet, basename="api-dashboard")

urlpatterns: list[URLPattern | URLResolver] = [
    path("incidents/<int:pk>/review/", IncidentReviewView.as_view(), name="api-review"),
    path("policies/<slug:slug>/backtest/", BackTestView.as_view(), name="api-policy-backtest"),
    path("on-call/", OnCallView.as_view(), name="api-on-call"),
    path("severity/proposal/", SeverityProposalView.as_view(), name="api-severity-proposal"),
    path("workload/", WorkloadView.as_view(), name="api-workload"),
    path("operations/", OperationsView.as_view(), name="api-operations"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    *router.urls,
]
