"""Addresses of the dashboard."""

from django.urls import path

from reports import views

app_name = "reports"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("incidents/", views.incident_list, name="incidents"),
    path("incidents.csv", views.incident_export, name="export"),
]
