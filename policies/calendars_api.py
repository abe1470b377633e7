"""Business calendars over the API, written as on their pages."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError as ModelRefusal
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import NotAllowed
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from policies.book_pages.permissions import may_edit_books
from policies.calendars.services import calendar_delete, calendar_set
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid


class CalendarSerializer(serializers.ModelSerializer[WorkCalendar]):
    """When an organisation works: weekly hours on the clock of ``zone``, and days on which it does not."""

    default = serializers.BooleanField(source="is_default", read_only=True)

    class Meta:
        model = WorkCalendar
        fields = ("slug", "name", "zone", "windows", "holidays", "default")
        read_only_fields = fields


class CalendarChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays. Hours are {"days": ["mon"], "start": "09:00", "end": "18:00"}, no days mean every day;
    holidays are {"date": "2026-12-25", "name": "Christmas Day"}."""

    name = serializers.CharField(max_length=80, required=False)
    zone = serializers.CharField(max_length=60, required=False)
    windows = serializers.JSONField(required=False)
    holidays = serializers.JSONField(required=False)
    default = serializers.BooleanField(source="is_default", required=False)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NewCalendarSerializer(CalendarChangeSerializer):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=80)
    windows = serializers.JSONField()


class CalendarViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[WorkCalendar]):
    """Business calendars: read by staff, written by managers and administrators."""

    queryset = WorkCalendar.objects.order_by("name")
    serializer_class = CalendarSerializer
    permission_classes = (Staff,)
    lookup_field = "slug"

    @extend_schema(request=NewCalendarSerializer, responses={201: CalendarSerializer})
    def create(self, request: Request) -> Response:
        """Make a calendar."""
        _require_may_edit(request)
        return _saved(request, WorkCalendar(), asked(NewCalendarSerializer, request), status=201)

    @extend_schema(request=CalendarChangeSerializer, responses={200: CalendarSerializer})
    def update(self, request: Request, slug: str, **options: Any) -> Response:
        """Change it. Times that count in business hours go by the new hours from their next step on."""
        _require_may_edit(request)
        return _saved(request, self.get_object(), asked(CalendarChangeSerializer, request))

    @extend_schema(request=CalendarChangeSerializer, responses={200: CalendarSerializer})
    def partial_update(self, request: Request, slug: str, **options: Any) -> Response:
        """As PUT: what is left out stays."""
        return self.update(request, slug)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, slug: str) -> Response:
        """Take it away. A conflict while services name it, and for the default one."""
        _require_may_edit(request)
        actor: Any = request.user
        calendar_delete(calendar=self.get_object(), actor=actor, at=now())
        return Response(status=204)


def _require_may_edit(request: Request) -> None:
    actor: Any = request.user
    if not may_edit_books(actor):
        raise NotAllowed(_("Only managers change the rules of the house."))


def _saved(request: Request, calendar: WorkCalendar, values: Mapping[str, Any], *, status: int = 200) -> Response:
    actor: Any = request.user
    wanted = {name: value for name, value in values.items() if name != "reason"}
    data = {"reason": values["reason"]} if values["reason"] else None
    try:
        calendar_set(calendar=calendar, values=wanted, actor=actor, at=now(), data=data)
    except DefinitionInvalid as error:
        found = {problem.path or "windows": [problem.message] for problem in reversed(error.problems)}
        raise serializers.ValidationError(found) from error
    except ModelRefusal as error:
        raise serializers.ValidationError(error.message_dict) from error
    return Response(CalendarSerializer(calendar, context={"request": request}).data, status=status)
