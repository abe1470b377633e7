"""The address of every page. Refusals and failures are shown with templates/400.html … 500.html and 403_csrf.html."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from escalation_site.health import healthz, metrics, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("incidents.intake.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("incidents/", include("incidents.urls")),
    path("p/<str:token>/", include("incidents.page_urls")),
]
