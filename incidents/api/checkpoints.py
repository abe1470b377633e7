"""What waits for a person's word, over the API: read it, decide it. The same permissions and service as the page."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.instants import now
from incidents.checkpoint_words import otherwise_words, question_words
from incidents.models import Checkpoint, Incident
from incidents.permissions import require_decider
from incidents.services.deciding import checkpoint_decide
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from policies.severity import Severity


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    """``outcome`` is "" while it is open; ``fallback`` is what happens at ``due_at`` when nobody decided. ``question`` and ``otherwise``
    are for people, in the language asked for."""

    incident = serializers.IntegerField(source="incident_id", read_only=True)
    question = serializers.SerializerMethodField()
    otherwise = serializers.SerializerMethodField()
    asked = serializers.SerializerMethodField()
    decided_by = PersonSerializer(read_only=True, allow_null=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Checkpoint
        fields = (
            "id", "incident", "url", "action", "question", "reason", "data", "asked", "created_at", "due_at", "fallback",
            "otherwise", "outcome", "decided_at", "decided_by", "note",
        )  # fmt: skip
        read_only_fields = fields

    def get_question(self, checkpoint: Checkpoint) -> str:
        return question_words(checkpoint.action, checkpoint.data)

    def get_otherwise(self, checkpoint: Checkpoint) -> str:
        return otherwise_words(checkpoint.action, checkpoint.fallback, checkpoint.data)

    def get_url(self, checkpoint: Checkpoint) -> str:
        return reverse("incidents:checkpoint", args=(checkpoint.incident_id, checkpoint.pk))

    @extend_schema_field(PersonSerializer(many=True))
    def get_asked(self, checkpoint: Checkpoint) -> list[dict[str, Any]]:
        return [dict(PersonSerializer(ask.user).data) for ask in checkpoint.asks.all()]


class DecisionSerializer(serializers.Serializer[Any]):
    """``severity`` is what the incident becomes before its escalation begins; only "escalation.start" looks at it."""

    verdict = serializers.ChoiceField(choices=["confirm", "decline"])
    severity = serializers.ChoiceField(choices=Severity.choices, required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class CheckpointViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Checkpoint]):
    """Questions about incidents the caller may see, the newest first."""

    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Checkpoint]:
        user: Any = self.request.user
        if getattr(self, "swagger_fake_view", False):
            return Checkpoint.objects.none()
        visible = Incident.objects.visible_to(user).values("pk")
        found = Checkpoint.objects.filter(incident__in=visible).select_related("decided_by", "incident")
        return found.prefetch_related("asks__user").order_by("-id")

    @extend_schema(
        parameters=[
            OpenApiParameter("open", bool, description="Only those that wait; false: only those that ended."),
            OpenApiParameter("incident", int, description="Of this incident only."),
            OpenApiParameter("mine", bool, description="Only those that ask the caller."),
        ]
    )
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action != "list":
            return queryset
        wanted = self.request.query_params
        match wanted.get("open", "").lower():
            case "1" | "true":
                queryset = queryset.filter(outcome=Checkpoint.Outcome.OPEN)
            case "0" | "false":
                queryset = queryset.exclude(outcome=Checkpoint.Outcome.OPEN)
        if wanted.get("incident", "").isdecimal():
            queryset = queryset.filter(incident=int(wanted["incident"]))
        if wanted.get("mine", "").lower() in ("1", "true"):
            queryset = queryset.filter(asks__user=self.request.user)
        return queryset

    @extend_schema(request=DecisionSerializer, responses=CheckpointSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Give one's word, as whoever was asked or answers for the incident; 409 when somebody was first."""
        user: Any = request.user
        checkpoint = self.get_object()
        require_decider(user, checkpoint)
        values = asked(DecisionSerializer, request)
        checkpoint_decide(checkpoint_id=checkpoint.pk, actor=user, at=now(), source="api", **values)
        return Response(CheckpointSerializer(self.get_queryset().get(pk=checkpoint.pk)).data)
