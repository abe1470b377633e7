"""What came in: raw signals, and the alerts read out of them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.paginator import InfinitePaginator

from escalation_site.admin_site.base import SOURCE, ReadOnlyAdmin, column
from escalation_site.kernel.instants import now
from incidents.models import Alert, InboxSignal
from incidents.services.operations import signals_retry

BODY_SHOWN = 20_000


@admin.register(InboxSignal)
class InboxSignalAdmin(ReadOnlyAdmin):
    list_display = ("id", "received_at", "integration", "stand", "error")
    list_display_links = ("id", "received_at")
    list_select_related = ("integration",)
    list_filter = (
        ("set_aside_at", admin.EmptyFieldListFilter),
        ("processed_at", admin.EmptyFieldListFilter),
        ("received_at", RangeDateTimeFilter),
        "integration",
    )
    search_fields = ("error",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    fields = ("integration", "received_at", "processed_at", "set_aside_at", "error", "text")
    actions = ("retry",)

    @column(_("state"), label={"read": "success", "aside": "danger", "waiting": "info"})
    def stand(self, signal: InboxSignal) -> tuple[str, Any]:
        if signal.set_aside_at is not None:
            return "aside", _("Set aside")
        return ("read", _("Read")) if signal.processed_at is not None else ("waiting", _("Waiting"))

    @column(_("body"))
    def text(self, signal: InboxSignal) -> str:
        return bytes(signal.body[:BODY_SHOWN]).decode(errors="replace")

    @admin.action(description=_("Read the chosen set-aside signals again"), permissions=["view"])
    def retry(self, request: HttpRequest, chosen: QuerySet[InboxSignal]) -> None:
        actor: Any = request.user
        ids = list(chosen.values_list("pk", flat=True))
        count = signals_retry(signal_ids=ids, actor=actor, at=now(), source=SOURCE)
        messages.success(
            request,
            ngettext("%(n)d signal will be read again.", "%(n)d signals will be read again.", count) % {"n": count},
        )


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("last_received_at", "summary", "incident", "integration", "count", "started_at", "resolved_at")
    list_display_links = ("last_received_at", "summary")
    list_select_related = ("incident", "integration")
    list_filter = (("received_at", RangeDateTimeFilter), ("resolved_at", admin.EmptyFieldListFilter), "integration")
    search_fields = ("summary", "=dedup_key", "=incident__id")
    ordering = ("-id",)
