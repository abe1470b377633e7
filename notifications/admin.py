"""How people are reached (to edit), and what they were told (to look at)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from escalation_site.admin_site.base import Admin, ReadOnlyAdmin, ReadOnlyTabular, actor_of, column
from escalation_site.kernel.instants import now
from notifications.models import Attempt, ChatAccount, ContactMethod, Delivery, Destination, Message
from notifications.services.chat_accounts import chat_account_part
from notifications.services.destinations import destination_check, destination_set, secret_make

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
    list_display = ("created_at", "told", "kind", "subject", "state_label", "reason_text", "settled_at")
    list_display_links = ("created_at", "subject")
    list_select_related = ("recipient", "destination")
    list_filter = (("created_at", RangeDateTimeFilter), "state", "kind", "urgency")
    search_fields = ("subject", "recipient__username", "recipient__first_name", "recipient__last_name")
    # The link acts for its recipient without sign-in: it is theirs alone, and so are the texts that contain it.
    exclude = ("link", "body", "body_html")
    inlines = (DeliveryInline,)

    @column(_("recipient"), ordering="recipient")
    def told(self, message: Message) -> str:
        return message.told

    @column(_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, message: Message) -> tuple[str, str]:
        return message.state, message.get_state_display()


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "channel", "address", "state_label", "reason", "attempts_made")
    list_select_related = ("message__recipient", "message__destination")
    list_filter = (("created_at", RangeDateTimeFilter), "channel", "state")
    search_fields = ("address", "message__subject")
    ordering = ("-created_at", "-id")
    inlines = (AttemptInline,)

    @column(_("recipient"), ordering="message__recipient")
    def recipient(self, delivery: Delivery) -> str:
        return delivery.message.told

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
        return super().get_queryset(request).select_related("delivery__message")  # type: ignore[no-any-return]  # unfold's admin is untyped

    @column(_("outcome"), ordering="outcome", label=STATE_LABELS)
    def outcome_label(self, attempt: Attempt) -> tuple[str, str]:
        return attempt.outcome, attempt.get_outcome_display()


class DestinationForm(forms.ModelForm[Destination]):
    """The address and the secret go in and never come out again."""

    address = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://…"}
        ),
        help_text=_(
            "The incoming webhook of a chat channel, or where a program listens. Left empty it stays as it is."
        ),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Of a webhook: give the receiver the same one now, it is not shown again. Left empty it stays."),
    )

    class Meta:
        model = Destination
        fields = ("name", "slug", "kind", "enabled", "carries_restricted", "buttons")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance.pk:
            self.fields["address"].required = True
            self.fields["secret"].initial = secret_make()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                destination_check(
                    address=values["address"] or None, secret=values["secret"] or None, kind=values["kind"]
                )
            except ValidationError as error:
                self.add_error(None, error)
        return values


@admin.register(Destination)
class DestinationAdmin(Admin):
    form = DestinationForm
    list_display = ("name", "kind", "host", "enabled", "carries_restricted")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "slug", "host")
    prepopulated_fields = {"slug": ("name",)}
    fields = ("name", "slug", "kind", "address", "secret", "enabled", "carries_restricted", "buttons")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        address, secret = values.pop("address") or None, values.pop("secret") or None
        user: Any = request.user
        destination_set(
            destination=Destination.objects.get(pk=obj.pk) if change else obj,
            values=values,
            address=address,
            secret=secret if values["kind"] == Destination.Kind.WEBHOOK else None,
            actor=actor_of(request),
            user=user,
            at=now(),
        )


@admin.register(ChatAccount)
class ChatAccountAdmin(ReadOnlyAdmin):
    """Only the person themselves says who they are in chat; an administrator may part the two."""

    list_display = ("handle", "host", "user", "linked_at")
    list_select_related = ("user",)
    list_filter = ("host",)
    search_fields = ("handle", "user__username", "user__first_name", "user__last_name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return bool(user.is_superuser or user.has_perm("notifications.delete_chataccount"))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        chat_account_part(row=obj, actor=actor_of(request), at=now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ChatAccount]) -> None:
        for row in queryset:
            self.delete_model(request, row)
