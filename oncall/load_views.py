"""What being on call costs people, hours for pay, and who is on call in two places at once."""

from datetime import date, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from oncall.access import role_required
from oncall.editing.permissions import teams_of
from oncall.load.cross import DAYS_SHOWN, cross, fortnight
from oncall.load.export import csv_rows
from oncall.load.fairness import fairnesses
from oncall.load.forms import LoadFilters
from oncall.load.heat import heat, holidays
from oncall.load.page import rows, sums
from oncall.load.reading import reading, sub_teams
from oncall.models import Team, User

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
PEOPLE_SHOWN = 50
LANES_SHOWN = 40
SCHEDULES_SHOWN = 12
FARTHEST_DAYS = 3660


def sees_everybody(user: User) -> bool:
    """Who manages, and who audits, sees everybody's load and hours for pay; responders see their own."""
    return user.is_active and (user.may_manage or user.is_auditor)


@require_safe
@role_required(*READERS)
def workload(request: HttpRequest) -> HttpResponse:
    """Hours, nights, weekends and holidays per person in a range, against their limit, and how fairly they are shared."""
    at, user = now(), cast(User, request.user)
    zone = ZoneInfo(user.time_zone)
    only = None if sees_everybody(user) else user
    form = LoadFilters(request.GET, today=at.astimezone(zone).date())
    form.is_valid()
    scope = form.scope()
    everybody = reading(scope.schedules, days=scope.days)
    found = everybody.of(user) if only else everybody
    made = rows(found, at=at, zone=zone)
    fair = fairnesses(everybody, only=only)
    page = Paginator(made, PEOPLE_SHOWN).get_page(request.GET.get("page"))
    people = [row.user for row in page.object_list]
    context = {
        "at": at,
        "form": form,
        "scope": scope,
        "only": only,
        "page": page,
        "sums": sums(made),
        "has_pages": any(row.pages is not None for row in made),
        "fairnesses": fair[:SCHEDULES_SHOWN],
        "fairer": max(len(fair) - SCHEDULES_SHOWN, 0),
        "heat": heat(found, people),
        "holidays": holidays(found, people),
    }
    return render(request, "oncall/workload.html", context)


@require_safe
@role_required(*READERS)
def hours_export(request: HttpRequest) -> HttpResponseBase:
    """The shifts behind the workload page as CSV, for pay."""
    at, user = now(), cast(User, request.user)
    form = LoadFilters(request.GET, today=at.astimezone(ZoneInfo(user.time_zone)).date())
    form.is_valid()
    scope = form.scope()
    found = reading(scope.schedules, days=scope.days)
    found = found if sees_everybody(user) else found.of(user)
    name = f"on-call-hours-{scope.days.first}-{scope.days.last}.csv"
    return streamed(request, csv_pieces(csv_rows(found)), content_type="text/csv; charset=utf-8", filename=name)


@require_safe
@role_required(*READERS)
def clashes(request: HttpRequest) -> HttpResponse:
    """Who is on call in two places at once within eight weeks, and two weeks of the people whom schedules share."""
    at, user = now(), cast(User, request.user)
    zone = ZoneInfo(user.time_zone)
    first = _asked_monday(request, at.astimezone(zone).date())
    found = cross(at=at, first=first, zone=zone)
    teams = list(Team.objects.all())
    team = next((one for one in teams if one.slug == request.GET.get("team")), None)
    everybody = request.GET.get("who") == "everybody"
    people = found.serving if everybody else found.shared
    meetings = found.meetings
    if team is not None:
        of_team = found.of_team(sub_teams(team))
        people &= of_team
        meetings = tuple(one for one in meetings if one.user.pk in of_team)
    ordered = sorted(people & set(found.users), key=lambda pk: (found.users[pk].name, pk))
    page = Paginator(ordered, LANES_SHOWN).get_page(request.GET.get("page"))
    context = {
        "at": at,
        "today": at.astimezone(zone).date(),
        "teams": teams,
        "team": team,
        "everybody": everybody,
        "page": page,
        "meetings": meetings,
        # Whose rotation the reader may write, as ``editing.permissions.may_edit`` says.
        "writable": {one.pk for one in teams_of(user)} | ({None} if user.may_manage else set()),
        "calendar": fortnight(found, list(page.object_list)),
        "first": first,
        "last": first + timedelta(days=DAYS_SHOWN - 1),
        "earlier": first - timedelta(days=DAYS_SHOWN),
        "later": first + timedelta(days=DAYS_SHOWN),
    }
    return render(request, "oncall/clashes.html", context)


def _asked_monday(request: HttpRequest, today: date) -> date:
    """The Monday of the day in the address, else of this week. Days far from now are not drawn."""
    try:
        asked = parse_date(request.GET.get("from", "")) or today
    except ValueError:
        asked = today
    day = asked if abs((asked - today).days) < FARTHEST_DAYS else today
    return day - timedelta(days=day.weekday())
