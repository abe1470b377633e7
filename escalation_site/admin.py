"""Other people's models in the same look: groups, sign-in, tasks. Loaded after their own admin modules, which it replaces.

And the way in: the admin has no sign-in of its own, which would know no second step and no limits.
"""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as AuthGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin, resubmit_task
from django_q.models import Failure, OrmQ, Schedule, Success

from escalation_site.admin_site.base import PlainAdmin, ReadOnlyAdmin, ReadOnlyMixin, column

for model in (
    Group,
    EmailAddress,
    Authenticator,
    SocialAccount,
    SocialApp,
    SocialToken,
    Failure,
    OrmQ,
    Schedule,
    Success,
):
    admin.site.unregister(model)


def _password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The page of everybody's account, which counts wrong guesses."""
    return redirect("account_change_password")


admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # the site's own view is wrapped
admin.site.password_change = _password_change  # type: ignore[method-assign, assignment]  # the site's own view is wrapped


@admin.register(Group)
class GroupAdmin(PlainAdmin, AuthGroupAdmin):
    """Roles decide what people may do here; groups are for those who bring permissions of their own."""


@admin.register(EmailAddress)
class EmailAddressAdmin(PlainAdmin, AllauthEmailAddressAdmin):
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    raw_id_fields = ()


@admin.register(Authenticator)
class AuthenticatorAdmin(PlainAdmin):
    """A second step of somebody's sign-in. Deleting it lets a person back in who lost their telephone."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("user__username", "user__email")
    # The data is the secret itself; nobody needs to see it.
    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields
    ledger_secret = ("data",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SocialApp)
class SocialAppAdmin(PlainAdmin):
    """Sign-in providers beside the one of the environment."""

    list_display = ("name", "provider", "provider_id")
    search_fields = ("name", "provider", "provider_id")
    fields = ("name", "provider", "provider_id", "client_id", "secret", "settings")
    ledger_secret = ("secret", "key")


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyMixin, PlainAdmin):
    list_display = ("user", "provider", "uid", "last_login", "date_joined")
    list_select_related = ("user",)
    list_filter = ("provider",)
    search_fields = ("uid", "user__username", "user__email")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting parts the account from the provider's; the next sign-in joins them again."""
        return bool(super(ReadOnlyMixin, self).has_delete_permission(request, obj))


@admin.register(SocialToken)
class SocialTokenAdmin(ReadOnlyAdmin):
    list_display = ("app", "account", "expires_at")
    list_select_related = ("app", "account__user")
    search_fields = ("account__uid",)
    fields = ("app", "account", "expires_at")


@admin.register(Schedule)
class TaskScheduleAdmin(PlainAdmin, ScheduleAdmin):
    """What runs regularly. Those of Watchbell itself are written again at each migration."""

    ledger_noun = "task_schedule"
    list_filter = ("schedule_type",)


@admin.register(Success)
class SuccessAdmin(ReadOnlyMixin, PlainAdmin, TaskAdmin):
    actions = (resubmit_task,)


@admin.register(Failure)
class FailureAdmin(ReadOnlyMixin, PlainAdmin, FailAdmin):
    actions = (resubmit_task,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Once seen to, a failure may go."""
        return bool(super(ReadOnlyMixin, self).has_delete_permission(request, obj))


@admin.register(OrmQ)
class TaskQueueAdmin(ReadOnlyMixin, PlainAdmin, QueueAdmin):
    list_display = ("id", "key", "name", "func", "lock")


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """The admin's own notes. What counts is the ledger."""

    list_display = ("action_time", "user", "content_type", "object_repr", "kind", "change_message")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag",)
    search_fields = ("object_repr", "user__username")

    @column(_("action"), ordering="action_flag")
    def kind(self, entry: LogEntry) -> str:
        return entry.get_action_flag_display()
