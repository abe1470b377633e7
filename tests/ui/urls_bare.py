"""An installation that has nothing but its home page."""

from django.urls import path

from tests.ui.urls import blank

urlpatterns = [path("", blank)]
