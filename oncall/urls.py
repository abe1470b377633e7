"""Addresses of the on-call pages."""

from django.urls import path

from oncall import load_views, views

app_name = "oncall"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("overrides/<int:pk>/cancel/", views.cancel_override, name="override_cancel"),
    path("workload/", load_views.workload, name="workload"),
    path("workload/export.csv", load_views.hours_export, name="hours_export"),
    path("clashes/", load_views.clashes, name="clashes"),
    path("<slug:slug>/", views.schedule, name="schedule"),
    path("<slug:slug>/take-over/", views.take_over, name="take_over"),
]
