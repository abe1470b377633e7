"""Roles, their map, plan templates, vendors and documents, to edit; what happens on incidents, to look at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from escalation_site.admin_site.base import Admin, DefinitionField, ReadOnlyAdmin, actor_of, column
from escalation_site.kernel.instants import now
from incidents.admin.catalogue import stored
from incidents.models import (
    ActionPlan,
    Document,
    Objective,
    PlanTemplate,
    ResponseRole,
    RoleDuty,
    RoleHolder,
    Task,
    TaskWait,
    TimeEntry,
    Vendor,
    VendorCase,
)
from incidents.services.documents import document_set, links_set
from incidents.services.plans import template_check, template_set
from incidents.services.vendors import vendor_set


class ThroughServices(Admin):
    """A model whose fields are set by a service; ties to many others are set after it, and entered in the ledger with what they were."""

    tied: tuple[str, ...] = ()

    def plain_values(self, form: Any) -> dict[str, Any]:
        return {name: value for name, value in form.cleaned_data.items() if name not in self.tied}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        noun = self.ledger_noun or form.instance._meta.model_name
        for name in self.tied:
            wanted = form.cleaned_data.pop(name, None)
            links_set(
                form.instance, getattr(form.instance, name), wanted, f"{noun}.{name}", actor=actor_of(request), at=now()
            )
        super().save_related(request, form, formsets, change)


@admin.register(ResponseRole)
class ResponseRoleAdmin(Admin):
    ledger_noun = "response_role"
    list_display = ("name", "key", "duty", "needed_from", "position", "active")
    list_filter = ("active",)
    search_fields = ("name", "key", "duty")
    prepopulated_fields = {"key": ("name",)}


class DutyForm(forms.ModelForm[RoleDuty]):
    """Either a person or a schedule."""

    class Meta:
        model = RoleDuty
        fields = ("policy", "role", "user", "schedule", "schedule_role")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if bool(data.get("user")) == bool(data.get("schedule")):
            raise ValidationError(_("Choose a person or a schedule, one of the two."))
        return data


@admin.register(RoleDuty)
class RoleDutyAdmin(Admin):
    ledger_noun = "role_duty"
    form = DutyForm
    list_display = ("role", "policy", "user", "schedule", "schedule_role")
    list_select_related = ("role", "policy", "user", "schedule")
    list_filter = ("role", "policy")
    search_fields = ("role__name", "policy__name", "user__last_name", "schedule__name")
    autocomplete_fields = ("policy", "user", "schedule")


class TemplateForm(forms.ModelForm[PlanTemplate]):
    body = DefinitionField(check=template_check, help_text=PlanTemplate._meta.get_field("body").help_text)

    class Meta:
        model = PlanTemplate
        fields = ("name", "slug", "description", "categories", "body", "active")


@admin.register(PlanTemplate)
class PlanTemplateAdmin(ThroughServices):
    ledger_noun = "plan_template"
    form = TemplateForm
    tied = ("categories",)
    list_display = ("name", "slug", "description", "active")
    list_filter = ("active", "categories")
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        template_set(template=stored(obj, change), values=self.plain_values(form), actor=actor, at=now())


@admin.register(Vendor)
class VendorAdmin(ThroughServices):
    tied = ("services",)
    list_display = ("name", "contract", "support_level", "response_minutes", "email", "phone", "active")
    list_filter = ("active", "services")
    search_fields = ("name", "slug", "contract", "email")
    prepopulated_fields = {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        vendor_set(vendor=stored(obj, change), values=self.plain_values(form), actor=actor, at=now())


@admin.register(Document)
class DocumentAdmin(ThroughServices):
    tied = ("services", "categories")
    list_display = ("title", "kind", "url", "for_requesters", "active")
    list_filter = ("kind", "for_requesters", "active", "services")
    search_fields = ("title", "slug", "keywords", "text")
    prepopulated_fields = {"slug": ("title",)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        document_set(document=stored(obj, change), values=self.plain_values(form), actor=actor, at=now())


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("title", "incident", "state", "priority_word", "assignee", "role", "due_at", "needs_approval")
    list_select_related = ("incident", "assignee", "role")
    list_filter = ("state", "priority", "needs_approval", "role")
    search_fields = ("title", "=incident__id", "assignee__last_name")
    ordering = ("-id",)

    @column(_("priority"), ordering="priority")
    def priority_word(self, task: Task) -> str:
        return task.get_priority_display()


@admin.register(TaskWait)
class TaskWaitAdmin(ReadOnlyAdmin):
    list_display = ("task", "waits_on", "strict")
    list_select_related = ("task", "waits_on")
    search_fields = ("task__title", "waits_on__title")
    ordering = ("-id",)


@admin.register(RoleHolder)
class RoleHolderAdmin(ReadOnlyAdmin):
    list_display = ("incident", "role", "user", "since", "until")
    list_select_related = ("incident", "role", "user")
    list_filter = ("role",)
    search_fields = ("=incident__id", "user__last_name")
    ordering = ("-id",)


@admin.register(TimeEntry)
class TimeEntryAdmin(Admin):
    """The one thing here that an administrator mends: a slip, with its history."""

    ledger_noun = "time_entry"
    list_display = ("incident", "user", "minutes", "task", "note", "at")
    list_select_related = ("incident", "user", "task")
    search_fields = ("=incident__id", "user__last_name", "note")
    readonly_fields = ("incident", "task", "user", "at")
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ActionPlan)
class ActionPlanAdmin(ReadOnlyAdmin):
    list_display = ("incident", "template", "created_by", "created_at", "edited_at")
    list_select_related = ("incident", "template", "created_by")
    search_fields = ("=incident__id", "incident__title")
    ordering = ("-id",)


@admin.register(Objective)
class ObjectiveAdmin(ReadOnlyAdmin):
    list_display = ("incident", "rank", "text", "state")
    list_select_related = ("incident",)
    list_filter = ("state",)
    search_fields = ("=incident__id", "text")
    ordering = ("-id",)


@admin.register(VendorCase)
class VendorCaseAdmin(ReadOnlyAdmin):
    list_display = ("incident", "vendor", "opened_at", "due_at", "answered_at", "closed_at", "told_state")
    list_select_related = ("incident", "vendor")
    list_filter = ("vendor", "told_state")
    search_fields = ("=incident__id", "vendor__name", "reference")
    ordering = ("-id",)
