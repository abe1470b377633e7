"""Addresses of exports, below /reports/exports/."""

from django.urls import path

from reports.exports import views

app_name = "exports"
urlpatterns = [
    path("", views.export_list, name="list"),
    path("take/", views.export_take, name="take"),
    path("files/<int:pk>/", views.export_file, name="file"),
    path("regular/new/", views.schedule_edit, name="schedule_new"),
    path("regular/<int:pk>/", views.schedule_edit, name="schedule"),
    path("regular/<int:pk>/delete/", views.schedule_delete, name="schedule_delete"),
]
