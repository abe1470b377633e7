"""Incidents, their stages and their timeline."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter

from escalation_site.admin_site.base import SOURCE, Admin, ReadOnlyAdmin, column, each
from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import severity
from incidents.models import Incident, Stage, TimelineEvent, TimelinePin
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.services.operations import DESCRIPTION, incident_describe

STATE_LABELS = {"triggered": "warning", "acknowledged": "info", "resolved": "success"}


@admin.register(Stage)
class StageAdmin(Admin):
    """Stages are data: rename them, add some. Those the services go through by key keep their key."""

    list_display = ("position", "name", "key")
    list_display_links = ("name",)
    search_fields = ("name", "key")
    ordering = ("position",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(Admin):
    """What an incident says may be corrected; what happens to it goes through its services."""

    list_display = ("reference", "severity_shape", "title", "state_label", "service", "team", "owner", "started_at")
    list_display_links = ("reference", "title")
    list_select_related = ("service", "team", "owner")
    list_filter = (("started_at", RangeDateTimeFilter), "state", "severity", "team", "source", "restricted", "is_test")
    search_fields = ("title", "=id", "=dedup_key")
    show_full_result_count = False
    actions = ("acknowledge", "resolve")
    fieldsets = (
        (None, {"fields": ("title", "summary", "customer_impact", "environment", "restricted", "is_test")}),
        (_("Where it stands"), {"fields": ("severity", "impact", "urgency", "priority", "state", "stage", "owner", "resolution")}),
        (
            _("Where it belongs"),
            {
                "fields": (
                    "service", "team", "source", "detection", "integration", "dedup_key", "reporter", "alert_count",
                )
            },
        ),
        (
            _("When"),
            {
                "fields": (
                    "started_at", "acknowledged_at", "sla_due_at", "mitigated_at", "resolved_at", "resolved_by", "closed_at",
                    "snoozed_until", "exhausted_at",
                )
            },
        ),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(field.name for field in Incident._meta.fields if field.name not in DESCRIPTION)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        incident_describe(incident_id=obj.pk, values=form.cleaned_data, actor=actor, at=now(), source=SOURCE)

    @column(_("reference"), ordering="id")
    def reference(self, incident: Incident) -> str:
        return incident.reference

    @column(_("severity"), ordering="severity")
    def severity_shape(self, incident: Incident) -> str:
        return severity(incident.severity)

    @column(_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, incident: Incident) -> tuple[str, str]:
        return incident.state, incident.get_state_display()

    @admin.action(description=_("Acknowledge the chosen incidents"))
    def acknowledge(self, request: HttpRequest, chosen: QuerySet[Incident]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.order_by("severity", "pk")),
            lambda incident, at: incident_acknowledge(incident_id=incident.pk, actor=actor, at=at, source=SOURCE),
            lambda n: ngettext("%(n)d incident is yours.", "%(n)d incidents are yours.", n) % {"n": n},
        )

    @admin.action(description=_("Resolve the chosen incidents"))
    def resolve(self, request: HttpRequest, chosen: QuerySet[Incident]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.order_by("severity", "pk")),
            lambda incident, at: incident_resolve(incident_id=incident.pk, actor=actor, at=at, source=SOURCE),
            lambda n: ngettext("%(n)d incident resolved.", "%(n)d incidents resolved.", n) % {"n": n},
        )


@admin.register(TimelineEvent)
class TimelineEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "incident", "kind", "actor", "text")
    list_select_related = ("incident", "actor")
    list_filter = (("at", RangeDateTimeFilter),)
    search_fields = ("=kind", "=incident__id")
    search_help_text = "incident.acknowledge · 42"
    ordering = ("-id",)


@admin.register(TimelinePin)
class TimelinePinAdmin(ReadOnlyAdmin):
    """Lines are pinned and unpinned on the page of their incident."""

    list_display = ("at", "event", "by")
    list_select_related = ("event", "by")
    list_filter = (("at", RangeDateTimeFilter),)
    search_fields = ("=event__incident__id",)
    search_help_text = "42"
    ordering = ("-id",)
