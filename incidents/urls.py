"""Addresses below /incidents/."""

from django.urls import path

from incidents.views import actions, catalogue, detail, filing, listing

app_name = "incidents"
urlpatterns = [
    path("", listing.incident_list, name="list"),
    path("bulk/", listing.incidents_bulk, name="bulk"),
    path("new/", filing.incident_new, name="new"),
    path("new/preview/", filing.filing_preview, name="preview"),
    path("services/", catalogue.service_list, name="services"),
    path("services/<slug:slug>/", catalogue.service_detail, name="service"),
    path("<int:pk>/", detail.incident_detail, name="incident"),
    path("<int:pk>/live/", detail.incident_live, name="live"),
    path("<int:pk>/around/", detail.incident_around, name="around"),
    path("<int:pk>/comment/", actions.incident_write, name="comment"),
    path("<int:pk>/<slug:verb>/", actions.incident_act, name="act"),
]
