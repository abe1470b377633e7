"""Addresses of digests, below /reports/digests/."""

from django.urls import path

from reports.digests import views

app_name = "digests"
urlpatterns = [
    path("", views.digest_list, name="list"),
    path("new/", views.digest_edit, name="new"),
    path("<int:pk>/", views.digest_page, name="digest"),
    path("<int:pk>/edit/", views.digest_edit, name="edit"),
    path("<int:pk>/mine/", views.digest_mine, name="mine"),
]
