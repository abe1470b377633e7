"""Addresses of every place of the navigation, for tests of the frame alone."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def blank(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("", include("escalation_site.ui.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *[
        path(p, blank)
        for p in (
            "",
            "incidents/",
            "incidents/new/",
            "oncall/",
            "policies/",
            "incidents/services/",
            "reports/",
            "audit/",
            "admin/",
        )
    ],
]
