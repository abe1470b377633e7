"""Categories as a tree with counts that add up, and the workflow: stages, ways and guards."""

from typing import Any

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.builder_forms import CategoryForm, StageNameForm, workflow_sent
from incidents.forms import refuse
from incidents.models import Category, Incident, Stage
from incidents.permissions import may_configure
from incidents.selectors.builder import SEVERITIES, category_counts, stage_rows
from incidents.services.categories import category_set
from incidents.services.workflow import stage_remove, stage_set, stages_order, workflow_now, workflow_set
from incidents.stages import ENDS
from incidents.views.answers import see_other, status_of, tell_refusal
from incidents.views.builder import BUILDERS
from oncall.access import role_required


@require_safe
@login_required
def category_list(request: HttpRequest) -> HttpResponse:
    """The tree, with the open incidents the reader may see or all of them."""
    user: Any = request.user
    every = request.GET.get("show") == "all"
    visible = Incident.objects.visible_to(user)
    branches, nowhere = category_counts(visible if every else visible.open())
    context = {
        "at": now(),
        "branches": branches,
        "nowhere": nowhere,
        "total": nowhere + sum(branch.own for branch in branches),
        "every": every,
        "may_edit": may_configure(user),
    }
    return render(request, "incidents/builder/categories.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def category_edit(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Add a category, or change one."""
    user: Any = request.user
    if not may_configure(user):
        raise PermissionDenied
    category = get_object_or_404(Category, slug=slug) if slug else Category()
    if request.method != "POST":
        initial: dict[str, Any] = {"parent": request.GET.get("parent", "")}
        if slug:
            initial = {name: getattr(category, name) for name in ("name", "position", "active")}
            initial["parent"] = category.parent.slug if category.parent else ""
        return _category_page(request, CategoryForm(initial=initial), category)
    form = CategoryForm(request.POST)
    if not form.is_valid():
        return _category_page(request, form, category, status=422)
    values = dict(form.cleaned_data) if slug else {**form.cleaned_data, "slug": _free_slug(form.cleaned_data["name"])}
    try:
        category_set(category=category, values=values, actor=user, at=now())
    except DomainError as error:
        refuse(form, error)
        return _category_page(request, form, category, status=status_of(error))
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _category_page(request, form, category, status=422)
    messages.success(request, _("“%(name)s” is kept.") % {"name": category.name})
    return see_other(reverse("incidents:categories"))


def _free_slug(name: str) -> str:
    """A slug nobody has: that of the name, or with a number behind."""
    first = slugify(name)[:70] or "category"
    taken = set(Category.objects.filter(slug__startswith=first).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := first if n == 1 else f"{first}-{n}") not in taken)


def _category_page(request: HttpRequest, form: CategoryForm, category: Category, *, status: int = 200) -> HttpResponse:
    context = {"at": now(), "form": form, "category": category if category.pk else None}
    return render(request, "incidents/builder/category.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*BUILDERS)
def workflow(request: HttpRequest) -> HttpResponse:
    """Which stage may follow which, and what must be there first."""
    user: Any = request.user
    if request.method != "POST":
        return _workflow_page(request)
    wanted = workflow_sent(request.POST)
    try:
        seen = orjson.loads(request.POST.get("seen", "") or "null")
        if not isinstance(seen, dict):
            # Boxes that are not ticked are not sent: a request that says nothing must not take every way and guard away.
            return see_other(reverse("incidents:workflow"))
        workflow_set(wanted=wanted, actor=user, at=now(), seen=seen)
    except orjson.JSONDecodeError:
        return see_other(reverse("incidents:workflow"))
    except DomainError as error:
        tell_refusal(request, error)
        return _workflow_page(request, status=status_of(error))
    messages.success(request, _("The workflow is kept. It holds from now on."))
    return see_other(reverse("incidents:workflow"))


def _workflow_page(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    found = workflow_now()
    rows = stage_rows(found)
    context = {
        "at": now(),
        "rows": rows,
        "between": [row for row in rows if not row.is_end],
        "seen": orjson.dumps(found.document()).decode(),
        "severities": SEVERITIES,
        "form": StageNameForm(),
    }
    return render(request, "incidents/builder/workflow.html", context, status=status)


@require_POST
@role_required(*BUILDERS)
def stage_change(request: HttpRequest, key: str = "") -> HttpResponse:
    """Add, rename, move or remove a stage."""
    user: Any = request.user
    stage = get_object_or_404(Stage, key=key) if key else Stage()
    try:
        match request.POST.get("do", ""):
            case "up" | "down" as way if key:
                _move(stage, -1 if way == "up" else 1, user)
            case "remove" if key:
                stage_remove(stage=stage, actor=user, at=now())
            case _:
                _name(request, stage, user)
    except DomainError as error:
        tell_refusal(request, error)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return see_other(reverse("incidents:workflow"))


def _name(request: HttpRequest, stage: Stage, user: Any) -> None:
    form = StageNameForm(request.POST)
    if not form.is_valid():
        raise DomainError(_("Give the stage a name."), field="name")
    name = form.cleaned_data["name"]
    values = {"name": name} if stage.pk else {"name": name, "key": slugify(name)[:30]}
    stage_set(stage=stage, values=values, actor=user, at=now())
    messages.success(request, _("“%(name)s” is kept.") % {"name": stage.label})


def _move(stage: Stage, by: int, user: Any) -> None:
    keys = list(Stage.objects.order_by("position").values_list("key", flat=True))
    between = [key for key in keys if key not in ENDS]
    here = between.index(stage.key) if stage.key in between else -1
    there = here + by
    if here >= 0 and 0 <= there < len(between):
        between[here], between[there] = between[there], between[here]
        stages_order(keys=[*between, *(key for key in keys if key in ENDS)], actor=user, at=now())
