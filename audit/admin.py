"""The ledger in the admin: to look at. Its own browser, with exports, is below /audit/."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.paginator import InfinitePaginator

from audit.models import LedgerEntry
from escalation_site.admin_site.base import ReadOnlyAdmin


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "object_label", "actor_label", "source", "address")
    list_filter = (("at", RangeDateTimeFilter), "actor_kind")
    # Whole words only: each has an index, while a search within texts would read the whole ledger.
    search_fields = ("=action", "=subject", "=actor_id")
    search_help_text = "incident.acknowledge · incident:42"
    ordering = ("-id",)
    # Nor is it counted: the ledger only grows.
    paginator = InfinitePaginator
    fieldsets = (
        (None, {"fields": ("at", "action", "actor_label", "actor_kind", "actor_id", "source", "address")}),
        (None, {"fields": ("object_label", "object_type", "object_id", "subject", "action_id")}),
        (None, {"fields": ("before", "after", "data")}),
    )
