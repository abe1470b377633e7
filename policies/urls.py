"""Addresses of the policy pages."""

from django.urls import path

from policies import (
    book_views,
    criteria_views,
    editing_views,
    rules_views,
    simulation_views,
    terms_views,
    tool_views,
    views,
)

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("criteria/", criteria_views.criteria, name="criteria"),
    path("tools/criteria/", criteria_views.criteria_edit, name="criteria_edit"),
    path("tools/conditions/", tool_views.conditions, name="conditions"),
    path("tools/sla/", terms_views.sla, name="sla"),
    path("tools/priority/", terms_views.priority, name="priority"),
    path("tools/channels/", terms_views.channels, name="channels"),
    path("tools/calendars/", terms_views.calendars, name="calendars"),
    path("tools/calendars/new/", terms_views.calendar_new, name="calendar_new"),
    path("tools/calendars/<slug:slug>/", terms_views.calendar_edit, name="calendar_edit"),
    path("tools/calendars/<slug:slug>/remove/", terms_views.calendar_remove, name="calendar_remove"),
    path("rules/", rules_views.rules, name="rules"),
    path("rules/edit/", rules_views.rules_edit, name="rules_edit"),
    path("rules/versions/<int:version>/", rules_views.rules_version, name="rules_version"),
    path("tools/rules/", rules_views.rules_try, name="rules_try"),
    path("tools/<str:book>/history/", book_views.history, name="book_history"),
    path("tools/<str:book>/versions/<str:version>/", book_views.book_version, name="book_version"),
    path("new/", editing_views.policy_new, name="policy_new"),
    path("new/preview/", editing_views.preview, name="policy_new_preview"),
    path("<slug:slug>/", views.policy, name="policy"),
    path("<slug:slug>/edit/", editing_views.policy_change, name="policy_edit"),
    path("<slug:slug>/edit/preview/", editing_views.preview, name="policy_edit_preview"),
    path("<slug:slug>/history/", editing_views.history, name="policy_history"),
    path("<slug:slug>/policy.md", views.policy_document, name="document"),
    path("<slug:slug>/now/", views.policy_now, name="now"),
    path("<slug:slug>/simulate/", simulation_views.simulate, name="simulate"),
]
