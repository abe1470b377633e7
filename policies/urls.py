"""Addresses of the policy pages."""

from django.urls import path

from policies import editing_views, simulation_views, tool_views, views

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("tools/conditions/", tool_views.conditions, name="conditions"),
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
