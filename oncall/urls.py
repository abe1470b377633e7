"""Addresses of the on-call pages."""

from django.urls import path

from oncall import absence_views, calendar_views, editing_views, exchange_views, load_views, swap_views, views

app_name = "oncall"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("overrides/<int:pk>/cancel/", views.cancel_override, name="override_cancel"),
    path("mine/", exchange_views.mine, name="mine"),
    path("mine/holidays/", exchange_views.my_holidays, name="my_holidays"),
    path("absences/", absence_views.absence_list, name="absences"),
    path("absences/new/", absence_views.absence_new, name="absence_new"),
    path("absences/<int:pk>/<slug:verb>/", absence_views.absence_act, name="absence_act"),
    path("swaps/answer/<str:token>/", swap_views.swap_answer, name="swap_answer"),
    path("swaps/answer/<str:token>/<slug:verb>/", swap_views.swap_answer_act, name="swap_answer_act"),
    path("swaps/<int:pk>/", swap_views.swap_show, name="swap"),
    path("swaps/<int:pk>/<slug:verb>/", swap_views.swap_act, name="swap_act"),
    path("workload/", load_views.workload, name="workload"),
    path("workload/export.csv", load_views.hours_export, name="hours_export"),
    path("clashes/", load_views.clashes, name="clashes"),
    path("new/", editing_views.schedule_new, name="schedule_new"),
    path("new/preview/", editing_views.preview, name="schedule_new_preview"),
    path("calendars/", calendar_views.calendars, name="calendars"),
    path("calendars/feeds/", calendar_views.feed_create, name="feed_create"),
    path("calendars/feeds/<int:pk>/revoke/", calendar_views.feed_revoke, name="feed_revoke"),
    path("calendars/read/", calendar_views.source_add, name="source_add"),
    path("calendars/read/file/", calendar_views.source_upload, name="source_upload"),
    path("calendars/read/<int:pk>/now/", calendar_views.source_read, name="source_read"),
    path("calendars/read/<int:pk>/remove/", calendar_views.source_remove, name="source_remove"),
    path("<slug:slug>/", views.schedule, name="schedule"),
    path("<slug:slug>/edit/", editing_views.schedule_change, name="schedule_edit"),
    path("<slug:slug>/edit/preview/", editing_views.preview, name="schedule_edit_preview"),
    path("<slug:slug>/history/", editing_views.history, name="schedule_history"),
    path("<slug:slug>/override/", exchange_views.override_new, name="override_plan"),
    path("<slug:slug>/swap/", swap_views.swap_new, name="swap_new"),
    path("<slug:slug>/take-over/", views.take_over, name="take_over"),
]
