"""Who is on call: all schedules at one instant, the calendar of one, and taking over for a while."""

from datetime import UTC, date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from escalation_site.ui import moments
from oncall import board, calendar, permissions
from oncall.access import role_required
from oncall.board_filter import OverviewFilter, other_reading
from oncall.editing.permissions import may_edit
from oncall.forms import TakeOverForm
from oncall.models import Override, Schedule, Team, User
from oncall.taking import duty_take, override_end

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)


@require_safe
@role_required(*READERS)
def overview(request: HttpRequest) -> HttpResponse:
    """Every schedule, or those of a team: who holds it now or at the instant asked for, and how to reach them."""
    at, user = now(), cast(User, request.user)
    zone = ZoneInfo(user.time_zone)
    form = OverviewFilter(request.GET, zone=zone)
    form.is_valid()
    asked, team = form.cleaned_data.get("at"), form.cleaned_data.get("team")
    teams = board.team_and_below(team, list(Team.objects.all())) if team else None
    found = board.standings(at=asked or at, teams=teams)
    other = other_reading(asked, zone) if asked else None
    context = {
        "at": at,
        "asked": asked,
        "other": other.astimezone(UTC).isoformat() if other else "",
        "other_at": other,
        "form": form,
        "team": team,
        "standings": found,
        "gap_count": sum(len(one.gaps) for one in found),
    }
    return render(request, "oncall/overview.html", context)


def _schedule(slug: str) -> Schedule:
    return get_object_or_404(Schedule.objects.select_related("team"), slug=slug)


@require_safe
@role_required(*READERS)
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """One schedule over a day, two weeks or a month; htmx gets the calendar alone."""
    at, user, found = now(), cast(User, request.user), _schedule(slug)
    if _wants_fragment(request):
        context = {**_calendar_context(request, found, at), "fragment": True}
        response = render(request, "oncall/partials/_calendar.html", context)
    else:
        form = TakeOverForm(schedule=found, at=at, zone=ZoneInfo(user.time_zone))
        response = _render_schedule(request, found, form=form, at=at)
    # The two have one address: no cache may mistake them.
    patch_vary_headers(response, ["HX-Request"])
    return response


def _wants_fragment(request: HttpRequest) -> bool:
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def _render_schedule(
    request: HttpRequest, found: Schedule, *, form: TakeOverForm, at: datetime, status: int = 200
) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        **_calendar_context(request, found, at),
        "overrides": board.coming_overrides(found, at=at, reader=user),
        "may_edit": may_edit(user, found),
        "form": form,
    }
    return render(request, "oncall/schedule.html", context, status=status)


def _calendar_context(request: HttpRequest, found: Schedule, at: datetime) -> dict[str, Any]:
    """The range in the address, on the reader's clock or on the schedule's. What makes no sense there counts as not given."""
    user = cast(User, request.user)
    own, theirs = ZoneInfo(user.time_zone), ZoneInfo(found.time_zone)
    clock = calendar.SCHEDULE if request.GET.get("zone") == calendar.SCHEDULE else calendar.MINE
    zone, other = (theirs, own) if clock == calendar.SCHEDULE else (own, theirs)
    today = at.astimezone(zone).date()
    shown = calendar.range_of(_asked_view(request), _asked_day(request, today), zone)
    drawn = calendar.calendar_of(found, shown=shown, other=other, at=at, reader=user)
    return {
        "at": at,
        "schedule": found,
        "calendar": drawn,
        "ways": calendar.navigation(shown, clock=clock, clocks_differ=drawn.clocks.other is not None, today=today),
        "today": today,
        "on_schedule_clock": clock == calendar.SCHEDULE,
        "may_take_over": board.may_take_over(user, found),
    }


def _asked_view(request: HttpRequest) -> calendar.View:
    try:
        return calendar.View(request.GET.get("view", ""))
    except ValueError:
        return calendar.View.FORTNIGHT


def _asked_day(request: HttpRequest, today: date) -> date:
    """The day in the address, else today. Days far from now are not drawn."""
    try:
        asked = parse_date(request.GET.get("from", "")) or today
    except ValueError:
        asked = today
    return asked if abs((asked - today).days) < calendar.FARTHEST_DAYS else today


@require_POST
@role_required(*ACTORS)
def take_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the reader on call from now on, in place of whoever holds the role; both are told."""
    at, user, found = now(), cast(User, request.user), _schedule(slug)
    if not permissions.may_plan_override(user, found, kind=Override.Kind.COVER, user=user):
        raise PermissionDenied(_("Only people of the team take over its schedule."))
    zone = ZoneInfo(user.time_zone)
    form = TakeOverForm(request.POST, schedule=found, at=at, zone=zone)
    if not form.is_valid():
        return _render_schedule(request, found, form=form, at=at, status=422)
    data = form.cleaned_data
    try:
        override = duty_take(
            schedule=found, user=user, end=data["end"], role=data["role"], reason=data["reason"], at=at
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _render_schedule(request, found, form=form, at=at, status=422)
    until = moments.written(override.end, "short", at=at, zone=zone)
    messages.success(
        request,
        _("You are on call for %(name)s until %(until)s.") % {"name": found.name, "until": until},
    )
    return redirect(reverse("oncall:mine") if request.POST.get("from") == "mine" else found.get_absolute_url())


@require_POST
@role_required(*ACTORS)
def cancel_override(request: HttpRequest, pk: int) -> HttpResponse:
    """Give back, or end, an override: from now on where it runs, altogether where it has not begun; both are told."""
    at, user = now(), cast(User, request.user)
    override = get_object_or_404(
        Override.objects.select_related("schedule", "user", "replaces"), pk=pk, cancelled_at=None
    )
    try:
        override_end(override=override, actor=user, at=at)
    except NotAllowed as error:
        raise PermissionDenied(error.message) from error
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The override has ended; the rotation decides again."))
    slug = override.schedule.slug
    return redirect(
        reverse("oncall:mine") if request.POST.get("from") == "mine" else reverse("oncall:schedule", args=(slug,))
    )
