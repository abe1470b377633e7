"""Escalation policies: named here, written as a document, kept in versions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from escalation_site.admin_site.base import Admin, DefinitionField, ReadOnlyAdmin, ReadOnlyTabular, Tabular, column
from escalation_site.kernel.instants import now
from policies.definition import policy_parse
from policies.models import EscalationPolicy, Guideline, PolicyFinding, PolicyReview, PolicyVersion
from policies.services import policy_publish


class PolicyForm(forms.ModelForm[EscalationPolicy]):
    """Beside the policy's own fields, what its next version says."""

    definition = DefinitionField(
        check=policy_parse,
        help_text=_(
            "Levels, targets and timeouts as JSON. What you change becomes the next version: new incidents get it, "
            "escalations under way keep theirs."
        ),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("Why it changes."))

    class Meta:
        model = EscalationPolicy
        fields = ("name", "slug", "description", "team")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        current = self.instance.current_version if self.instance.pk else None
        self.fields["definition"].initial = current.definition if current else None


class VersionInline(ReadOnlyTabular):
    model = PolicyVersion
    fields = ("number", "created_at", "author", "reason")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("author", "policy")  # type: ignore[no-any-return]


class GuidelineInline(Tabular):
    model = Guideline
    fields = ("title", "url", "position")


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(Admin):
    ledger_noun = "policy"
    form = PolicyForm
    list_display = ("name", "team", "version", "service_count")
    list_select_related = ("team", "current_version")
    list_filter = ("team",)
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "description", "team")}),
        (_("Next version"), {"fields": ("definition", "reason")}),
    )
    inlines = (GuidelineInline, VersionInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EscalationPolicy]:
        return super().get_queryset(request).annotate(services_n=Count("services"))  # type: ignore[no-any-return]

    @column(_("version"), ordering="current_version__number")
    def version(self, policy: EscalationPolicy) -> str:
        return f"v{policy.current_version.number}" if policy.current_version else "–"

    @column(_("services"), ordering="services_n")
    def service_count(self, policy: Any) -> int:
        return int(policy.services_n)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Publish once the policy itself is stored; a definition that says what is in force makes no version."""
        super().save_related(request, form, formsets, change)
        definition = form.cleaned_data.get("definition")
        if definition is not None:
            author: Any = request.user
            policy_publish(
                policy=form.instance,
                definition=definition,
                author=author,
                at=now(),
                reason=form.cleaned_data.get("reason", ""),
            )


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    list_display = ("policy", "number", "author", "reason", "created_at")
    list_select_related = ("policy", "author")
    list_filter = ("policy",)
    search_fields = ("policy__name", "reason")
    ordering = ("-created_at", "-id")


@admin.register(PolicyFinding)
class PolicyFindingAdmin(ReadOnlyAdmin):
    list_display = ("code", "about", "place", "policy", "first_seen_at", "gone_at")
    list_select_related = ("policy",)
    list_filter = ("code", "policy")
    search_fields = ("code", "about", "policy__name")
    ordering = ("-last_seen_at", "-id")


@admin.register(PolicyReview)
class PolicyReviewAdmin(ReadOnlyAdmin):
    list_display = ("policy", "cause", "opened_at", "due_at", "closed_at", "closed_by", "outcome")
    list_select_related = ("policy", "closed_by")
    list_filter = ("cause", "outcome", "policy")
    search_fields = ("policy__name", "note", "subject")
    ordering = ("-opened_at", "-id")


@admin.register(Guideline)
class GuidelineAdmin(Admin):
    list_display = ("title", "policy", "url", "position")
    list_select_related = ("policy",)
    list_filter = ("policy",)
    search_fields = ("title", "url", "policy__name")
    autocomplete_fields = ("policy",)
