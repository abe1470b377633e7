"""Checkpoints and those they asked: to look at. Deciding happens where the question is."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from escalation_site.admin_site.base import ReadOnlyAdmin, ReadOnlyTabular
from incidents.models import Checkpoint, CheckpointAsk


class AskInline(ReadOnlyTabular):
    model = CheckpointAsk
    fields: Any = ("user", "message")
    readonly_fields: Any = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[CheckpointAsk]:
        return super().get_queryset(request).select_related("user", "message")  # type: ignore[no-any-return]  # unfold's admin is untyped


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("incident", "action", "created_at", "due_at", "fallback", "outcome", "decided_by", "decided_at")
    list_select_related = ("incident", "decided_by")
    list_filter = ("action", "outcome", "fallback")
    search_fields = ("=incident__id", "incident__title", "reason", "note")
    ordering = ("-id",)
    inlines = (AskInline,)


@admin.register(CheckpointAsk)
class CheckpointAskAdmin(ReadOnlyAdmin):
    list_display = ("checkpoint", "user", "message")
    list_select_related = ("checkpoint", "user", "message")
    search_fields = ("=checkpoint__incident__id", "user__username", "user__last_name")
    ordering = ("-id",)
