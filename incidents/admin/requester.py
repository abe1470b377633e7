"""What people add while they file and wait: files, drafts, followers, survey answers, complaints. To look at; the services write."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import ReadOnlyAdmin, column
from incidents.models import Attachment, Complaint, FilingDraft, Follower, Survey

STATE_LABELS = {"waiting": "warning", "clean": "success", "refused": "danger", "failed": "danger"}


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    """The files themselves are given out by their page only, which asks who may have them."""

    list_display = ("name", "incident", "content_type", "size", "state_label", "public", "uploaded_by", "created_at")
    list_select_related = ("incident", "uploaded_by")
    list_filter = (("created_at", RangeDateTimeFilter), "state", "public", "content_type")
    search_fields = ("name", "=sha256", "=incident__id")
    ordering = ("-id",)
    exclude = ("file",)

    @column(_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, attachment: Attachment) -> tuple[str, str]:
        return attachment.state, attachment.get_state_display()


@admin.register(FilingDraft)
class FilingDraftAdmin(ReadOnlyAdmin):
    """That there is one. What somebody typed and has not filed is theirs."""

    list_display = ("user", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__last_name")
    fields = ("user", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fields


@admin.register(Follower)
class FollowerAdmin(ReadOnlyAdmin):
    list_display = ("user", "incident", "since", "gathered", "told_at")
    list_select_related = ("user", "incident")
    list_filter = ("gathered",)
    search_fields = ("user__username", "=incident__id")
    ordering = ("-id",)


@admin.register(Survey)
class SurveyAdmin(ReadOnlyAdmin):
    list_display = ("incident", "score", "user", "text", "at")
    list_select_related = ("incident", "user")
    list_filter = (("at", RangeDateTimeFilter), "score")
    search_fields = ("text", "=incident__id", "user__username")
    ordering = ("-id",)


@admin.register(Complaint)
class ComplaintAdmin(ReadOnlyAdmin):
    list_display = ("incident", "complainant", "customer", "owner", "due_at", "answered_at")
    list_select_related = ("incident", "customer", "owner")
    list_filter = (("received_at", RangeDateTimeFilter), "answered_at", "customer")
    search_fields = ("text", "complainant", "=incident__id")
    ordering = ("-id",)
