"""Addresses of the dashboards."""

from django.urls import path

from reports import board_views, views
from reports.work.views import work_list

app_name = "reports"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("tabs/<slug:tab>/", views.overview, name="tab"),
    path("by/<slug:dimension>/", views.by_dimension, name="by"),
    path("boards/", board_views.board_list, name="boards"),
    path("boards/<int:pk>/", board_views.board, name="board"),
    path("boards/<int:pk>/change/", board_views.board_change, name="board_change"),
    path("boards/<int:pk>/card/", board_views.board_card, name="board_card"),
    path("boards/<int:pk>/copy/", board_views.board_copy, name="board_copy"),
    path("boards/<int:pk>/delete/", board_views.board_delete, name="board_delete"),
    path("definitions/", views.definitions, name="definitions"),
    path("incidents/", views.incident_list, name="incidents"),
    path("pages/", views.page_list, name="pages"),
    path("tasks/", work_list, name="work"),
    path("incidents.csv", views.incident_export, name="export"),
]
