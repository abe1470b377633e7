"""Addresses of the operations page."""

from django.urls import path

from escalation_site.operations import views

urlpatterns = [
    path("", views.page, name="operations"),
    path("signals/retry/", views.signals_again, name="operations_signals_retry"),
    path("runs/<int:pk>/retry/", views.run_again, name="operations_run_retry"),
]
