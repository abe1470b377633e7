"""Addresses of the on-call pages."""

from django.urls import path

from oncall import editing_views, load_views, views

app_name = "oncall"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("overrides/<int:pk>/cancel/", views.cancel_override, name="override_cancel"),
    path("workload/", load_views.workload, name="workload"),
    path("workload/export.csv", load_views.hours_export, name="hours_export"),
    path("clashes/", load_views.clashes, name="clashes"),
    path("new/", editing_views.schedule_new, name="schedule_new"),
    path("new/preview/", editing_views.preview, name="schedule_new_preview"),
    path("<slug:slug>/", views.schedule, name="schedule"),
    path("<slug:slug>/edit/", editing_views.schedule_change, name="schedule_edit"),
    path("<slug:slug>/edit/preview/", editing_views.preview, name="schedule_edit_preview"),
    path("<slug:slug>/history/", editing_views.history, name="schedule_history"),
    path("<slug:slug>/take-over/", views.take_over, name="take_over"),
]
