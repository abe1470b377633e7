"""Addresses of the policy pages."""

from django.urls import path

from policies import tool_views, views

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("tools/conditions/", tool_views.conditions, name="conditions"),
    path("<slug:slug>/", views.policy, name="policy"),
    path("<slug:slug>/now/", views.policy_now, name="now"),
]
