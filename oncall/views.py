"""Who is on call: all schedules now, one schedule over two weeks, and taking over for a while."""

from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.ui import moments
from oncall import board
from oncall.access import role_required
from oncall.forms import TakeOverForm
from oncall.models import Override, Schedule, User
from oncall.services import override_cancel, override_create

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)


@require_safe
@role_required(*READERS)
def overview(request: HttpRequest) -> HttpResponse:
    """Every schedule: who holds it now and how to reach them, the next handoff, the gaps of the next 14 days."""
    at = now()
    found = board.standings(at=at)
    context = {"at": at, "standings": found, "gap_count": sum(len(one.gaps) for one in found)}
    return render(request, "oncall/overview.html", context)


def _schedule(slug: str) -> Schedule:
    return get_object_or_404(Schedule.objects.select_related("team"), slug=slug)


@require_safe
@role_required(*READERS)
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """Two weeks of one schedule: the final one over its layers, gaps, overrides, and the form to take over."""
    at, user, found = now(), cast(User, request.user), _schedule(slug)
    form = TakeOverForm(schedule=found, at=at, zone=ZoneInfo(user.time_zone))
    return _render_schedule(request, found, form=form, at=at)


def _render_schedule(
    request: HttpRequest, found: Schedule, *, form: TakeOverForm, at: datetime, status: int = 200
) -> HttpResponse:
    user = cast(User, request.user)
    zone = ZoneInfo(user.time_zone)
    first = _asked_monday(request, at.astimezone(zone).date())
    context = {
        "at": at,
        "schedule": found,
        "calendar": board.fortnight(found, first=first, at=at, zone=zone, reader=user),
        "today": at.astimezone(zone).date(),
        "zone_name": at.astimezone(zone).tzname(),
        "earlier": first.fromordinal(first.toordinal() - board.DAYS_SHOWN),
        "later": first.fromordinal(first.toordinal() + board.DAYS_SHOWN),
        "overrides": board.coming_overrides(found, at=at, reader=user),
        "may_take_over": board.may_take_over(user, found),
        "form": form,
    }
    return render(request, "oncall/schedule.html", context, status=status)


def _asked_monday(request: HttpRequest, today: date) -> date:
    """The Monday of the day in the address, else of this week. Days far from now are not drawn."""
    try:
        asked = parse_date(request.GET.get("from", "")) or today
    except ValueError:
        asked = today
    return board.monday_before(asked if abs((asked - today).days) < 3660 else today)


@require_POST
@role_required(*ACTORS)
def take_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the reader on call from now on, in place of whoever the rotation names."""
    at, user, found = now(), cast(User, request.user), _schedule(slug)
    if not board.may_take_over(user, found):
        raise PermissionDenied(_("Only people of the team take over its schedule."))
    zone = ZoneInfo(user.time_zone)
    form = TakeOverForm(request.POST, schedule=found, at=at, zone=zone)
    if not form.is_valid():
        return _render_schedule(request, found, form=form, at=at, status=422)
    try:
        override = override_create(
            schedule=found,
            user=user,
            start=at,
            end=form.cleaned_data["end"],
            actor=user,
            at=at,
            reason=form.cleaned_data["reason"],
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _render_schedule(request, found, form=form, at=at, status=422)
    until = moments.written(override.end, "short", at=at, zone=zone)
    messages.success(
        request,
        _("You are on call for %(name)s until %(until)s.") % {"name": found.name, "until": until},
    )
    return redirect(found)


@require_POST
@role_required(*ACTORS)
def cancel_override(request: HttpRequest, pk: int) -> HttpResponse:
    """End an override of one's own (managers: any): from now on where it runs, altogether where it has not begun."""
    at, user = now(), cast(User, request.user)
    override = get_object_or_404(
        Override.objects.select_related("schedule", "user", "replaces"), pk=pk, cancelled_at=None
    )
    if not board.may_cancel(user, override):
        raise PermissionDenied(_("It is not yours to end."))
    try:
        override_cancel(override=override, actor=user, at=at)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The override has ended; the rotation decides again."))
    return redirect(reverse("oncall:schedule", args=(override.schedule.slug,)))
