"""The form builder: the house's own fields by group, and how the form looks with them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.builder_forms import FieldForm, field_initial
from incidents.custom_fields import (
    Question,
    answers_half,
    answers_sent,
    fields_asked,
    form_fields,
    known_of,
    questions_of,
)
from incidents.forms import refuse
from incidents.models import Category, CustomField, Service
from incidents.own_facts import names
from incidents.selectors.builder import groups_of
from incidents.services.fields import field_set, fields_order
from incidents.views.answers import see_other, tell_refusal
from oncall.access import role_required
from oncall.models import User
from policies.own_facts import own_facts_follow

BUILDERS = (User.Role.ADMINISTRATOR,)


def built_in() -> dict[str, list[str]]:
    """What Watchbell itself asks, by group, in the order of the form."""
    return {
        CustomField.Group.IDENTIFICATION.value: [_("What is wrong?"), _("What do people see?")],
        CustomField.Group.CLASSIFICATION.value: [_("Affected service"), _("Category"), _("Severity")],
        CustomField.Group.SOURCE.value: [_("How was it noticed?"), _("Environment")],
        CustomField.Group.EVIDENCE.value: [_("Links, error messages, what was tried"), _("Logs and screenshots")],
        CustomField.Group.BUSINESS.value: [_("Customer"), _("SLA tier"), _("What do customers notice?")],
    }


@require_safe
@role_required(*BUILDERS)
def form_builder(request: HttpRequest) -> HttpResponse:
    """The groups with their fields; beside them the house's own part of the form, as it would ask."""
    own_facts_follow()
    fields = list(CustomField.objects.prefetch_related("categories").order_by("position", "key"))
    groups, retired = groups_of(built_in(), fields)
    shown = _preview(request, [field for field in fields if field.active])
    return render(request, "incidents/builder/form.html", {"at": now(), "groups": groups, "retired": retired, **shown})


@require_safe
@role_required(*BUILDERS)
def form_preview(request: HttpRequest) -> HttpResponse:
    """The preview alone, asked anew as somebody tries answers."""
    own_facts_follow()
    fields = list(CustomField.objects.filter(active=True).prefetch_related("categories"))
    return render(request, "incidents/builder/_preview.html", _preview(request, fields))


def _preview(request: HttpRequest, fields: list[CustomField]) -> dict[str, Any]:
    """The house's own questions, as they would be asked with what is chosen and answered so far."""
    categories = list(Category.objects.filter(active=True).select_related("parent"))
    services = list(Service.objects.select_related("team").order_by("name"))
    category = next((one for one in categories if one.slug == request.GET.get("category")), None)
    service = next((one for one in services if one.slug == request.GET.get("service")), None)
    possible = [Question(field) for field in fields_asked(category, fields)]
    sent = answers_sent(possible, request.GET)
    known = known_of(service=service, category=category, custom=answers_half(possible, sent))
    questions = questions_of([question.field for question in possible], known)
    form = forms.Form(initial={question.name: sent.get(question.key) for question in questions})
    form.fields.update(form_fields(questions))
    grouped = [
        (str(label), [form[question.name] for question in questions if question.group == key])
        for key, label in CustomField.Group.choices
    ]
    return {
        "preview": [(label, fields) for label, fields in grouped if fields],
        "preview_category": category,
        "preview_service": service,
        "categories": categories,
        "services": services,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*BUILDERS)
def field_new(request: HttpRequest) -> HttpResponse:
    """Add a field; it is asked from the next filing on."""
    own_facts_follow()
    if request.method != "POST":
        group = request.GET.get("group", "")
        initial = {"group": group if group in CustomField.Group.values else CustomField.Group.CLASSIFICATION}
        return _field_page(request, FieldForm(initial=initial, offers=_offers()), None)
    return _field_sent(request, FieldForm(request.POST, offers=_offers()), CustomField())


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*BUILDERS)
def field_edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a field. Key and kind stay: rules and answers rest on them."""
    own_facts_follow()
    field = get_object_or_404(CustomField, key=key)
    if request.method != "POST":
        return _field_page(request, FieldForm(initial=field_initial(field), field=field, offers=_offers()), field)
    return _field_sent(request, FieldForm(request.POST, field=field, offers=_offers()), field)


def _offers() -> dict[str, tuple[tuple[str, str], ...]]:
    """What may be chosen in a condition: services, categories and customers by name."""
    services = tuple(Service.objects.order_by("name").values_list("slug", "name"))
    return {"service": services, **{fact: tuple(found.items()) for fact, found in names().items()}}


def _field_sent(request: HttpRequest, form: FieldForm, field: CustomField) -> HttpResponse:
    user: Any = request.user
    stored = field if field.pk else None
    if form.redraws or not form.is_valid():
        return _field_page(request, form, stored, status=200 if form.redraws else 422)
    values = form.values
    if stored is None:
        values["position"] = CustomField.objects.filter(group=values["group"]).count() + 1
    try:
        field_set(field=field, values=values, categories=form.cleaned_data["categories"], actor=user, at=now())
    except DomainError as error:
        refuse(form, error)
    except ValidationError as error:
        _refuse_all(form, error)
    else:
        messages.success(request, _("“%(name)s” is kept. It is asked from now on.") % {"name": field.label})
        return see_other(reverse("incidents:form_builder"))
    return _field_page(request, form, stored, status=422)


def _refuse_all(form: FieldForm, error: ValidationError) -> None:
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, several in found.items():
        for message in several:
            form.add_error(name if name in form.fields else None, message)


def _field_page(request: HttpRequest, form: FieldForm, field: CustomField | None, *, status: int = 200) -> HttpResponse:
    context = {"at": now(), "form": form, "field": field}
    return render(request, "incidents/builder/field.html", context, status=status)


@require_POST
@role_required(*BUILDERS)
def field_move(request: HttpRequest, key: str) -> HttpResponse:
    """One place up or down within its group."""
    user: Any = request.user
    field = get_object_or_404(CustomField, key=key)
    keys = list(
        CustomField.objects.filter(group=field.group, active=True)
        .order_by("position", "key")
        .values_list("key", flat=True)
    )
    here = keys.index(key) if key in keys else 0
    there = here + (-1 if request.POST.get("do") == "up" else 1)
    if key in keys and 0 <= there < len(keys):
        keys[here], keys[there] = keys[there], keys[here]
        fields_order(keys=keys, actor=user, at=now())
    return see_other(f"{reverse('incidents:form_builder')}#field-{key}")


@require_POST
@role_required(*BUILDERS)
def field_retire(request: HttpRequest, key: str) -> HttpResponse:
    """Ask it no more, or again. Answers that were given stay."""
    user: Any = request.user
    field = get_object_or_404(CustomField, key=key)
    active = request.POST.get("do") == "restore"
    try:
        field_set(field=field, values={"active": active}, actor=user, at=now())
    except DomainError as error:
        tell_refusal(request, error)
    else:
        said = _("“%(name)s” is asked again.") if active else _("“%(name)s” is asked no more. Its answers stay.")
        messages.success(request, said % {"name": field.label})
    return see_other(reverse("incidents:form_builder"))
