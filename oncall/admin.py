"""People, teams and schedules in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as AuthUserAdmin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from escalation_site.admin_site.base import (
    SOURCE,
    Admin,
    DefinitionField,
    PlainAdmin,
    ReadOnlyAdmin,
    ReadOnlyMixin,
    ReadOnlyTabular,
    Tabular,
    column,
    each,
    from_admin,
    save_password_entry,
)
from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import initials
from oncall.models import ApiToken, Membership, Override, Schedule, ScheduleVersion, Team, User
from oncall.people import user_activate, user_deactivate
from oncall.rota_document import document_load
from oncall.services import override_cancel, override_create, schedule_publish
from oncall.tokens import token_revoke

ROLE_LABELS = {
    "administrator": "warning",
    "auditor": "info",
    "manager": "success",
    "responder": "default",
    "reporter": "default",
}


class MembershipInline(Tabular):
    model = Membership
    autocomplete_fields = ("team", "user")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("team", "user")  # type: ignore[no-any-return]


@admin.register(User)
class UserAdmin(Admin, AuthUserAdmin[User]):
    """People. Accounts are switched off and never deleted: history names them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ledger_secret = ("password",)
    list_display = ("person", "username", "role_label", "team_names", "time_zone", "is_active", "last_login")
    list_display_links = ("person",)
    list_filter = ("role", "is_active", "teams")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    autocomplete_fields = ("manager",)
    readonly_fields = ("last_login", "date_joined")
    actions = ("deactivate", "activate")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "phone", "region", "time_zone", "language")}),
        (_("Place"), {"fields": ("role", "manager")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "time_zone", "language")}),
        (_("Place"), {"fields": ("role", "manager")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("teams")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Switching an account off has an action of its own, which also ends the person's tokens."""
        return (*self.readonly_fields, "is_active") if obj else self.readonly_fields

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        with transaction.atomic(), from_admin(request):
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            user = User.objects.filter(pk=id).first()
            if user is not None and user.password != before:
                save_password_entry(request, user)
        return response

    @column(_("person"), header=True, ordering="first_name")
    def person(self, user: User) -> list[str]:
        return [user.name, user.email, initials(user.name)]

    @column(_("role"), ordering="role", label=ROLE_LABELS)
    def role_label(self, user: User) -> tuple[str, str]:
        return user.role, user.get_role_display()

    @column(_("teams"))
    def team_names(self, user: User) -> str:
        return ", ".join(team.name for team in user.teams.all())

    @admin.action(description=_("Switch off the chosen accounts"))
    def deactivate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen),
            lambda user, at: user_deactivate(user=user, actor=actor, at=at, source=SOURCE),
            lambda n: ngettext("%(n)d account is off.", "%(n)d accounts are off.", n) % {"n": n},
        )

    @admin.action(description=_("Switch on the chosen accounts"))
    def activate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen),
            lambda user, at: user_activate(user=user, actor=actor, at=at, source=SOURCE),
            lambda n: ngettext("%(n)d account is on.", "%(n)d accounts are on.", n) % {"n": n},
        )


@admin.register(Team)
class TeamAdmin(Admin):
    list_display = ("name", "parent", "member_count", "time_zone", "description")
    list_select_related = ("parent",)
    list_filter = ("parent",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("parent",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(members_n=Count("memberships"))  # type: ignore[no-any-return]

    @column(_("members"), ordering="members_n")
    def member_count(self, team: Any) -> int:
        return int(team.members_n)


@admin.register(Membership)
class MembershipAdmin(Admin):
    list_display = ("user", "team", "role")
    list_select_related = ("user", "team")
    list_filter = ("team", "role")
    search_fields = ("user__username", "user__first_name", "user__last_name", "team__name")
    autocomplete_fields = ("user", "team")


class ScheduleForm(forms.ModelForm[Schedule]):
    """Beside the schedule's own fields, what its next version says."""

    definition = DefinitionField(
        check=document_load,
        help_text=_(
            "Layers and people as JSON. What you change becomes the next version, in force from now on; the past "
            "stays as it was."
        ),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("Why it changes."))

    class Meta:
        model = Schedule
        fields = ("name", "slug", "team", "time_zone")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        last = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        self.fields["definition"].initial = last.definition if last else None


class ScheduleVersionInline(ReadOnlyTabular):
    model = ScheduleVersion
    fields = ("number", "effective_from", "author", "reason", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduleVersion]:
        return super().get_queryset(request).select_related("author", "schedule")  # type: ignore[no-any-return]


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
        (_("Next version"), {"fields": ("definition", "reason")}),
    )
    inlines = (ScheduleVersionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).annotate(versions_n=Count("versions"))  # type: ignore[no-any-return]

    @column(_("versions"), ordering="versions_n")
    def version_count(self, schedule: Any) -> int:
        return int(schedule.versions_n)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Publish once the schedule itself is stored; a definition that says what is in force makes no version."""
        super().save_related(request, form, formsets, change)
        definition = form.cleaned_data.get("definition")
        if definition is not None:
            author: Any = request.user
            schedule_publish(
                schedule=form.instance,
                definition=definition,
                author=author,
                at=now(),
                reason=form.cleaned_data.get("reason", ""),
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
        fields = ("schedule", "kind", "user", "replaces", "start", "end", "reason")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("end") and values["end"] <= now():
            self.add_error("end", _("The window is over; the past is not rewritten."))
        if values.get("kind") == Override.Kind.REPLACE and values.get("replaces") is None:
            self.add_error("replaces", _("Say whom it replaces."))
        return values


@admin.register(Override)
class OverrideAdmin(Admin):
    """Made and ended through the same services as on the schedule's page; what was is not rewritten."""

    list_display = ("schedule", "user", "kind", "start", "end", "reason", "cancelled_at")
    list_select_related = ("schedule", "user", "replaces")
    list_filter = ("schedule", "kind")
    search_fields = ("user__username", "user__first_name", "user__last_name", "schedule__name", "reason")
    autocomplete_fields = ("schedule", "user", "replaces")
    fields = ("schedule", "kind", "user", "replaces", "start", "end", "reason")
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


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyMixin, PlainAdmin):
    """Tokens are made by their owners in their own account; an administrator can end them."""

    list_display = ("name", "owner", "ends_with", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("owner",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "owner__username", "owner__first_name", "owner__last_name", "=hint")
    fields = ("name", "owner", "ends_with", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @column(_("ends with"))
    def ends_with(self, token: ApiToken) -> str:
        return f"…{token.hint}"

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.filter(revoked_at=None).select_related("owner")),
            lambda token, at: token_revoke(token=token, actor=actor, at=at),
            lambda n: ngettext("%(n)d token revoked.", "%(n)d tokens revoked.", n) % {"n": n},
        )
