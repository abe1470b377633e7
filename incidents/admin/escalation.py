"""Escalation runs and pages: to look at. A run that was set aside may be tried again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import SOURCE, ReadOnlyAdmin, ReadOnlyTabular, column, each
from incidents.alarm_words import alarm_words
from incidents.models import (
    Alarm,
    EscalationRun,
    Page,
    PageReport,
    ProcessBeat,
    RespondingTeam,
    RoutingDecision,
)
from incidents.services.operations import run_retry

PAGE_LABELS = {"pending": "info", "delivered": "success", "failed": "danger", "cancelled": "default"}


class PageInline(ReadOnlyTabular):
    model = Page
    fields = ("cycle", "level", "recipient", "state", "state_reason", "created_at", "answered_at", "declined_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        return super().get_queryset(request).select_related("recipient")  # type: ignore[no-any-return]  # unfold's admin is untyped


@admin.register(EscalationRun)
class EscalationRunAdmin(ReadOnlyAdmin):
    list_display = (
        "incident",
        "policy_version",
        "phase",
        "level_number",
        "cycle",
        "next_due_at",
        "set_aside_at",
        "superseded",
    )
    list_select_related = ("incident", "policy_version__policy")
    list_filter = ("phase", "superseded", ("set_aside_at", admin.EmptyFieldListFilter))
    search_fields = ("=incident__id", "incident__title", "error")
    ordering = ("-id",)
    inlines = (PageInline,)
    actions = ("retry",)

    @column(_("level"), ordering="level")
    def level_number(self, run: EscalationRun) -> int:
        return run.level + 1

    @admin.action(description=_("Try the chosen set-aside runs again"), permissions=["view"])
    def retry(self, request: HttpRequest, chosen: QuerySet[EscalationRun]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.order_by("priority", "pk")),
            lambda run, at: run_retry(run=run, actor=actor, at=at, source=SOURCE),
            lambda n: ngettext("%(n)d run goes on.", "%(n)d runs go on.", n) % {"n": n},
        )


@admin.register(Page)
class PageAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "recipient",
        "incident",
        "level_number",
        "cycle",
        "state_label",
        "state_reason",
        "answered_at",
    )
    list_select_related = ("recipient", "incident")
    list_filter = (("created_at", RangeDateTimeFilter), "state")
    search_fields = ("=incident__id", "recipient__username", "recipient__first_name", "recipient__last_name")
    ordering = ("-id",)
    # Part of what a link's signature covers: nobody but its recipient has a use for it.
    exclude = ("link_nonce",)

    @column(_("level"), ordering="level")
    def level_number(self, page: Page) -> int:
        return page.level + 1

    @column(_("state"), ordering="state", label=PAGE_LABELS)
    def state_label(self, page: Page) -> tuple[str, str]:
        return page.state, page.get_state_display()


@admin.register(PageReport)
class PageReportAdmin(ReadOnlyAdmin):
    list_display = ("at", "page", "outcome", "reason", "processed_at")
    list_select_related = ("page",)
    list_filter = ("outcome", ("processed_at", admin.EmptyFieldListFilter))
    search_fields = ("=page__id", "reason")
    ordering = ("-id",)


@admin.register(ProcessBeat)
class ProcessBeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "host", "pid", "started_at", "beat_at")
    list_filter = ("name", "host")
    search_fields = ("name", "host")


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(ReadOnlyAdmin):
    list_display = ("at", "incident", "cause", "book_version")
    list_select_related = ("incident", "book_version")
    list_filter = (("at", RangeDateTimeFilter), "cause")
    search_fields = ("=incident__id",)
    ordering = ("-id",)


@admin.register(RespondingTeam)
class RespondingTeamAdmin(ReadOnlyAdmin):
    list_display = ("joined_at", "incident", "team")
    list_select_related = ("incident", "team")
    list_filter = ("team",)
    search_fields = ("=incident__id", "team__name")
    ordering = ("-id",)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ("opened_at", "words", "told_at", "gone_at")
    list_filter = (("gone_at", admin.EmptyFieldListFilter), "code")
    search_fields = ("code",)

    @column(_("what is wrong"))
    def words(self, alarm: Alarm) -> str:
        return alarm_words(alarm.code, alarm.data)
