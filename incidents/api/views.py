"""Incidents over the API. The same permissions and services as the pages; what a page refuses is refused here."""

from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.errors import NotAllowed
from escalation_site.kernel.instants import now
from incidents.api.criteria import AssessSerializer, assess, judged_by_answers
from incidents.api.linking import LinkingActions
from incidents.api.serializers import (
    AlertSerializer,
    ClassifySerializer,
    CloseSerializer,
    CommentSerializer,
    EmptySerializer,
    EscalateSerializer,
    IncidentSerializer,
    NewIncidentSerializer,
    ReasonSerializer,
    ReassignSerializer,
    ResolutionSerializer,
    ServiceSerializer,
    SeveritySerializer,
    SnoozeSerializer,
    StageMoveSerializer,
    TeamMoveSerializer,
)
from incidents.api.talk import TalkActions
from incidents.filters import SORTS, IncidentFilter, in_order
from incidents.models import EscalationRun, Incident, Service
from incidents.permissions import incident_for, may_file, require_responder
from incidents.selectors.listing import TABS, in_tab
from incidents.services import handing, lifecycle
from incidents.services.classify import incident_classify
from incidents.services.major import incident_major, incident_major_end
from incidents.services.severity import incident_severity
from incidents.services.silence import incident_wake
from incidents.services.stages import incident_close, incident_stage
from incidents.services.teams import incident_team
from oncall.models import User

SOURCE = "api"
CURRENT_RUNS = Prefetch(
    "runs",
    EscalationRun.objects.filter(superseded=False).select_related("policy_version__policy"),
    to_attr="current_runs",
)


def _require_writer(user: User, _incident: Incident) -> None:
    if not may_file(user):
        raise NotAllowed(_("You may read this incident, not write to it."))


