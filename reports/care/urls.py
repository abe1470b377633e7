"""Addresses of findings and reviews, below /policies/: people look for them beside the policies."""

from django.urls import path

from reports.care import views

app_name = "care"
urlpatterns = [
    path("findings/", views.findings, name="findings"),
    path("findings/look/", views.findings_look, name="findings_look"),
    path("reviews/", views.reviews, name="reviews"),
    path("reviews/<int:pk>/", views.review, name="review"),
]
