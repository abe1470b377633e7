"""Schedules, their shifts, and who is on call at an instant: the answers of the one rota (DESIGN.md §3)."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.api.serializers import OnCallSerializer, ScheduleSerializer, ShiftSerializer
from oncall.models import Schedule, User
from oncall.selectors import on_call_now, schedules_load

LONGEST = timedelta(days=92)
USUAL = timedelta(days=14)


def instant(request: Request, name: str, default: datetime) -> datetime:
    """The instant of a query parameter. Raises DomainError unless it is ISO 8601 with an offset."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        # A "+" that was not encoded arrives as a space.
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or is_naive(found):
        raise DomainError(_("Give a time with its offset, such as 2026-11-22T03:09:00Z."), field=name)
    return found


def _moment(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.DATETIME, description=description)


class ScheduleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Schedule]):
    """Who is on call when."""

    queryset = Schedule.objects.select_related("team").order_by("name")
    serializer_class = ScheduleSerializer
    permission_classes = (Staff,)
    lookup_field = "slug"

    @extend_schema(
        responses=ShiftSerializer(many=True),
        parameters=[
            _moment("since", "From when; now, unless given."),
            _moment("until", "Until when; 14 days after since, unless given, and at most 92."),
        ],
    )
    @action(detail=True, pagination_class=None)
    def shifts(self, request: Request, slug: str) -> Response:
        """The final schedule of a range, overrides included, clipped to the range."""
        schedule = self.get_object()
        since = instant(request, "since", now())
        until = instant(request, "until", since + USUAL)
        if not since < until <= since + LONGEST:
            raise DomainError(_("The end must come after the start, by 92 days at most."), field="until")
        found = schedules_load([schedule], since=since)[schedule.pk].shifts(since=since, until=until)
        people = User.objects.in_bulk({shift.user_id for shift in found})
        rows = [
            {
                "person": people[shift.user_id],
                "role": shift.role,
                "why": str(shift.why),
                "start": shift.start,
                "end": shift.end,
            }
            for shift in found
        ]
        return Response(ShiftSerializer(rows, many=True).data)


class OnCallView(APIView):
    """Who holds each schedule at one instant."""

    permission_classes = (Staff,)

    @extend_schema(responses=OnCallSerializer(many=True), parameters=[_moment("at", "The instant; now, unless given.")])
    def get(self, request: Request) -> Response:
        found: list[Any] = on_call_now(instant(request, "at", now()))
        rows = [{"schedule": schedule, "holders": holders} for schedule, holders in found]
        return Response(OnCallSerializer(rows, many=True).data)
