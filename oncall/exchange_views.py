"""My duty, and planning an override: seen before it is saved, ended as easily."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall import permissions, rota
from oncall.access import role_required
from oncall.exchange_forms import HolidayForm, OverrideForm, local_text
from oncall.forms import TakeOverForm
from oncall.handoffs import handoffs_waiting
from oncall.holiday_calendars import holiday_calendar_names
from oncall.holidays_sync import holiday_calendar_choose
from oncall.mine import mine as mine_of
from oncall.models import Override, Schedule, User
from oncall.override_preview import Preview, preview_of
from oncall.selectors import Loaded, schedules_load
from oncall.taking import override_plan

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)


# --- my duty


@require_safe
@role_required(*READERS)
def mine(request: HttpRequest) -> HttpResponse:
    """What the reader holds now and next, swaps around it, their absences and holidays."""
    return _render_mine(request, HolidayForm(initial={"calendar": cast(User, request.user).holiday_calendar}))


def _render_mine(request: HttpRequest, form: HolidayForm, *, status: int = 200) -> HttpResponse:
    at, user = now(), cast(User, request.user)
    context = {
        "at": at,
        "duty": mine_of(user, at=at),
        "handoffs": handoffs_waiting(user, at=at),
        "form": form,
        "may_plan": permissions.is_responder(user),
        "lengths": TakeOverForm.base_fields["length"].choices[:-1],  # type: ignore[attr-defined]  # a ChoiceField
        "countries": [name for name in holiday_calendar_names() if len(name) == 2],
    }
    return render(request, "oncall/mine.html", context, status=status)


@require_POST
@role_required(*ACTORS)
def my_holidays(request: HttpRequest) -> HttpResponse:
    """Keep the public holidays of another calendar from now on."""
    form = HolidayForm(request.POST)
    if not form.is_valid():
        return _render_mine(request, form, status=422)
    holiday_calendar_choose(user=cast(User, request.user), calendar=form.cleaned_data["calendar"], at=now())
    messages.success(request, _("Your public holidays are up to date."))
    return redirect("oncall:mine")


# --- planning an override


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every step of planning needs."""

    schedule: Schedule
    loaded: Loaded
    planner: User
    at: datetime
    zone: ZoneInfo


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*ACTORS)
def override_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; "Preview" shows what would change and asks again, "Save" saves it."""
    plan = _plan(request, slug)
    if request.method != "POST":
        return _render_plan(request, plan, _form(plan, initial=_initial(request, plan)))
    form = _form(plan, data=request.POST)
    if not form.is_valid():
        return _render_plan(request, plan, form, status=422)
    override = _value(form)
    if not permissions.may_plan_override(
        plan.planner,
        plan.schedule,
        kind=str(override.kind),
        user=form.cleaned_data["user"],
        replaces=form.cleaned_data["replaces"],
    ):
        form.add_error("user", _("You may plan for yourself and hand over your own shifts; for others a manager does."))
        return _render_plan(request, plan, form, status=403)
    preview = preview_of(plan.loaded, override, at=plan.at)
    if request.POST.get("step") != "save":
        return _render_plan(request, plan, form, preview=preview)
    if preview.gaps and not form.cleaned_data["accept_gaps"]:
        form.add_error("accept_gaps", _("Nobody would be on call for some of the time. Mend it, or say that you know."))
        return _render_plan(request, plan, form, preview=preview, status=422)
    return _save(request, plan, form, preview)


def _save(request: HttpRequest, plan: _Plan, form: OverrideForm, preview: Preview) -> HttpResponse:
    data = form.cleaned_data
    try:
        override_plan(
            schedule=plan.schedule,
            planner=plan.planner,
            kind=data["kind"],
            user=data["user"],
            replaces=data["replaces"],
            role=data["role"],
            start=data["starts_at"],
            end=data["ends_at"],
            reason=data["reason"],
            accepted=preview.accepted(),
            at=plan.at,
        )
    except NotAllowed as error:
        raise PermissionDenied(error.message) from error
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _render_plan(request, plan, form, preview=preview, status=422)
    messages.success(request, _("The override is saved; whoever gains or loses shifts by it is told."))
    return redirect(plan.schedule)


def _plan(request: HttpRequest, slug: str) -> _Plan:
    at, user = now(), cast(User, request.user)
    schedule = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    if not user.may_manage and not permissions.in_team(user, schedule):
        raise PermissionDenied(_("Only people of the team plan its overrides."))
    loaded = schedules_load([schedule], since=at)[schedule.pk]
    return _Plan(schedule, loaded, user, at, ZoneInfo(user.time_zone))


def _form(plan: _Plan, **options: Any) -> OverrideForm:
    return OverrideForm(**options, loaded=plan.loaded, planner=plan.planner, at=plan.at, zone=plan.zone)


def _initial(request: HttpRequest, plan: _Plan) -> dict[str, Any]:
    """What a link filled in: ``start`` and ``end`` are instants, the rest as the form's fields."""
    asked = request.GET
    start, end = (_instant(asked.get(name, "")) for name in ("start", "end"))
    initial = {
        "user": asked.get("user", "") or ("" if asked.get("replaces") == str(plan.planner.pk) else plan.planner.pk),
        "start": local_text(max(start, plan.at) if start else plan.at, plan.zone),
        "kind": asked.get("kind", Override.Kind.COVER),
        "replaces": asked.get("replaces", ""),
        "role": asked.get("role", ""),
        "length": asked.get("length", "") or ("until" if end else "1"),
    }
    if end:
        initial["end"] = local_text(end, plan.zone)
    return initial


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None and 2000 <= found.year < 2900 else None


def _value(form: OverrideForm) -> rota.Override:
    data = form.cleaned_data
    replaces = data["replaces"] if data["kind"] == Override.Kind.REPLACE else None
    return rota.Override(
        kind=rota.OverrideKind(data["kind"]),
        user_id=data["user"].pk,
        start=data["starts_at"],
        end=data["ends_at"],
        replaces=replaces.pk if replaces else None,
        role=data["role"],
    )


def _render_plan(
    request: HttpRequest, plan: _Plan, form: OverrideForm, *, preview: Preview | None = None, status: int = 200
) -> HttpResponse:
    theirs = ZoneInfo(plan.schedule.time_zone)
    data: dict[str, Any] = getattr(form, "cleaned_data", {})
    context = {
        "at": plan.at,
        "schedule": plan.schedule,
        "form": form,
        "preview": preview,
        "starts_at": data.get("starts_at"),
        "ends_at": data.get("ends_at"),
        "zone_name": plan.zone.key,
        "their_zone": "" if theirs.utcoffset(plan.at) == plan.zone.utcoffset(plan.at) else theirs.key,
    }
    return render(request, "oncall/override.html", context, status=status)
