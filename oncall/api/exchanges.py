"""Overrides, absences and swaps over the API: the services and permissions of the pages."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import Conflict, NotAllowed
from escalation_site.kernel.instants import now
from oncall import permissions, rota
from oncall.absence_views import ACTS as ABSENCE_ACTS
from oncall.absences import absence_create
from oncall.api.asking import asked, fields_named, instant, moment
from oncall.api.exchange_serializers import (
    AbsenceSerializer,
    NewAbsenceSerializer,
    NewOverrideSerializer,
    NewSwapSerializer,
    Nothing,
    OverrideSerializer,
    SwapSerializer,
)
from oncall.api.serializers import GapSerializer
from oncall.models import Absence, Override, Swap, User
from oncall.override_preview import Preview, preview_of
from oncall.selectors import schedules_load
from oncall.swap_views import ACTS as SWAP_ACTS
from oncall.swaps import swap_create
from oncall.taking import override_end, override_plan

RANGE = [
    moment("since", "Only what ends after it."),
    moment("until", "Only what begins before it."),
]


def _touching(found: QuerySet[Any], request: Request) -> QuerySet[Any]:
    """Those that touch ``since`` … ``until``, where these are given."""
    at = now()
    if request.query_params.get("since"):
        found = found.filter(end__gt=instant(request, "since", at))
    if request.query_params.get("until"):
        found = found.filter(start__lt=instant(request, "until", at))
    return found


def _given(found: QuerySet[Any], request: Request, **lookups: str) -> QuerySet[Any]:
    """Filtered by the query parameters that are given, each by its lookup."""
    chosen = {
        lookup: value for name, lookup in lookups.items() if (value := request.query_params.get(name)) is not None
    }
    return found.filter(**chosen)


def _query(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description)


class OverrideViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Override]):
    """Windows people take, the latest first."""

    queryset = Override.objects.select_related("schedule", "user", "replaces", "created_by").order_by("-start", "-id")
    serializer_class = OverrideSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    @extend_schema(parameters=[*RANGE, _query("schedule", "A schedule's slug."), _query("person", "A user name.")])
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        found = _touching(queryset, self.request)
        return _given(found, self.request, schedule="schedule__slug", person="user__username")

    @extend_schema(request=NewOverrideSerializer, responses={201: OverrideSerializer, 400: GapSerializer(many=True)})
    def create(self, request: Request) -> Response:
        """Plan an override: for oneself or handing over one's own shift; managers anything."""
        at, planner = now(), self._responder()
        values = asked(NewOverrideSerializer, request)
        preview = _preview(values, planner, at)
        if preview is not None and preview.gaps and not values["accept_gaps"]:
            return _gaps_refused(preview)
        with fields_named(user="person"):
            override = override_plan(
                schedule=values["schedule"],
                planner=planner,
                kind=values["kind"],
                user=values["person"],
                replaces=values["replaces"],
                role=values["role"],
                start=values["start"],
                end=values["end"],
                reason=values["reason"],
                accepted=preview.accepted() if preview is not None else (),
                at=at,
            )
        return self._answer(override.pk, status=201)

    @extend_schema(request=Nothing, responses=OverrideSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """End it now where it runs, take it back where it has not begun."""
        override = self.get_object()
        if override.cancelled_at is not None:
            raise Conflict(_("It is taken back already."))
        override_end(override=override, actor=self._responder(), at=now())
        return self._answer(override.pk)

    def _responder(self) -> User:
        return _responder(self.request)

    def _answer(self, pk: int, *, status: int = 200) -> Response:
        return Response(OverrideSerializer(self.get_queryset().get(pk=pk)).data, status=status)


def _responder(request: Request) -> User:
    """Whoever is told first that they may not act, before what they sent is looked at."""
    user: Any = request.user
    if not permissions.is_responder(user):
        raise NotAllowed(_("You may read this, not write to it."))
    return user  # type: ignore[no-any-return]  # the request says only that it is somebody


def _preview(values: dict[str, Any], planner: User, at: datetime) -> Preview | None:
    """What it would change; None where the service will refuse it, or where it is not the caller's to plan."""
    replaces, schedule = values["replaces"], values["schedule"]
    if not permissions.may_plan_override(
        planner, schedule, kind=values["kind"], user=values["person"], replaces=replaces
    ):
        return None
    if not values["start"] < values["end"] or values["end"] <= at:
        return None
    if values["kind"] == Override.Kind.REPLACE and replaces is None:
        return None
    override = rota.Override(
        kind=rota.OverrideKind(values["kind"]),
        user_id=values["person"].pk,
        start=max(values["start"], at),
        end=values["end"],
        replaces=replaces.pk if replaces else None,
        role=values["role"],
    )
    return preview_of(schedules_load([schedule], since=at)[schedule.pk], override, at=at)


def _gaps_refused(preview: Preview) -> Response:
    message = _("Nobody would be on call for some of the time. Mend it, or say that you know.")
    rows = [
        {"start": gap.start, "end": gap.end, "role": gap.role, "cause": str(gap.cause)} for gap in preview.accepted()
    ]
    refusal = {"code": "gaps_opened", "message": message, "field": "accept_gaps"}
    return Response({"error": refusal, "gaps": GapSerializer(rows, many=True).data}, status=400)


class AbsenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Absence]):
    """One's own absences; for managers everybody's. What is not yours to see does not exist for you."""

    queryset = Absence.objects.none()
    serializer_class = AbsenceSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Absence]:
        user: Any = self.request.user
        found = Absence.objects.select_related("user", "decided_by").order_by("-start", "-id")
        if getattr(self, "swagger_fake_view", False):
            return found.none()
        return found if user.may_manage else found.filter(user=user)

    @extend_schema(parameters=[*RANGE, _query("person", "A user name."), _query("state", "pending, approved …")])
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        return _given(_touching(queryset, self.request), self.request, person="user__username", state="state")

    @extend_schema(request=NewAbsenceSerializer, responses={201: AbsenceSerializer})
    def create(self, request: Request) -> Response:
        """Plan one: for oneself, managers for others. It waits for a manager where the team says so (``state``)."""
        actor = _responder(request)
        values = asked(NewAbsenceSerializer, request)
        with fields_named(user="person"):
            absence = absence_create(
                user=values["person"] or actor,
                start=values["start"],
                end=values["end"],
                reason=values["reason"],
                actor=actor,
                at=now(),
            )
        return Response(AbsenceSerializer(absence).data, status=201)

    @extend_schema(request=Nothing, responses=AbsenceSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Let one that waits count. Managers, for others than themselves."""
        return self._act("approve")

    @extend_schema(request=Nothing, responses=AbsenceSerializer)
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        """Refuse one that waits."""
        return self._act("decline")

    @extend_schema(request=Nothing, responses=AbsenceSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take it back: from now on where it runs, altogether where it has not begun."""
        return self._act("cancel")

    def _act(self, verb: str) -> Response:
        absence = ABSENCE_ACTS[verb](self.get_object(), _responder(self.request), now())
        return Response(AbsenceSerializer(absence).data)


class SwapViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Swap]):
    """Swaps one asked for or was asked about; for managers all. Others do not exist for you."""

    queryset = Swap.objects.none()
    serializer_class = SwapSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Swap]:
        user: Any = self.request.user
        found = (
            Swap.objects.select_related("schedule", "requester", "accepted_by", "decided_by")
            .prefetch_related("asks__user")
            .order_by("-created_at", "-id")
        )
        if getattr(self, "swagger_fake_view", False):
            return found.none()
        return found if user.may_manage else found.filter(Q(requester=user) | Q(asks__user=user)).distinct()

    @extend_schema(parameters=[_query("state", "open, waiting, done …"), _query("schedule", "A schedule's slug.")])
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        return _given(queryset, self.request, state="state", schedule="schedule__slug")

    @extend_schema(request=NewSwapSerializer, responses={201: SwapSerializer})
    def create(self, request: Request) -> Response:
        """Offer a window of one's own, or ask for an exchange; those asked are told."""
        requester = _responder(request)
        swap = swap_create(**asked(NewSwapSerializer, request), requester=requester, at=now())
        return self._answer(swap.pk, status=201)

    @extend_schema(request=Nothing, responses=SwapSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Take it, as one who was asked: the first one gets it."""
        return self._act("accept")

    @extend_schema(request=Nothing, responses=SwapSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        """Say that one cannot, as one who was asked."""
        return self._act("refuse")

    @extend_schema(request=Nothing, responses=SwapSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take one's own offer back."""
        return self._act("cancel")

    @extend_schema(request=Nothing, responses=SwapSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Let an accepted one count, as a manager."""
        return self._act("approve")

    @extend_schema(request=Nothing, responses=SwapSerializer)
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        """Refuse an accepted one, as a manager."""
        return self._act("decline")

    def _act(self, verb: str) -> Response:
        swap = self.get_object()
        SWAP_ACTS[verb](swap.pk, _responder(self.request), now())
        return self._answer(swap.pk)

    def _answer(self, pk: int, *, status: int = 200) -> Response:
        return Response(SwapSerializer(self.get_queryset().get(pk=pk)).data, status=status)
