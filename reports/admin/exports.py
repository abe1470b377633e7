"""Exports and digests. To look at: their pages change them, with what follows from it."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import ReadOnlyAdmin, column
from reports.models import Digest, DigestReader, ExportFile, ExportSchedule


@admin.register(ExportSchedule)
class ExportScheduleAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "source", "format", "cadence", "active", "next_due_at")
    list_select_related = ("owner",)
    list_filter = ("active", "source", "format", "cadence")
    search_fields = ("name", "owner__username", "owner__last_name")
    ordering = ("-id",)


@admin.register(ExportFile)
class ExportFileAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "source", "format", "state_label", "rows", "size", "asked_at")
    list_select_related = ("owner",)
    list_filter = (("asked_at", RangeDateTimeFilter), "state", "source", "format")
    search_fields = ("name", "owner__username", "owner__last_name")
    ordering = ("-id",)
    # The bytes are their owner's: whoever looks after the house sees that there are some, and not what is in them.
    exclude = ("file",)

    @column(_("state"), ordering="state")
    def state_label(self, row: ExportFile) -> str:
        return row.get_state_display()


@admin.register(Digest)
class DigestAdmin(ReadOnlyAdmin):
    list_display = ("kind", "team", "send_at", "zone", "active", "next_due_at", "sent_at")
    list_select_related = ("team",)
    list_filter = ("active", "kind", "team")
    search_fields = ("team__name",)
    ordering = ("kind", "team__name")


@admin.register(DigestReader)
class DigestReaderAdmin(ReadOnlyAdmin):
    list_display = ("digest", "user", "wanted")
    list_select_related = ("digest__team", "user")
    list_filter = ("wanted", "digest__kind")
    search_fields = ("user__username", "user__last_name", "digest__team__name")
    ordering = ("digest", "user__username")
