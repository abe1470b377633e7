"""People, teams and what people know in the admin."""

from typing import Any

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
    PlainAdmin,
    ReadOnlyMixin,
    Tabular,
    actor_of,
    column,
    each,
    from_admin,
    save_password_entry,
)
from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import initials
from oncall.holidays_sync import person_calendar_changed
from oncall.models import ApiToken, Membership, Skill, Team, User
from oncall.people import user_activate, user_deactivate
from oncall.skills import skills_set
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
        return super().get_queryset(request).select_related("team", "user")  # type: ignore[no-any-return]  # unfold's admin is untyped


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
    # A search over many values has no label that a screen reader finds: skills are a plain list.
    autocomplete_fields = ("manager",)
    readonly_fields = ("last_login", "date_joined")
    actions = ("deactivate", "activate")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "phone", "region", "time_zone", "language")}),
        (_("Place"), {"fields": ("role", "manager")}),
        (
            _("On call"),
            {"fields": ("holiday_calendar", "skills", "capacity_hours", "capacity_pages", "capacity_incidents")},
        ),
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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Skills through their service, which notes them; and the holidays of a calendar or clock that has changed."""
        skills = form.cleaned_data.pop("skills", None)
        super().save_related(request, form, formsets, change)
        user, at = form.instance, now()
        if skills is not None:
            skills_set(row=user, manager=user.skills, skills=skills, noun="user", at=at, actor=actor_of(request))
        if change and {"holiday_calendar", "time_zone"} & set(form.changed_data):
            person_calendar_changed(user=user, at=at)

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
    list_display = ("name", "parent", "member_count", "time_zone", "approves_absences", "approves_swaps")
    list_select_related = ("parent",)
    list_filter = ("parent",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("parent",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(members_n=Count("memberships"))  # type: ignore[no-any-return]  # unfold's admin is untyped

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


@admin.register(Skill)
class SkillAdmin(Admin):
    list_display = ("name", "slug", "people_count", "service_count")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        counted = {"people_n": Count("people", distinct=True), "services_n": Count("services", distinct=True)}
        return super().get_queryset(request).annotate(**counted)  # type: ignore[no-any-return]  # unfold's admin is untyped

    @column(_("people"), ordering="people_n")
    def people_count(self, skill: Any) -> int:
        return int(skill.people_n)

    @column(_("services"), ordering="services_n")
    def service_count(self, skill: Any) -> int:
        return int(skill.services_n)


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
