"""The doors for signals. Both spellings of each address are routed: a redirect would lose the body."""

from django.urls import path

from incidents.intake import views

urlpatterns = [
    path("v2/enqueue", views.events),
    path("v2/enqueue/", views.events, name="events"),
    path("integrations/<slug:kind>/<str:key>", views.webhook),
    path("integrations/<slug:kind>/<str:key>/", views.webhook, name="webhook"),
]
