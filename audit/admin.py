"""The ledger in the admin: to look at. Its own browser, with exports, is below /audit/."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.paginator import InfinitePaginator

from audit.models import (
    Keeper,
    KeeperSending,
    LedgerBeat,
    LedgerCheck,
    LedgerDigest,
    LedgerEntry,
    LedgerHorizon,
    LedgerKey,
    LedgerSalt,
    LedgerSeal,
    LedgerSegment,
    LedgerTile,
)
from escalation_site.admin_site.base import PlainAdmin, ReadOnlyAdmin


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


@admin.register(LedgerSeal)
class LedgerSealAdmin(ReadOnlyAdmin):
    list_display = ("at", "begins", "size")
    search_fields = ("=size",)
    ordering = ("-begins",)
    paginator = InfinitePaginator
    fields = ("at", "begins", "size", "note", "contents")


@admin.register(LedgerKey)
class LedgerKeyAdmin(ReadOnlyAdmin):
    list_display = ("public", "since", "retired_at")
    search_fields = ("public",)


@admin.register(LedgerHorizon)
class LedgerHorizonAdmin(ReadOnlyAdmin):
    list_display = ("table", "upto")
    search_fields = ("table",)


@admin.register(LedgerTile)
class LedgerTileAdmin(ReadOnlyAdmin):
    list_display = ("level", "index")
    search_fields = ("=index",)
    paginator = InfinitePaginator
    fields = ("level", "index")


@admin.register(LedgerSalt)
class LedgerSaltAdmin(ReadOnlyAdmin):
    """Without the salts themselves: they are secrets."""

    list_display = ("subject", "destroyed_at")
    search_fields = ("=subject",)
    paginator = InfinitePaginator
    fields = ("subject", "destroyed_at")


@admin.register(LedgerDigest)
class LedgerDigestAdmin(ReadOnlyAdmin):
    list_display = ("table", "row", "part")
    search_fields = ("=row",)
    paginator = InfinitePaginator


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    list_display = ("begun_at", "scope", "ended_at", "begins", "reached", "found")
    list_filter = ("scope",)
    search_fields = ("=reached",)
    ordering = ("-id",)
    paginator = InfinitePaginator


@admin.register(LedgerBeat)
class LedgerBeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "failed_at", "error")
    search_fields = ("name",)


@admin.register(Keeper)
class KeeperAdmin(PlainAdmin):
    """Who outside gets checkpoints, and whether they do."""

    list_display = ("name", "kind", "address", "enabled", "every_minutes", "sent_at", "sent_size", "failures")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "slug", "address")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("sent_at", "sent_size", "next_at", "failures", "last_error")


@admin.register(KeeperSending)
class KeeperSendingAdmin(ReadOnlyAdmin):
    list_display = ("at", "keeper", "size", "outcome", "detail")
    list_filter = ("outcome", "keeper")
    list_select_related = ("keeper",)
    search_fields = ("=size",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    fields = ("at", "keeper", "size", "outcome", "detail", "cosigned")


@admin.register(LedgerSegment)
class LedgerSegmentAdmin(ReadOnlyAdmin):
    list_display = ("begins", "size", "first_at", "last_at", "archived_at", "file", "dropped_at")
    search_fields = ("file", "sha256")
    ordering = ("-begins",)
