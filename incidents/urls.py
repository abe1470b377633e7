"""Addresses below /incidents/, and those of handoffs below /oncall/."""

from django.urls import include, path

from incidents.board_urls import board_pages
from incidents.builder_urls import builder_pages, review_pages
from incidents.filing_urls import filing_pages
from incidents.listing_urls import list_pages
from incidents.talk_urls import talk_pages
from incidents.views import actions, assess, catalogue, checkpoint, detail, filing, handoff
from incidents.work_urls import work_pages

app_name = "incidents"
incident_pages = [
    *list_pages,
    path("new/", filing.incident_new, name="new"),
    path("new/preview/", filing.filing_preview, name="preview"),
    *filing_pages,
    path("services/", catalogue.service_list, name="services"),
    path("services/<slug:slug>/", catalogue.service_detail, name="service"),
    *board_pages,
    *builder_pages,
    path("<int:pk>/", detail.incident_detail, name="incident"),
    path("<int:pk>/live/", detail.incident_live, name="live"),
    path("<int:pk>/around/", detail.incident_around, name="around"),
    path("<int:pk>/severity/preview/", actions.severity_preview, name="severity_preview"),
    *talk_pages,
    *review_pages,
    path("<int:pk>/checkpoints/<int:number>/", checkpoint.checkpoint_detail, name="checkpoint"),
    path("<int:pk>/checkpoints/<int:number>/decide/", checkpoint.checkpoint_decided, name="checkpoint_decide"),
    path("<int:pk>/assess/", assess.incident_assessing, name="assess"),
    *work_pages,
    path("<int:pk>/<slug:verb>/", actions.incident_act, name="act"),
]
# What is open makes most of a brief, so that its pages are this app's; people look for them beside the schedules.
handoff_pages = [
    path("handoffs/", handoff.handoff_list, name="handoffs"),
    path("handoffs/<int:pk>/", handoff.handoff_detail, name="handoff"),
    path("handoffs/<int:pk>/accept/", handoff.handoff_accept, name="handoff_accept"),
    path("handoffs/<int:pk>/rate/", handoff.handoff_rate, name="handoff_rate"),
    path("handoffs/notes/<int:pk>/done/", handoff.handoff_note_done, name="handoff_note_done"),
    path("<slug:slug>/handoff/", handoff.handoff_next, name="handoff_next"),
    path("<slug:slug>/handoff/note/", handoff.handoff_note, name="handoff_note"),
]
urlpatterns = [
    path("incidents/", include(incident_pages)),
    path("oncall/", include(handoff_pages)),
]
