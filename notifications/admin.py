"""How people are reached (to edit), and what they were told (to look at)."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import Admin, ReadOnlyAdmin, ReadOnlyTabular, column
from notifications.models import Attempt, ContactMethod, Delivery, Message

STATE_LABELS = {
    "pending": "info",
    "queued": "info",
    "sending": "info",
    "delivered": "success",
    "sent": "success",
    "failed": "danger",
    "refused": "danger",
    "error": "danger",
    "unknown": "warning",
    "cancelled": "default",
}


@admin.register(ContactMethod)
class ContactMethodAdmin(Admin):
    list_display = ("user", "kind", "address", "position", "enabled", "verified_at")
    list_display_links = ("user", "address")
    list_select_related = ("user",)
    list_filter = ("kind", "enabled")
    search_fields = ("address", "user__username", "user__first_name", "user__last_name")
    autocomplete_fields = ("user",)
    readonly_fields = ("verified_at",)


class DeliveryInline(ReadOnlyTabular):
    model = Delivery
    fields = ("position", "channel", "address", "state", "reason", "attempts_made", "created_at", "settled_at")
    readonly_fields = fields


class AttemptInline(ReadOnlyTabular):
    model = Attempt
    fields = ("number", "started_at", "handed_over_at", "finished_at", "outcome", "detail", "provider_ref")
    readonly_fields = fields


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "kind", "subject", "state_label", "reason_text", "settled_at")
    list_display_links = ("created_at", "subject")
    list_select_related = ("recipient",)
    list_filter = (("created_at", RangeDateTimeFilter), "state", "kind", "urgency")
    search_fields = ("subject", "recipient__username", "recipient__first_name", "recipient__last_name")
    # The link acts for its recipient without sign-in: it is theirs alone, and so are the texts that contain it.
    exclude = ("link", "body", "body_html")
    inlines = (DeliveryInline,)

    @column(_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, message: Message) -> tuple[str, str]:
        return message.state, message.get_state_display()


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "channel", "address", "state_label", "reason", "attempts_made")
    list_select_related = ("message__recipient",)
    list_filter = (("created_at", RangeDateTimeFilter), "channel", "state")
    search_fields = ("address", "message__subject")
    ordering = ("-created_at", "-id")
    inlines = (AttemptInline,)

    @column(_("recipient"), ordering="message__recipient")
    def recipient(self, delivery: Delivery) -> str:
        return str(delivery.message.recipient)

    @column(_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "delivery", "number", "outcome_label", "detail", "finished_at")
    list_filter = (("started_at", RangeDateTimeFilter), "outcome")
    search_fields = ("delivery__address", "detail", "provider_ref")
    ordering = ("-started_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).select_related("delivery__message")  # type: ignore[no-any-return]

    @column(_("outcome"), ordering="outcome", label=STATE_LABELS)
    def outcome_label(self, attempt: Attempt) -> tuple[str, str]:
        return attempt.outcome, attempt.get_outcome_display()
