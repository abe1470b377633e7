"""Addresses of the pages that belong to the look itself."""

from django.urls import path

from escalation_site.ui.views import design_page

urlpatterns = [path("design/", design_page, name="design")]
