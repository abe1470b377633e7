"""Addresses of the first run. They come before allauth's, whose sign-in page the first of them stands before."""

from django.urls import path

from escalation_site.first_run import views

urlpatterns = [
    path("accounts/login/", views.sign_in, name="sign_in"),
    path("welcome/", views.first_run, name="first_run"),
    path("welcome/team/", views.team, name="first_run_team"),
    path("welcome/schedule/", views.schedule, name="first_run_schedule"),
    path("welcome/policy/", views.policy, name="first_run_policy"),
    path("welcome/service/", views.service, name="first_run_service"),
    path("welcome/test/", views.test, name="first_run_test"),
]
