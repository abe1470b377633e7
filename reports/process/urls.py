"""Addresses of the process checks, below /reports/process/."""

from django.urls import path

from reports.process import views

app_name = "process"
urlpatterns = [
    path("", views.checks, name="checks"),
    path("incidents/", views.behind, name="behind"),
    path("problem/", views.open_problem, name="problem"),
]
