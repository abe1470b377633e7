"""The pages of the first run, and the sign-in page's look at whether there is anybody to sign in."""

from collections.abc import Callable
from typing import Any, cast

from allauth.account.views import login as allauth_login
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from escalation_site.first_run import setup
from escalation_site.first_run.forms import AdministratorForm, PolicyForm, ScheduleForm, ServiceForm, TeamForm
from escalation_site.first_run.steps import STEPS, next_step
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.sign_ins import signed_in
from incidents.models import EscalationRun, Incident, Page, Service
from incidents.selectors.steps import standing_of
from oncall.access import role_required
from oncall.models import Schedule, Team, User
from policies.models import EscalationPolicy

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105  the name of a class
get_or_post = require_http_methods(["GET", "HEAD", "POST"])
administrators = role_required(User.Role.ADMINISTRATOR)


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """The sign-in page; to the first run while there is nobody who could sign in (one look, on this page only)."""
    if request.method != "POST" and not User.objects.exists():
        return redirect("first_run")
    answer: HttpResponseBase = allauth_login(request)
    return answer


def _page(
    request: HttpRequest, step: str, form: forms.Form | None, *, status: int = 200, **context: Any
) -> HttpResponse:
    keys = [one.key for one in STEPS]
    steps = [{"title": one.title, "key": one.key, "done": keys.index(one.key) < keys.index(step)} for one in STEPS]
    return render(
        request, f"site/first_run/{step}.html", {"form": form, "steps": steps, "step": step, **context}, status=status
    )


def _refused(form: forms.Form, error: Exception) -> None:
    """Says on the form what a service refused, beside the field where the form has it."""
    if isinstance(error, DomainError):
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return
    problems: dict[str, list[str]] = (
        cast(ValidationError, error).message_dict
        if hasattr(error, "message_dict")
        else {NON_FIELD_ERRORS: [str(error)]}
    )
    for name, texts in problems.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)


def _step(
    request: HttpRequest, step: str, form: forms.Form, write: Callable[[dict[str, Any]], object], **context: Any
) -> HttpResponse:
    """One step: show the form, or write what it says and go on."""
    if request.method != "POST":
        return _page(request, step, form, **context)
    if form.is_valid():
        try:
            write(form.cleaned_data)
        except (DomainError, ValidationError) as error:
            _refused(form, error)
        else:
            return redirect("first_run")
    return _page(request, step, form, status=422, **context)


def _bound(request: HttpRequest) -> dict[str, Any]:
    return {"data": request.POST} if request.method == "POST" else {}


@never_cache
@get_or_post
@sensitive_post_parameters("password")
def first_run(request: HttpRequest) -> HttpResponse:
    """Creates the first administrator while there is nobody, then leads to the next step that is not done."""
    step = next_step()
    if step != "administrator":
        if not request.user.is_authenticated:
            return redirect("account_login")
        is_administrator = request.user.is_administrator
        return redirect(f"first_run_{step}") if step and is_administrator else redirect("home")
    form = AdministratorForm(**_bound(request), initial={"time_zone": settings.TIME_ZONE})

    def write(data: dict[str, Any]) -> None:
        user = setup.administrator_create(
            person=form.person(), username=data["username"], password=data["password"], at=now()
        )
        login(request, user, backend=PASSWORD_BACKEND)
        signed_in(request, user)

    return _step(request, step, form, write)


def _elsewhere(step: str) -> HttpResponse | None:
    """To the step that is due, when it is not ``step``."""
    return None if next_step() == step else redirect("first_run")


@never_cache
@get_or_post
@administrators
def team(request: HttpRequest) -> HttpResponse:
    """One team: the administrator, and the person who shares the duty with them."""
    if other := _elsewhere("team"):
        return other
    user = cast(User, request.user)
    form = TeamForm(**_bound(request), initial={"zone": user.time_zone, "time_zone": user.time_zone})
    return _step(
        request,
        "team",
        form,
        lambda data: setup.team_create(
            name=data["name"], time_zone=data["zone"], backup=form.person(), actor=user, at=now()
        ),
    )


@never_cache
@get_or_post
@administrators
def schedule(request: HttpRequest) -> HttpResponse:
    """One rotation of two people: one is on call first, the other is the backup, and they change every week."""
    if other := _elsewhere("schedule"):
        return other
    user, found = cast(User, request.user), Team.objects.filter(memberships__isnull=False).order_by("pk")[0]
    form = ScheduleForm(**_bound(request), team=found, initial={"name": found.name, "first": user})

    def write(data: dict[str, Any]) -> None:
        first = data["first"]
        second = User.objects.filter(memberships__team=found).exclude(pk=first.pk).order_by("pk").first() or first
        setup.schedule_create(
            name=data["name"],
            team=found,
            first=first,
            second=second,
            weekday=data["weekday"],
            handoff=data["handoff"],
            actor=user,
            at=now(),
        )

    return _step(request, "schedule", form, write, team=found)


@never_cache
@get_or_post
@administrators
def policy(request: HttpRequest) -> HttpResponse:
    """One policy: the primary at once, then the backup."""
    if other := _elsewhere("policy"):
        return other
    user, found = cast(User, request.user), Schedule.objects.filter(versions__isnull=False).order_by("pk")[0]
    form = PolicyForm(**_bound(request), initial={"name": _("Primary, then backup")})
    return _step(
        request,
        "policy",
        form,
        lambda data: setup.policy_create(
            name=data["name"], schedule=found, answer_seconds=data["answer"], actor=user, at=now()
        ),
        schedule=found,
    )


@never_cache
@get_or_post
@administrators
def service(request: HttpRequest) -> HttpResponse:
    """One service, owned by the team and escalated by the policy."""
    if other := _elsewhere("service"):
        return other
    user = cast(User, request.user)
    found = EscalationPolicy.objects.filter(current_version__isnull=False).select_related("team").order_by("pk")[0]
    owner = found.team or Team.objects.order_by("pk")[0]
    return _step(
        request,
        "service",
        ServiceForm(**_bound(request)),
        lambda data: setup.service_create(name=data["name"], team=owner, policy=found, actor=user, at=now()),
        policy=found,
        team=owner,
    )


@never_cache
@get_or_post
@administrators
def test(request: HttpRequest) -> HttpResponse:
    """Opens a test incident, and shows who was told and who comes next."""
    at, user = now(), cast(User, request.user)
    own = Incident.objects.filter(is_test=True, reporter=user).select_related("service", "owner")
    incident = own.order_by("-pk").first()
    if incident is None and (other := _elsewhere("test")):
        return other
    if request.method == "POST":
        found = Service.objects.filter(policy__isnull=False).select_related("team", "policy").order_by("pk").first()
        if found is None:
            return redirect("first_run")
        try:
            setup.test_incident(service=found, actor=user, at=at)
        except DomainError as error:
            messages.warning(request, error.message)
        return redirect("first_run_test")
    context: dict[str, Any] = {"at": at, "incident": incident}
    if incident is not None:
        run = EscalationRun.objects.filter(incident=incident, superseded=False).select_related("policy_version").first()
        context["standing"] = standing_of(incident, run, at=at)
        context["pages"] = Page.objects.filter(incident=incident).select_related("recipient").order_by("pk")
    return _page(request, "test", None, **context)
