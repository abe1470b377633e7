"""Escalation policies over the API: what they say and said, and writing them as on their pages."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from oncall.models import Team, User
from policies.definition import PolicyDef, policy_parse
from policies.editing.history import versions_compared
from policies.editing.permissions import may_edit
from policies.editing.services import PolicyValues, policy_create, policy_edit
from policies.models import EscalationPolicy, Guideline, PolicyVersion
from policies.pages import TargetNames
from policies.reading import DefinitionInvalid, Problem
from policies.simulation_api import SimulateAction


class GuidelineSerializer(serializers.ModelSerializer[Guideline]):
    """A document to read with the policy."""

    url = serializers.URLField(max_length=500)

    class Meta:
        model = Guideline
        fields = ("title", "url")


class PolicySerializer(serializers.ModelSerializer[EscalationPolicy]):
    """A policy with what its current version says; both null before its first version."""

    team: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    version = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField()
    guidelines = GuidelineSerializer(many=True, read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = EscalationPolicy
        fields = ("slug", "name", "description", "team", "version", "definition", "guidelines", "url")
        read_only_fields = fields

    def get_version(self, policy: EscalationPolicy) -> int | None:
        return policy.current_version.number if policy.current_version else None

    def get_definition(self, policy: EscalationPolicy) -> dict[str, Any] | None:
        return policy.current_version.definition if policy.current_version else None


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    """One immutable reading of a policy."""

    author = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = PolicyVersion
        fields = ("number", "author", "reason", "created_at", "definition")
        read_only_fields = fields


class PolicyDifferenceSerializer(serializers.Serializer[Any]):
    """One thing that two versions say differently, in sentences; an empty side is nothing."""

    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class PolicyDefinitionField(serializers.JSONField):
    """A definition as `apply` takes it. Every target must exist."""

    def to_internal_value(self, data: Any) -> Any:
        document = super().to_internal_value(data)
        try:
            problems = _unknown_targets(policy_parse(document))
        except DefinitionInvalid as error:
            problems = error.problems
        if problems:
            raise serializers.ValidationError([str(problem) for problem in problems])
        return document


def _unknown_targets(policy: PolicyDef) -> tuple[Problem, ...]:
    names = TargetNames([policy])
    message = _("There is no such target: %(kind)s %(ref)s.")
    return tuple(
        Problem((), message % {"kind": target.kind.value, "ref": target.ref})
        for target in dict.fromkeys(policy.all_targets)
        if not names.knows(target)
    )


class PolicyChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays. ``base`` is the number of the version the change stems from: a newer one is a conflict."""

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    team = serializers.SlugRelatedField(slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True)
    guidelines = GuidelineSerializer(many=True, required=False)
    definition = PolicyDefinitionField(required=False)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    base = serializers.IntegerField(min_value=0, required=False)


class NewPolicySerializer(PolicyChangeSerializer):
    """A policy with its first version."""

    name = serializers.CharField(max_length=100)
    definition = PolicyDefinitionField()
    base = None  # type: ignore[assignment]  # how DRF takes a field away


def _number(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, description=description, required=True)


class PolicyViewSet(
    SimulateAction, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[EscalationPolicy]
):
    """Who is told, when, and how responsibility moves on."""

    queryset = (
        EscalationPolicy.objects.select_related("team", "current_version")
        .prefetch_related("guidelines")
        .order_by("name")
    )
    serializer_class = PolicySerializer
    permission_classes = (Staff,)
    lookup_field = "slug"

    @extend_schema(request=NewPolicySerializer, responses={201: PolicySerializer})
    def create(self, request: Request) -> Response:
        """Make a policy with its first version. Managers, for teams they manage."""
        actor: Any = request.user
        _require_may_edit(actor, EscalationPolicy())
        values = asked(NewPolicySerializer, request)
        _require_may_edit(actor, EscalationPolicy(team=values.get("team")))
        policy = policy_create(
            values=_values(values, EscalationPolicy()),
            definition=values["definition"],
            author=actor,
            at=now(),
            reason=values["reason"],
        )
        return self._detail(policy.slug, status=201)

    @extend_schema(request=PolicyChangeSerializer, responses={200: PolicySerializer})
    def update(self, request: Request, slug: str, **options: Any) -> Response:
        """Change it; a changed definition is the next version, and escalations under way keep theirs."""
        actor: Any = request.user
        policy = self.get_object()
        _require_may_edit(actor, policy)
        values = asked(PolicyChangeSerializer, request)
        if "team" in values:
            _require_may_edit(actor, EscalationPolicy(team=values["team"]))
        newest = policy.versions.order_by("-number").first()
        if newest is None and "definition" not in values:
            raise DomainError(_("It has no version yet: say what it does."), field="definition")
        policy_edit(
            policy=policy,
            base=values.get("base", newest.number if newest else 0),
            values=_values(values, policy),
            definition=values.get("definition", newest.definition if newest else None),
            author=actor,
            at=now(),
            reason=values["reason"],
        )
        return self._detail(policy.slug)

    @extend_schema(request=PolicyChangeSerializer, responses={200: PolicySerializer})
    def partial_update(self, request: Request, slug: str, **options: Any) -> Response:
        """As PUT: what is left out stays."""
        return self.update(request, slug)

    def _detail(self, slug: str, *, status: int = 200) -> Response:
        policy = get_object_or_404(self.get_queryset(), slug=slug)
        return Response(PolicySerializer(policy, context={"request": self.request}).data, status=status)

    @extend_schema(responses=PolicyVersionSerializer(many=True), filters=False)
    @action(detail=True)
    def versions(self, request: Request, slug: str) -> Response:
        """What it says and has said, the newest first, with author and reason."""
        found: Any = self.get_object().versions.select_related("author").order_by("-number")
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(PolicyVersionSerializer(page, many=True).data)

    @extend_schema(
        responses=PolicyDifferenceSerializer(many=True),
        parameters=[_number("from", "the older version"), _number("to", "the newer version")],
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def diff(self, request: Request, slug: str) -> Response:
        """What two versions say differently, in sentences of the caller's language."""
        policy = self.get_object()
        before, after = (_version(policy, request, name) for name in ("from", "to"))
        return Response(PolicyDifferenceSerializer(versions_compared(before, after), many=True).data)


def _require_may_edit(actor: User, policy: EscalationPolicy) -> None:
    if not may_edit(actor, policy):
        raise NotAllowed(_("Only managers of its team change a policy."))


def _values(values: dict[str, Any], policy: EscalationPolicy) -> PolicyValues:
    guidelines = values.get("guidelines")
    return PolicyValues(
        name=values.get("name", policy.name),
        team=values.get("team", policy.team),
        description=values.get("description", policy.description),
        guidelines=None if guidelines is None else tuple((one["title"], one["url"]) for one in guidelines),
    )


def _version(policy: EscalationPolicy, request: Request, name: str) -> PolicyVersion:
    """Raises DomainError for what is no number, Http404 for a version there is not."""
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise DomainError(_("Name the number of a version."), field=name)
    return get_object_or_404(policy.versions, number=int(text))
