"""Schedules, their shifts, and who is on call at an instant: the answers of the one rota (DESIGN.md §3)."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import NotAllowed
from escalation_site.kernel.instants import now
from oncall.api.asking import SPAN, asked, instant, moment, span
from oncall.api.definitions import Names
from oncall.api.serializers import (
    CoverageSerializer,
    GapSerializer,
    NewScheduleSerializer,
    NextHandoffSerializer,
    OnCallSerializer,
    OverlapSerializer,
    ScheduleChangeSerializer,
    ScheduleDetailSerializer,
    ScheduleSerializer,
    ShiftSerializer,
    VersionSerializer,
)
from oncall.editing.permissions import may_edit
from oncall.editing.services import ScheduleValues, schedule_create, schedule_edit
from oncall.gaps import GapsOpened
from oncall.models import Schedule, Team, User
from oncall.rota import Gap
from oncall.selectors import Loaded, on_call_now, schedules_load


class ScheduleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Schedule]):
    """Who is on call when."""

    queryset = Schedule.objects.select_related("team").order_by("name")
    serializer_class = ScheduleSerializer
    permission_classes = (Staff,)
    lookup_field = "slug"

    def get_serializer_class(self) -> Any:
        return ScheduleDetailSerializer if self.action == "retrieve" else ScheduleSerializer

    # --- what it says

    @extend_schema(request=NewScheduleSerializer, responses={201: ScheduleDetailSerializer})
    def create(self, request: Request) -> Response:
        """Make a schedule with its first version. Managers, for teams they manage."""
        actor: Any = request.user
        _require_manager(actor)
        values = asked(NewScheduleSerializer, request)
        _require_may_edit(actor, Schedule(team=values["team"]))
        schedule = schedule_create(
            values=ScheduleValues(name=values["name"], team=values["team"]),
            definition=values["definition"],
            author=actor,
            at=now(),
            effective_from=values["effective_from"],
            reason=values["reason"],
        )
        return self._detail(schedule.slug, status=201)

    @extend_schema(
        request=ScheduleChangeSerializer, responses={200: ScheduleDetailSerializer, 400: GapSerializer(many=True)}
    )
    def update(self, request: Request, slug: str, **options: Any) -> Response:
        """Change its name, team or definition; a changed definition is a new version, in force from an instant on."""
        actor: Any = request.user
        schedule = self.get_object()
        _require_may_edit(actor, schedule)
        values = asked(ScheduleChangeSerializer, request)
        team: Team | None = values.get("team", schedule.team)
        _require_may_edit(actor, Schedule(team=team))
        newest = schedule.versions.order_by("-number").first()
        definition = values.get("definition", newest.definition if newest else {"time_zone": schedule.time_zone})
        # Who only renames it leaves what is planned where it is.
        unsaid = newest.effective_from if newest and "definition" not in values else None
        try:
            schedule_edit(
                schedule=schedule,
                base=values.get("base", newest.number if newest else 0),
                values=ScheduleValues(name=values.get("name", schedule.name), team=team),
                definition=definition,
                author=actor,
                at=now(),
                effective_from=values["effective_from"] or unsaid,
                reason=values["reason"],
                accept_gaps=values["accept_gaps"],
            )
        except GapsOpened as error:
            return _gaps_opened(error)
        return self._detail(schedule.slug)

    @extend_schema(
        request=ScheduleChangeSerializer, responses={200: ScheduleDetailSerializer, 400: GapSerializer(many=True)}
    )
    def partial_update(self, request: Request, slug: str, **options: Any) -> Response:
        """As PUT: what is left out stays."""
        return self.update(request, slug)

    def _detail(self, slug: str, *, status: int = 200) -> Response:
        schedule = get_object_or_404(self.get_queryset(), slug=slug)
        return Response(ScheduleDetailSerializer(schedule, context={"request": self.request}).data, status=status)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True)
    def versions(self, request: Request, slug: str) -> Response:
        """What it has said so far and will say, the newest first."""
        found: Any = self.get_object().versions.select_related("author").order_by("-number")
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(VersionSerializer(page, many=True, context={"names": Names.read()}).data)

    # --- who is on call

    @extend_schema(responses=ShiftSerializer(many=True), parameters=SPAN)
    @action(detail=True, pagination_class=None)
    def shifts(self, request: Request, slug: str) -> Response:
        """The final schedule of a range, overrides included, clipped to the range."""
        since, until = span(request, now())
        found = self._loaded(since).shifts(since=since, until=until)
        people = _people({pk for shift in found for pk in (shift.user_id, shift.instead_of) if pk is not None})
        rows = [
            {
                "person": people[shift.user_id],
                "role": shift.role,
                "why": str(shift.why),
                "layer": shift.layer,
                "instead_of": people.get(shift.instead_of or 0),
                "start": shift.start,
                "end": shift.end,
            }
            for shift in found
        ]
        return Response(ShiftSerializer(rows, many=True).data)

    @extend_schema(responses=GapSerializer(many=True), parameters=SPAN)
    @action(detail=True, pagination_class=None)
    def gaps(self, request: Request, slug: str) -> Response:
        """When a role of the schedule is nobody's, and why."""
        since, until = span(request, now())
        return Response(_gap_rows(self._loaded(since).gaps(since=since, until=until)))

    @extend_schema(responses=OverlapSerializer(many=True), parameters=SPAN)
    @action(detail=True, pagination_class=None)
    def overlaps(self, request: Request, slug: str) -> Response:
        """When several who do not serve together hold one role, or one person several."""
        since, until = span(request, now())
        found = self._loaded(since).overlaps(since=since, until=until)
        people = _people({pk for one in found for pk in one.user_ids})
        rows = [
            {
                "start": one.start,
                "end": one.end,
                "kind": str(one.kind),
                "roles": one.roles,
                "people": [people[pk] for pk in one.user_ids],
            }
            for one in found
        ]
        return Response(OverlapSerializer(rows, many=True).data)

    @extend_schema(responses=CoverageSerializer(many=True), parameters=SPAN)
    @action(detail=True, pagination_class=None)
    def coverage(self, request: Request, slug: str) -> Response:
        """For each role, how much of the range somebody held it."""
        since, until = span(request, now())
        rows = [
            {
                "role": one.role,
                "covered_seconds": int(one.covered.total_seconds()),
                "total_seconds": int(one.total.total_seconds()),
                "ratio": one.ratio,
            }
            for one in self._loaded(since).coverage(since=since, until=until)
        ]
        return Response(CoverageSerializer(rows, many=True).data)

    @extend_schema(
        responses=NextHandoffSerializer, parameters=[moment("at", "The first one after it; now, unless given.")]
    )
    @action(detail=True, pagination_class=None)
    def handoff(self, request: Request, slug: str) -> Response:
        """When the people on call next change, and who comes and goes."""
        at = instant(request, "at", now())
        found = self._loaded(at).next_handoff(at)
        if found is None:
            return Response(NextHandoffSerializer({"at": None, "outgoing": [], "incoming": []}).data)
        people = _people({pk for pk, _role in (*found.outgoing, *found.incoming)})
        sides = {
            side: [{"person": people[pk], "role": role} for pk, role in places]
            for side, places in (("outgoing", found.outgoing), ("incoming", found.incoming))
        }
        return Response(NextHandoffSerializer({"at": found.at, **sides}).data)

    def _loaded(self, since: Any) -> Loaded:
        schedule = self.get_object()
        return schedules_load([schedule], since=since)[schedule.pk]


