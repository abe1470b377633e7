"""Absences, swaps and handoffs in the admin: to look at, with what an administrator may have to end or decide."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from escalation_site.admin_site.base import Admin, ReadOnlyAdmin, ReadOnlyMixin, ReadOnlyTabular, each
from oncall.absences import absence_approve, absence_cancel, absence_decline
from oncall.models import Absence, DutyClock, Handoff, HandoffNote, Swap, SwapAsk
from oncall.swaps import swap_cancel


@admin.register(Absence)
class AbsenceAdmin(ReadOnlyMixin, Admin):
    """Planned on the pages, read from calendars, or made by a public holiday; decided and ended here as there."""

    list_display = ("user", "kind", "state", "start", "end", "reason", "decided_by")
    list_select_related = ("user", "decided_by")
    list_filter = ("state", "kind", "user")
    search_fields = ("user__username", "user__first_name", "user__last_name", "reason")
    ordering = ("-start", "-id")
    actions = ("approve", "decline", "cancel")

    @admin.action(description=_("Approve the chosen absences"), permissions=["view"])
    def approve(self, request: HttpRequest, chosen: QuerySet[Absence]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.select_related("user")),
            lambda absence, at: absence_approve(absence=absence, actor=actor, at=at),
            lambda n: ngettext("%(n)d absence approved.", "%(n)d absences approved.", n) % {"n": n},
        )

    @admin.action(description=_("Decline the chosen absences"), permissions=["view"])
    def decline(self, request: HttpRequest, chosen: QuerySet[Absence]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.select_related("user")),
            lambda absence, at: absence_decline(absence=absence, actor=actor, at=at),
            lambda n: ngettext("%(n)d absence declined.", "%(n)d absences declined.", n) % {"n": n},
        )

    @admin.action(description=_("End the chosen absences now"), permissions=["view"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Absence]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.select_related("user")),
            lambda absence, at: absence_cancel(absence=absence, actor=actor, at=at),
            lambda n: ngettext("%(n)d absence ended.", "%(n)d absences ended.", n) % {"n": n},
        )


class SwapAskInline(ReadOnlyTabular):
    model = SwapAsk
    fields = ("user", "asked_at", "answer", "answered_at")
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SwapAsk]:
        return super().get_queryset(request).select_related("user", "swap__schedule")  # type: ignore[no-any-return]  # unfold's admin is untyped


@admin.register(Swap)
class SwapAdmin(ReadOnlyMixin, Admin):
    """Asked and answered by people themselves; an administrator can withdraw one that is not settled."""

    list_display = ("requester", "schedule", "role", "start", "end", "state", "accepted_by", "expires_at")
    list_select_related = ("requester", "schedule", "accepted_by")
    list_filter = ("state", "schedule")
    search_fields = ("requester__username", "requester__first_name", "requester__last_name", "schedule__name", "note")
    ordering = ("-created_at", "-id")
    inlines = (SwapAskInline,)
    actions = ("cancel",)

    @admin.action(description=_("Withdraw the chosen swaps"), permissions=["view"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Swap]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen),
            lambda swap, at: swap_cancel(swap_id=swap.pk, actor=actor, at=at),
            lambda n: ngettext("%(n)d swap withdrawn.", "%(n)d swaps withdrawn.", n) % {"n": n},
        )


@admin.register(SwapAsk)
class SwapAskAdmin(ReadOnlyAdmin):
    list_display = ("user", "swap", "asked_at", "answer", "answered_at")
    list_select_related = ("user", "swap__requester", "swap__schedule")
    list_filter = ("answer",)
    search_fields = ("user__username", "user__first_name", "user__last_name", "swap__schedule__name")
    ordering = ("-asked_at", "-id")


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyMixin, Admin):
    """Made by the minute's task and accepted by whoever has come on call."""

    list_display = ("schedule", "role", "at", "outgoing", "incoming", "accepted_at", "complete", "reminders")
    list_select_related = ("schedule", "outgoing", "incoming")
    list_filter = ("schedule", ("accepted_at", admin.EmptyFieldListFilter), "complete")
    search_fields = ("schedule__name", "incoming__username", "outgoing__username", "remark")
    ordering = ("-at", "-id")


@admin.register(HandoffNote)
class HandoffNoteAdmin(ReadOnlyMixin, Admin):
    list_display = ("schedule", "author", "text", "watch", "created_at", "done_at", "done_by")
    list_select_related = ("schedule", "author", "done_by")
    list_filter = ("schedule", "watch")
    search_fields = ("schedule__name", "author__username", "text")
    ordering = ("-created_at", "-id")


@admin.register(DutyClock)
class DutyClockAdmin(ReadOnlyAdmin):
    """How far the minute's task has looked for handoffs."""

    list_display = ("schedule", "checked_until")
    list_select_related = ("schedule",)
    search_fields = ("schedule__name",)
    ordering = ("checked_until",)
