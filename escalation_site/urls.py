"""The address of every page. Refusals and failures are shown with templates/400.html … 500.html and 403_csrf.html."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from escalation_site.accounts import addresses_closed
from escalation_site.api.tokens import token_end, tokens
from escalation_site.health import healthz, metrics, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("incidents.intake.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    # Before allauth's: its sign-in page leads to the first run while there is nobody.
    path("", include("escalation_site.first_run.urls")),
    path("", include("escalation_site.home.urls")),
    path("", include("escalation_site.ui.urls")),
    path("accounts/tokens/", tokens, name="api_tokens"),
    path("accounts/tokens/<int:pk>/revoke/", token_end, name="api_token_end"),
    path("accounts/email/", addresses_closed),
    path("", include("incidents.chat_urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include("incidents.urls")),
    path("oncall/", include("oncall.urls")),
    path("calendar/", include("oncall.feed_urls")),
    # Before the policies themselves, whose names are addresses there.
    path("policies/", include("reports.care.urls")),
    path("policies/", include("incidents.backtest.urls")),
    path("policies/", include("policies.urls")),
    path("reports/exports/", include("reports.exports.urls")),
    path("reports/digests/", include("reports.digests.urls")),
    path("reports/process/", include("reports.process.urls")),
    path("reports/", include("reports.urls")),
    path("audit/", include("reports.audit_urls")),
    path("operations/", include("escalation_site.operations.urls")),
    path("api/v1/", include("escalation_site.api.urls")),
    path("p/<str:token>/", include("incidents.page_urls")),
]