def _people(ids: set[int]) -> dict[int, User]:
    return User.objects.in_bulk(ids)


def _gap_rows(found: Any) -> Any:
    rows = [{"start": gap.start, "end": gap.end, "role": gap.role, "cause": str(gap.cause)} for gap in found]
    return GapSerializer(rows, many=True).data


def _gaps_opened(error: GapsOpened) -> Response:
    """The refusal in the usual shape, with the gaps beside it."""
    gaps: tuple[Gap, ...] = error.gaps
    refusal = {"code": error.code, "message": str(error.message), "field": error.field}
    return Response({"error": refusal, "gaps": _gap_rows(gaps)}, status=400)


def _require_manager(actor: User) -> None:
    if not (actor.is_active and actor.may_manage):
        raise NotAllowed(_("Managers write schedules."))


def _require_may_edit(actor: User, schedule: Schedule) -> None:
    if not may_edit(actor, schedule):
        raise NotAllowed(_("You manage no such team."))


class OnCallView(APIView):
    """Who holds each schedule at one instant."""

    permission_classes = (Staff,)

    @extend_schema(responses=OnCallSerializer(many=True), parameters=[moment("at", "The instant; now, unless given.")])
    def get(self, request: Request) -> Response:
        found: list[Any] = on_call_now(instant(request, "at", now()))
        rows = [{"schedule": schedule, "holders": holders} for schedule, holders in found]
        return Response(OnCallSerializer(rows, many=True).data)
