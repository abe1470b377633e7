"""Escalation policies: named here, written as a document, kept in versions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from escalation_site.admin_site.base import (
    Admin,
    DefinitionField,
    ReadOnlyAdmin,
    ReadOnlyTabular,
    ReasonField,
    Tabular,
    column,
    each,
)
from escalation_site.kernel.instants import now
from policies.calendars import calendar_parse
from policies.calendars.services import DOCUMENT, calendar_delete, calendar_set
from policies.definition import policy_parse
from policies.models import (
    BookVersion,
    EscalationPolicy,
    Guideline,
    PolicyFinding,
    PolicyReview,
    PolicyVersion,
    WorkCalendar,
)
from policies.reading import DefinitionInvalid
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
    reason = ReasonField()

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
        return super().get_queryset(request).select_related("author", "policy")  # type: ignore[no-any-return]  # unfold's admin is untyped


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
        return super().get_queryset(request).annotate(services_n=Count("services"))  # type: ignore[no-any-return]  # unfold's admin is untyped

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


@admin.register(BookVersion)
class BookVersionAdmin(ReadOnlyAdmin):
    """Published on the books' own pages, over the API and by files: here they are only read."""

    list_display = ("book", "number", "author", "reason", "created_at")
    list_select_related = ("author",)
    list_filter = ("book",)
    search_fields = ("reason", "author__name")
    ordering = ("-created_at", "-id")


class CalendarForm(forms.ModelForm[WorkCalendar]):
    """Checked as on the calendars' own page."""

    class Meta:
        model = WorkCalendar
        fields = ("name", "slug", "zone", "windows", "holidays", "is_default")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["windows"].help_text = _("Such as {“days”: [“mon”, “tue”], “start”: “09:00”, “end”: “18:00”}.")
        self.fields["holidays"].help_text = _("Such as {“date”: “2026-12-25”, “name”: “Christmas Day”}.")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                calendar_parse({name: values.get(name) for name in DOCUMENT})
            except DefinitionInvalid as error:
                for problem in error.problems:
                    self.add_error(str(problem.keys[0]) if problem.keys else None, str(problem))
        return values

    def _get_validation_exclusions(self) -> set[str]:
        """That there is one default only is the service's business: the new one takes it from the old."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        return {*excluded, "is_default"}


@admin.register(WorkCalendar)
class WorkCalendarAdmin(Admin):
    """Business calendars, written through their service."""

    ledger_noun = "work_calendar"
    form = CalendarForm
    list_display = ("name", "slug", "zone", "is_default", "service_count")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkCalendar]:
        return super().get_queryset(request).annotate(services_n=Count("services"))  # type: ignore[no-any-return]  # unfold's admin is untyped

    @column(_("services"), ordering="services_n")
    def service_count(self, calendar: Any) -> int:
        return int(calendar.services_n)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user: Any = request.user
        stored = WorkCalendar.objects.get(pk=obj.pk) if change else WorkCalendar()
        calendar_set(calendar=stored, values=form.cleaned_data, actor=user, at=now())
        obj.pk = stored.pk
        obj._state.adding = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Others count by the default one."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj is not None and obj.is_default)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        user: Any = request.user
        calendar_delete(calendar=obj, actor=user, at=now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        user: Any = request.user

        def done(count: int) -> str:
            return ngettext("%(count)d calendar is gone.", "%(count)d calendars are gone.", count) % {"count": count}

        each(request, list(queryset), lambda row, at: calendar_delete(calendar=row, actor=user, at=at), done)


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
