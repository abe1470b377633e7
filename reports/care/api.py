"""Findings and reviews over the API. They live here and not beside the policies: their evidence tells of incidents."""

from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from policies.care import open_findings
from policies.models import EscalationPolicy, PolicyFinding, PolicyReview
from reports.care.pages import Shown, groups_of
from reports.care.permissions import may_review
from reports.care.reviews import review_close


class FindingSerializer(serializers.Serializer[Any]):
    """One thing that will let somebody down, and what it costs, in the caller's language. ``fix`` is the page to mend it
    on; empty where the caller may open none."""

    code = serializers.CharField(source="row.code")
    about = serializers.CharField(
        source="row.about", help_text="policy:3, schedule:7, service:12, user:4, book:routing"
    )
    place = serializers.CharField(source="row.place")
    weight = serializers.CharField(help_text="stalls, weak, note or accepted; the worst first")
    policies = serializers.ListField(child=serializers.CharField())
    title = serializers.CharField(source="words.title")
    cost = serializers.CharField(source="words.cost")
    fix = serializers.CharField(source="link")
    data = serializers.JSONField(source="row.data")  # type: ignore[assignment]  # DRF keeps what was validated there
    first_seen_at = serializers.DateTimeField(source="row.first_seen_at")
    last_seen_at = serializers.DateTimeField(source="row.last_seen_at")


class _Weighed:
    """A finding of a page with the name of its group."""

    def __init__(self, shown: Shown, weight: str) -> None:
        self.row, self.words, self.link, self.policies = shown.row, shown.words, shown.link, shown.policies
        self.weight = weight


class ReviewSerializer(serializers.ModelSerializer[PolicyReview]):
    """Whether a policy still does what it should; open while ``closed_at`` is null."""

    policy: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    closed_by = PersonSerializer(read_only=True, allow_null=True)
    overdue = serializers.SerializerMethodField()

    class Meta:
        model = PolicyReview
        fields = (
            "id", "policy", "cause", "subject", "opened_at", "due_at", "overdue", "closed_at", "closed_by", "outcome", "note",
            "evidence",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_overdue(self, review: PolicyReview) -> bool:
        return review.closed_at is None and review.due_at < now()


class ReviewCloseSerializer(serializers.Serializer[Any]):
    """What came of it, and why."""

    outcome = serializers.ChoiceField(choices=[PolicyReview.Outcome.KEPT.value, PolicyReview.Outcome.CHANGED.value])
    note = serializers.CharField(max_length=2000)


class FindingViewSet(viewsets.GenericViewSet[PolicyFinding]):
    """What the linter found and nobody has mended yet."""

    queryset = PolicyFinding.objects.none()
    serializer_class = FindingSerializer
    permission_classes = (Staff,)

    @extend_schema(parameters=[OpenApiParameter("policy", str, description="A policy's slug.")], filters=False)
    def list(self, request: Request) -> Response:
        """The worst first. What a policy stands on counts as its own."""
        reader: Any = request.user
        groups = groups_of(open_findings(_policy(request)), reader=reader)
        found = [_Weighed(shown, group.name) for group in groups for shown in group.findings]
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(FindingSerializer(page, many=True).data)


class ReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PolicyReview]):
    """Reviews of policies, with their evidence."""

    queryset = PolicyReview.objects.select_related("policy", "closed_by")
    serializer_class = ReviewSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[PolicyReview]:
        """Open ones first by when they are due."""
        found = super().get_queryset().order_by(F("closed_at").desc(nulls_first=True), "due_at", "pk")
        if getattr(self, "swagger_fake_view", False) or self.action != "list":
            return found
        policy = _policy(self.request)
        if policy is not None:
            found = found.filter(policy=policy)
        return found.filter(closed_at=None) if self.request.query_params.get("open") in ("1", "true") else found

    @extend_schema(
        parameters=[
            OpenApiParameter("policy", str, description="A policy's slug."),
            OpenApiParameter("open", bool, description="Only those nobody has closed."),
        ]
    )
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        """Open ones first by when they are due."""
        return super().list(request, *args, **options)

    @extend_schema(request=ReviewCloseSerializer, responses={200: ReviewSerializer})
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close it with what came of it. Managers and administrators."""
        actor: Any = request.user
        review = self.get_object()
        if not may_review(actor):
            raise PermissionDenied
        review_close(review_id=review.pk, actor=actor, at=now(), **asked(ReviewCloseSerializer, request))
        return Response(ReviewSerializer(self.get_object()).data)


def _policy(request: Request) -> EscalationPolicy | None:
    """Raises DomainError for a policy there is not."""
    slug = request.query_params.get("policy", "")
    found = EscalationPolicy.objects.filter(slug=slug).first() if slug else None
    if slug and found is None:
        raise DomainError(_("There is no such policy."), field="policy")
    return found
