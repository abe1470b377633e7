"""Rolled-up figures and people's dashboards in the admin: to look at. Figures follow the ledger; a command makes them anew."""

from django.contrib import admin

from escalation_site.admin_site.base import ReadOnlyAdmin
from reports.models import Dashboard, DayAnswers, DayFigures, FiguresCursor, IncidentFigures, PageFigures


@admin.register(IncidentFigures)
class IncidentFiguresAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "started_at", "severity", "open", "acknowledge", "resolve", "counted", "restricted")
    list_filter = ("severity", "open", "counted", "restricted")
    search_fields = ("=incident__pk",)


@admin.register(PageFigures)
class PageFiguresAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "incident", "person", "at", "hours", "delivered")
    list_filter = ("hours",)
    search_fields = ("=incident__pk", "person__username")
    list_select_related = ("incident", "person")


@admin.register(DayFigures)
class DayFiguresAdmin(ReadOnlyAdmin):
    list_display = ("day", "kind", "count", "stale")
    list_filter = ("kind", "stale")
    search_fields = ("day",)
    date_hierarchy = "day"
    exclude = ("data",)


@admin.register(DayAnswers)
class DayAnswersAdmin(ReadOnlyAdmin):
    list_display = ("day",)
    search_fields = ("day",)
    date_hierarchy = "day"
    exclude = ("data",)


@admin.register(FiguresCursor)
class FiguresCursorAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "followed_at", "fill_from", "fill_to")
    search_fields = ("=pk",)


@admin.register(Dashboard)
class DashboardAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "shared", "team", "created_at")
    list_filter = ("shared",)
    list_select_related = ("owner", "team")
    search_fields = ("name",)