class IncidentViewSet(
    LinkingActions, TalkActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Incident]
):
    """Incidents the caller may see. Filters are those of the page; ``tab`` and ``sort`` too."""

    queryset = Incident.objects.none()
    serializer_class = IncidentSerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = IncidentFilter
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Incident]:
        if getattr(self, "swagger_fake_view", False):
            return Incident.objects.none()
        return (
            Incident.objects.visible_to(self.request.user)
            .select_related("service", "team", "stage", "owner", "reporter", "overseer", "category", "customer")
            .prefetch_related(CURRENT_RUNS)
            .order_by("-started_at", "-id")
        )

    def filter_queryset(self, queryset: Any) -> Any:
        found: Any = super().filter_queryset(queryset)
        tab, sort = (self.request.query_params.get(name, "") for name in ("tab", "sort"))
        if tab in TABS:
            found = in_tab(found, tab)
        return in_order(found, sort, tab=tab) if sort in SORTS and sort else found

    @extend_schema(
        parameters=[
            OpenApiParameter("tab", str, enum=TABS, description="All states, unless given."),
            OpenApiParameter(
                "sort", str, enum=[sort for sort in SORTS if sort], description="Newest first, unless given."
            ),
        ]
    )
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    @extend_schema(request=NewIncidentSerializer, responses={201: IncidentSerializer})
    def create(self, request: Request) -> Response:
        """File an incident: its service's policy starts at once."""
        actor: Any = request.user
        if not may_file(actor):
            raise NotAllowed(_("You may read incidents, not file them."))
        values = self._asked(NewIncidentSerializer)
        found = judged_by_answers(values)
        custom = values.pop("custom", None)
        incident = lifecycle.incident_open(
            **values,
            severity=found.severity,
            impact=found.impact,
            urgency=found.urgency,
            facts={**found.facts, "custom": custom} if custom else found.facts,
            wish=found.wish,
            reporter=actor,
            at=now(),
            source=SOURCE,
        )
        return self._answer(incident.pk, status=201)

    @extend_schema(request=EmptySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Take it: the clock stops and nobody else is called."""
        return self._act(lifecycle.incident_acknowledge, EmptySerializer)

    @extend_schema(request=EmptySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def unacknowledge(self, request: Request, pk: str) -> Response:
        """Give it back: the level in force rings again."""
        return self._act(lifecycle.incident_unacknowledge, EmptySerializer)

    @extend_schema(request=EscalateSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def escalate(self, request: Request, pk: str) -> Response:
        """Call the next level now."""
        return self._act(lifecycle.incident_escalate, EscalateSerializer)

    @extend_schema(request=EmptySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def mitigate(self, request: Request, pk: str) -> Response:
        """The harm is stopped."""
        return self._act(lifecycle.incident_mitigate, EmptySerializer)

    @extend_schema(request=ResolutionSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """It is over: nobody is paged any more."""
        return self._act(lifecycle.incident_resolve, ResolutionSerializer)

    @extend_schema(request=ReasonSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """It is not over after all: the ladder is walked again."""
        return self._act(lifecycle.incident_reopen, ReasonSerializer)

    @extend_schema(request=StageMoveSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def stage(self, request: Request, pk: str) -> Response:
        """Move it to another stage: 400 for a way that is not open or something that must be there first."""
        return self._act(incident_stage, StageMoveSerializer)

    @extend_schema(request=CloseSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Nothing more is to be done about it: 400 (guarded) where something must be there first."""
        return self._act(incident_close, CloseSerializer)

    @extend_schema(request=ClassifySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def classify(self, request: Request, pk: str) -> Response:
        """Say what kind it is, whom it hits, and what the house's own fields ask; the rules are asked again."""
        return self._act(incident_classify, ClassifySerializer)

    @extend_schema(request=SnoozeSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Page nobody before an instant."""
        return self._act(lifecycle.incident_snooze, SnoozeSerializer)

    @extend_schema(request=EmptySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def wake(self, request: Request, pk: str) -> Response:
        """End a snooze, or the silence that a routing rule keeps, before its time: the level in force is called now."""
        return self._act(incident_wake, EmptySerializer)

    @extend_schema(request=SeveritySerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def severity(self, request: Request, pk: str) -> Response:
        """Make it worse or milder: running clocks get the times of the new severity, and a path that starts higher up
        starts there at once. A milder one calls nobody. The severity it has already changes nothing."""
        return self._act(incident_severity, SeveritySerializer)

    @extend_schema(request=ReasonSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def major(self, request: Request, pk: str) -> Response:
        """Declare it a major incident: whoever oversees those under its policy is told at once. 409 when it is one already."""
        return self._act(incident_major, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"], url_path="major-end")
    def major_end(self, request: Request, pk: str) -> Response:
        """It was no major incident after all."""
        return self._act(incident_major_end, ReasonSerializer)

    @extend_schema(request=AssessSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def assess(self, request: Request, pk: str) -> Response:
        """Judge it by the severity criteria: the answers become its facts, and it gets the severity they propose, or the one
        that is given. Answers that leave it open leave its severity as it is."""
        return self._act(assess, AssessSerializer)

    @extend_schema(request=ReassignSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        """Hand it to somebody."""
        return self._act(handing.incident_reassign, ReassignSerializer)

    @extend_schema(request=TeamMoveSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def team(self, request: Request, pk: str) -> Response:
        """Hand it over to another team; its escalation keeps its policy."""
        return self._act(incident_team, TeamMoveSerializer)

    @extend_schema(request=CommentSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, pk: str) -> Response:
        """Add a line to the timeline."""
        return self._act(lifecycle.incident_comment, CommentSerializer, may=_require_writer)

    @extend_schema(responses=AlertSerializer(many=True), filters=False)
    @action(detail=True)
    def alerts(self, request: Request, pk: str) -> Response:
        """What monitors said about it."""
        user: Any = request.user
        found: Any = incident_for(user, int(pk)).alerts.select_related("integration").order_by("id")
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(AlertSerializer(page, many=True).data)

    def _asked(self, serializer_class: Any) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _act(self, service: Any, asks: Any, *, may: Callable[[User, Incident], None] = require_responder) -> Response:
        """Let ``service`` act on the incident, where the caller sees it and ``may``, with what ``asks`` understood.

        Whoever may not is told so before what they sent is looked at.
        """
        actor: Any = self.request.user
        incident = incident_for(actor, int(self.kwargs["pk"]))
        may(actor, incident)
        service(incident_id=incident.pk, actor=actor, at=now(), source=SOURCE, **self._asked(asks))
        return self._answer(incident.pk)

    def _answer(self, pk: int, *, status: int = 200) -> Response:
        """The incident as it is now. Whoever handed a restricted one out of their own sight gets its number only."""
        incident = self.get_queryset().filter(pk=pk).first()
        if incident is None:
            return Response({"id": pk, "reference": f"INC-{pk}"}, status=status)
        return Response(IncidentSerializer(incident).data, status=status)


class ServiceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Service]):
    """What can break, and whose it is."""

    queryset = Service.objects.select_related("team", "policy").order_by("name")
    serializer_class = ServiceSerializer
    lookup_field = "slug"
