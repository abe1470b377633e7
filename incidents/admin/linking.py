"""Links between incidents and saved views. To look at: pages and API change them, with what follows from it."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import ReadOnlyAdmin, column
from incidents.models import IncidentLink, OpeningView, SavedView


@admin.register(IncidentLink)
class IncidentLinkAdmin(ReadOnlyAdmin):
    list_display = ("source", "kind_label", "target", "by", "at")
    list_select_related = ("source", "target", "by")
    list_filter = (("at", RangeDateTimeFilter), "kind")
    search_fields = ("=source__id", "=target__id")
    ordering = ("-id",)

    @column(_("kind"), ordering="kind")
    def kind_label(self, link: IncidentLink) -> str:
        return link.get_kind_display()


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ("name", "place", "owner", "shared", "team", "created_at")
    list_select_related = ("owner", "team")
    list_filter = ("place", "shared", "team")
    search_fields = ("name", "owner__username", "owner__last_name")
    ordering = ("-id",)


@admin.register(OpeningView)
class OpeningViewAdmin(ReadOnlyAdmin):
    list_display = ("view", "place", "user", "team")
    list_select_related = ("view", "user", "team")
    list_filter = ("place", "team")
    search_fields = ("view__name", "user__username")
    ordering = ("-id",)
