"""Addresses of the home pages."""

from django.urls import path

from escalation_site.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("test-page/", views.test_page, name="test_page"),
]
