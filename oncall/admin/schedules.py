"""Schedules, their versions, overrides and accepted gaps in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldBooleanSwitchWidget

from escalation_site.admin_site.base import (
    Admin,
    DefinitionField,
    ReadOnlyAdmin,
    ReadOnlyTabular,
    ReasonField,
    column,
    each,
)
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.models import GapAcceptance, Override, Schedule, ScheduleVersion
from oncall.rota_document import document_load
from oncall.services import override_cancel, override_create, schedule_publish


class ScheduleForm(forms.ModelForm[Schedule]):
    """Beside the schedule's own fields, what its next version says."""

    definition = DefinitionField(
        check=document_load,
        help_text=_(
            "Layers and people as JSON. What you change becomes the next version, in force from now on; the past "
            "stays as it was."
        ),
    )
    reason = ReasonField()
    accept_gaps = forms.BooleanField(
        label=_("Leave gaps open"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("The change may leave nobody on call on a path in use; who said so is kept."),
    )

    class Meta:
        model = Schedule
        fields = ("name", "slug", "team", "time_zone")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        last = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        self.fields["definition"].initial = last.definition if last else None

    def says_new(self, definition: dict[str, Any]) -> bool:
        """Whether there is anything to publish: who only renames it leaves what is planned where it is."""
        return bool(definition != self.fields["definition"].initial)

    def clean(self) -> dict[str, Any]:
        """Published for trial, so that what the service refuses is told at the field at fault."""
        values = super().clean() or {}
        definition = values.get("definition")
        if self.instance.pk and definition is not None and self.says_new(definition) and not self.errors:
            try:
                with transaction.atomic():
                    schedule_publish(
                        schedule=self.instance,
                        definition=definition,
                        author=None,
                        at=now(),
                        accept_gaps=values.get("accept_gaps", False),
                    )
                    transaction.set_rollback(True)
            except DomainError as error:
                self.add_error(error.field if error.field in self.fields else "definition", str(error.message))
        return values


class ScheduleVersionInline(ReadOnlyTabular):
    model = ScheduleVersion
    fields = ("number", "effective_from", "author", "reason", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduleVersion]:
        return super().get_queryset(request).select_related("author", "schedule")  # type: ignore[no-any-return]  # unfold's admin is untyped


@admin.register(Schedule)
class ScheduleAdmin(Admin):
    form = ScheduleForm
    list_display = ("name", "team", "time_zone", "version_count")
    list_select_related = ("team",)
    list_filter = ("team",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "team", "time_zone")}),
        (_("Next version"), {"fields": ("definition", "reason", "accept_gaps")}),
    )
    inlines = (ScheduleVersionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).annotate(versions_n=Count("versions"))  # type: ignore[no-any-return]  # unfold's admin is untyped

    @column(_("versions"), ordering="versions_n")
    def version_count(self, schedule: Any) -> int:
        return int(schedule.versions_n)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Publish once the schedule itself is stored; a definition that says what is in force makes no version."""
        super().save_related(request, form, formsets, change)
        definition = form.cleaned_data.get("definition")
        if definition is not None and form.says_new(definition):
            author: Any = request.user
            schedule_publish(
                schedule=form.instance,
                definition=definition,
                author=author,
                at=now(),
                reason=form.cleaned_data.get("reason", ""),
                # A schedule that is new has held nobody before: its first version opens no gap.
                accept_gaps=not change or form.cleaned_data.get("accept_gaps", False),
            )


@admin.register(ScheduleVersion)
class ScheduleVersionAdmin(ReadOnlyAdmin):
    list_display = ("schedule", "number", "effective_from", "author", "reason", "created_at")
    list_select_related = ("schedule", "author")
    list_filter = ("schedule",)
    search_fields = ("schedule__name", "reason")
    ordering = ("-created_at", "-id")


class OverrideForm(forms.ModelForm[Override]):
    """The service's own rules, told at the field at fault."""

    class Meta:
        model = Override
        fields = ("schedule", "kind", "user", "replaces", "role", "start", "end", "reason")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("end") and values["end"] <= now():
            self.add_error("end", _("The window is over; the past is not rewritten."))
        if values.get("user") and not values["user"].is_active and values.get("kind") != Override.Kind.REMOVE:
            self.add_error("user", _("This account is switched off: nobody would be reached."))
        if values.get("kind") == Override.Kind.REPLACE and values.get("replaces") is None:
            self.add_error("replaces", _("Say whom it replaces."))
        return values


@admin.register(Override)
class OverrideAdmin(Admin):
    """Made and ended through the same services as on the schedule's page; what was is not rewritten."""

    list_display = ("schedule", "user", "kind", "role", "cause", "start", "end", "reason", "cancelled_at")
    list_select_related = ("schedule", "user", "replaces")
    list_filter = ("schedule", "kind", "cause")
    search_fields = ("user__username", "user__first_name", "user__last_name", "schedule__name", "reason")
    autocomplete_fields = ("schedule", "user", "replaces")
    fields = ("schedule", "kind", "user", "replaces", "role", "start", "end", "reason")
    ordering = ("-start", "-id")
    actions = ("cancel",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change=change, **options, **({} if change else {"form": OverrideForm}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        made = override_create(**form.cleaned_data, actor=actor, at=now())
        # The admin goes on with the row the service made.
        obj.pk, obj._state.adding = made.pk, False

    @admin.action(description=_("End the chosen overrides now"), permissions=["view"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Override]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.filter(cancelled_at=None)),
            lambda override, at: override_cancel(override=override, actor=actor, at=at),
            lambda n: ngettext("%(n)d override ended.", "%(n)d overrides ended.", n) % {"n": n},
        )


@admin.register(GapAcceptance)
class GapAcceptanceAdmin(ReadOnlyAdmin):
    """Who said that nobody is on call then, and that it may stay so."""

    list_display = ("schedule", "role", "start", "end", "accepted_by", "accepted_at", "reason")
    list_select_related = ("schedule", "accepted_by")
    list_filter = ("schedule",)
    search_fields = ("schedule__name", "reason")
    ordering = ("-accepted_at", "-id")
