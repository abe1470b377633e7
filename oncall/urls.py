"""Addresses of the on-call pages."""

from django.urls import path

from oncall import views

app_name = "oncall"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("overrides/<int:pk>/cancel/", views.cancel_override, name="override_cancel"),
    path("<slug:slug>/", views.schedule, name="schedule"),
    path("<slug:slug>/take-over/", views.take_over, name="take_over"),
]
