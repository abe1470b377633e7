"""The workload over the API: the figures of the page."""

from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.api.permissions import Staff
from escalation_site.kernel.instants import now
from oncall.api.exchange_serializers import WorkloadSerializer
from oncall.load.fairness import fairnesses
from oncall.load.forms import LoadFilters
from oncall.load.page import rows
from oncall.load.reading import reading
from oncall.load_views import sees_everybody


class WorkloadView(APIView):
    """Who bears how much. Responders see their own figures; managers, auditors and administrators everybody's."""

    permission_classes = (Staff,)

    @extend_schema(
        responses=WorkloadSerializer,
        parameters=[
            OpenApiParameter(
                "range", str, description="last4 (unless given), last12, last52, next4 …, 2026-11, custom"
            ),
            OpenApiParameter("first", str, description="With custom: the first day, such as 2026-11-01."),
            OpenApiParameter("last", str, description="With custom: the last day."),
            OpenApiParameter("team", str, description="A team's slug; the teams under it count too."),
            OpenApiParameter("schedule", str, description="A schedule's slug."),
        ],
    )
    def get(self, request: Request) -> Response:
        at, user = now(), self._user(request)
        zone = ZoneInfo(user.time_zone)
        form = LoadFilters(request.query_params, today=at.astimezone(zone).date())
        if not form.is_valid():
            raise ValidationError({name: [str(one) for one in errors] for name, errors in form.errors.items()})
        only = None if sees_everybody(user) else user
        scope = form.scope()
        everybody = reading(scope.schedules, days=scope.days)
        found = everybody.of(user) if only else everybody
        answer = {
            "first": scope.days.first,
            "last": scope.days.last,
            "people": rows(found, at=at, zone=zone),
            "fairness": fairnesses(everybody, only=only),
        }
        return Response(WorkloadSerializer(answer).data)

    @staticmethod
    def _user(request: Request) -> Any:
        return request.user
