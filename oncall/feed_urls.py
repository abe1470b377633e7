"""The address that calendar programs fetch. It stands alone, as short as it can be: people copy it by hand."""

from django.urls import path

from oncall import calendar_views

urlpatterns = [path("<str:token>.ics", calendar_views.feed, name="calendar_feed")]
