"""Handoffs over the API. They live here and not beside the schedules: accepting one keeps its brief, which tells of incidents."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import NotAllowed
from escalation_site.kernel.instants import now
from incidents.api.serializers import EmptySerializer
from incidents.selectors.brief import brief_dump, brief_of
from oncall import handoffs
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from oncall.models import Handoff


class HandoffSerializer(serializers.ModelSerializer[Handoff]):
    """One person came on call. ``complete`` and ``remark`` rate the brief; null and empty where it is not yours to see."""

    schedule: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    outgoing = PersonSerializer(read_only=True, allow_null=True)
    incoming = PersonSerializer(read_only=True)
    complete = serializers.SerializerMethodField()
    remark = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Handoff
        fields = (
            "id", "schedule", "role", "at", "until", "outgoing", "incoming", "accepted_at", "complete", "remark", "url",
        )  # fmt: skip
        read_only_fields = fields

    def get_complete(self, handoff: Handoff) -> bool | None:
        return handoff.complete if self._shows_rating(handoff) else None

    def get_remark(self, handoff: Handoff) -> str:
        return handoff.remark if self._shows_rating(handoff) else ""

    def get_url(self, handoff: Handoff) -> str:
        return handoffs.handoff_url(handoff)

    def _shows_rating(self, handoff: Handoff) -> bool:
        return handoffs.may_see_rating(self.context["request"].user, handoff)


class RatingSerializer(serializers.Serializer[Any]):
    """Whether the brief was enough; ``remark`` says what was missing where it was not."""

    complete = serializers.BooleanField()
    remark = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class HandoffViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Handoff]):
    """Those one had a part in, the latest first; for managers, auditors and administrators all."""

    queryset = Handoff.objects.none()
    serializer_class = HandoffSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Handoff]:
        user: Any = self.request.user
        if getattr(self, "swagger_fake_view", False):
            return Handoff.objects.none()
        return handoffs.handoffs_visible_to(user).order_by("-at", "-id")

    @extend_schema(
        parameters=[
            OpenApiParameter("schedule", str, description="A schedule's slug."),
            OpenApiParameter("unaccepted", bool, description="Only those nobody has accepted."),
        ]
    )
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    def filter_queryset(self, queryset: Any) -> Any:
        asked_for = self.request.query_params
        if self.action != "list":
            return queryset
        if asked_for.get("schedule"):
            queryset = queryset.filter(schedule__slug=asked_for["schedule"])
        if asked_for.get("unaccepted", "").lower() in ("true", "1"):
            queryset = queryset.filter(accepted_at=None)
        return queryset

    @extend_schema(request=EmptySerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Confirm that one has read the brief, as who came on call; it is kept as it was."""
        at, user, handoff = now(), self._user(), self.get_object()
        if not handoffs.may_accept(user, handoff):
            raise NotAllowed(_("Only whoever has come on call accepts the handoff."))
        brief = brief_dump(brief_of(handoff, reader=user, at=at))
        return self._answer(handoffs.handoff_accept(handoff=handoff, actor=user, at=at, brief=brief))

    @extend_schema(request=RatingSerializer, responses=HandoffSerializer)
    @action(detail=True, methods=["post"])
    def rate(self, request: Request, pk: str) -> Response:
        """Say whether the brief was complete, once it is accepted; may be said again."""
        handoff = self.get_object()
        if not handoffs.may_accept(self._user(), handoff):
            raise NotAllowed(_("Only whoever has come on call says whether the brief was complete."))
        values = asked(RatingSerializer, request)
        return self._answer(handoffs.handoff_rate(handoff=handoff, actor=self._user(), at=now(), **values))

    def _user(self) -> Any:
        return self.request.user

    def _answer(self, handoff: Handoff) -> Response:
        return Response(HandoffSerializer(handoff, context={"request": self.request}).data)
