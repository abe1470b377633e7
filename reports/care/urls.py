"""Addresses of findings and reviews, below /policies/: people look for them beside the policies."""

from django.urls import path

from reports.care import views

app_name = "care"
urlpatterns = [
    path("findings/", views.findings, name="findings"),
    path("findings/look/", views.findings_look, name="findings_look"),
    path("tools/rules/past/", views.rules_past, name="rules_past"),
    path("tools/rules/held/<slug:key>/", views.rules_held, name="rules_held"),
    path("reviews/", views.reviews, name="reviews"),
    path("reviews/<int:pk>/", views.review, name="review"),
]
