"""Services and integrations; an integration's key is made here and shown once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from escalation_site.admin_site.base import Admin, actor_of, column, each
from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import severity
from incidents.models import Integration, Service
from incidents.selectors.catalogue import door_of
from incidents.services.catalogue import integration_set, key_make, service_set
from oncall.skills import skills_set


def stored(row: Any, change: bool) -> Any:
    """The row as the database has it: the services compare with that, while the form has changed ``row`` already."""
    return type(row)._base_manager.get(pk=row.pk) if change else row


@admin.register(Service)
class ServiceAdmin(Admin):
    list_display = ("name", "team", "policy", "tier", "region", "environment", "severity_shape", "open_count")
    list_select_related = ("team", "policy")
    list_filter = ("team", "tier", "region", "environment", "revenue_flow", "high_risk", "regulated")
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}
    # A search over many values has no label that a screen reader finds: skills are a plain list.
    autocomplete_fields = ("team", "policy")
    fieldsets = (
        (None, {"fields": ("name", "slug", "description", "runbook_url")}),
        (_("Who answers"), {"fields": ("team", "policy", "default_severity", "required_skills", "calendar")}),
        (_("What it is"), {"fields": ("tier", "region", "environment", "revenue_flow", "high_risk", "regulated")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        still_open = Count("incidents", filter=Q(incidents__state__in=("triggered", "acknowledged")))
        return super().get_queryset(request).annotate(open_n=still_open)  # type: ignore[no-any-return]  # unfold's admin is untyped

    @column(_("default severity"), ordering="default_severity")
    def severity_shape(self, service: Service) -> str:
        return severity(service.default_severity)

    @column(_("open incidents"), ordering="open_n")
    def open_count(self, service: Any) -> int:
        return int(service.open_n)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        values = {name: value for name, value in form.cleaned_data.items() if name != "required_skills"}
        service_set(service=stored(obj, change), values=values, actor=actor, at=now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Skills through their service, which notes them."""
        skills = form.cleaned_data.pop("required_skills", None)
        super().save_related(request, form, formsets, change)
        if skills is not None:
            service = form.instance
            skills_set(
                row=service,
                manager=service.required_skills,
                skills=skills,
                noun="service",
                at=now(),
                actor=actor_of(request),
            )


@admin.register(Integration)
class IntegrationAdmin(Admin):
    list_display = ("name", "kind", "service", "key_end", "enabled", "created_at")
    list_select_related = ("service",)
    list_filter = ("kind", "enabled", "service")
    search_fields = ("name", "slug", "service__name")
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("service",)
    readonly_fields = ("key_end", "created_at")
    fields = ("name", "slug", "kind", "service", "severity_map", "enabled", "key_end", "created_at")
    actions = ("new_key", "switch_off", "switch_on")

    @column(_("key ends with"))
    def key_end(self, integration: Integration) -> str:
        return f"…{integration.key_hint}" if integration.key_hint else "–"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        key = None if change else key_make()
        integration_set(integration=stored(obj, change), values=form.cleaned_data, actor=actor, at=now(), key=key)
        obj.plain_key = key

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._key_page(request, [(obj, obj.plain_key)])

    def _key_page(self, request: HttpRequest, keys: list[tuple[Integration, str]]) -> HttpResponse:
        """The keys in plain text, in this answer only: neither stored, nor in a message, nor in a cache."""
        shown = [
            {"integration": one, "key": key, "address": door_of(one).address.replace(f"…{one.key_hint}", key)}
            for one, key in keys
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": ngettext("The new key", "The new keys", len(keys)),
            "opts": self.opts,
            "shown": shown,
        }
        response = TemplateResponse(request, "admin/incidents/integration/new_key.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(description=_("Make a new key (the old one stops working)"))
    def new_key(self, request: HttpRequest, chosen: QuerySet[Integration]) -> HttpResponse:
        actor: Any = request.user
        made = []
        for integration in chosen.select_related("service"):
            key = key_make()
            integration_set(integration=integration, values={}, actor=actor, at=now(), key=key)
            made.append((integration, key))
        return self._key_page(request, made)

    @admin.action(description=_("Switch off: signals are refused"))
    def switch_off(self, request: HttpRequest, chosen: QuerySet[Integration]) -> None:
        self._switch(request, chosen, False)

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, chosen: QuerySet[Integration]) -> None:
        self._switch(request, chosen, True)

    def _switch(self, request: HttpRequest, chosen: QuerySet[Integration], on: bool) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.exclude(enabled=on)),
            lambda one, at: integration_set(integration=one, values={"enabled": on}, actor=actor, at=at),
            lambda n: ngettext("%(n)d integration switched.", "%(n)d integrations switched.", n) % {"n": n},
        )
        if not chosen.exclude(enabled=on).exists():
            messages.info(request, _("They stand as chosen."))
