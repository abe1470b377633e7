"""What the house asks and how its incidents move, over the API: fields, categories, customers, stages; and the review of an incident."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelRefusal
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.models import Category, Customer, CustomField, Incident, Stage, StageGuard
from incidents.permissions import require_configurer
from incidents.selectors.builder import category_counts
from incidents.selectors.review import report_json, report_of
from incidents.services.categories import category_set, customer_set
from incidents.services.fields import field_set
from incidents.services.reviews import TEXTS, review_save
from incidents.services.workflow import Guard, Workflow, stage_set, workflow_now, workflow_set
from incidents.views.review import incident_to_review
from oncall.api.asking import asked
from policies.severity import Severity

SOURCE = "api"
Row = Any


class _Written(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Everybody reads, administrators write, by the services of the pages."""

    def create(self, request: Request) -> Response:
        """Add one."""
        require_configurer(request.user)  # type: ignore[arg-type]  # the API lets nobody in who is not signed in
        row = self._write(None, self._sent(request))
        return Response(self.get_serializer(row).data, status=201)

    def partial_update(self, request: Request, **place: str) -> Response:
        """Change what is given; nothing else."""
        require_configurer(request.user)  # type: ignore[arg-type]  # only people who are signed in come here
        row = self.get_object()
        row = self._write(row, self._sent(request, partial=True))
        return Response(self.get_serializer(row).data)

    def _sent(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _write(self, row: Row, values: dict[str, Any]) -> Row:
        try:
            return self._store(row, values)
        except ModelRefusal as error:
            found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            name, messages = next(iter(found.items()))
            raise DomainError(messages[0], field="" if name == "__all__" else name) from error

    def _store(self, row: Row, values: dict[str, Any]) -> Row:
        raise NotImplementedError


class CustomFieldSerializer(serializers.ModelSerializer[CustomField]):
    """A field of the house's own; its answer is the fact ``custom.<key>``. Key and kind stay as they were made."""

    categories: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", many=True, required=False, queryset=Category.objects.all()
    )

    class Meta:
        model = CustomField
        fields = (
            "key", "label", "labels", "help_text", "kind", "options", "group", "required", "categories", "shown_if",
            "position", "active",
        )  # fmt: skip
        extra_kwargs: ClassVar[dict[str, Any]] = {"key": {"validators": []}}


class CustomFieldViewSet(_Written):
    """Fields of the house's own, retired ones too."""

    queryset = CustomField.objects.prefetch_related("categories").order_by("group", "position", "key")
    serializer_class = CustomFieldSerializer
    lookup_field = "key"

    def _store(self, row: Row, values: dict[str, Any]) -> Row:
        categories = values.pop("categories", None)
        actor: Any = self.request.user
        return field_set(field=row or CustomField(), values=values, categories=categories, actor=actor, at=now())


class CategorySerializer(serializers.ModelSerializer[Category]):
    parent: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(  # type: ignore[assignment]  # DRF takes it off the class
        slug_field="slug", queryset=Category.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Category
        fields = ("slug", "name", "parent", "position", "active")
        extra_kwargs: ClassVar[dict[str, Any]] = {"slug": {"validators": []}}
        validators: ClassVar[list[Any]] = []


class CategoryCountSerializer(serializers.Serializer[Any]):
    """A category with how many incidents are in it, and how many with its parts."""

    slug = serializers.CharField(source="category.slug")
    own = serializers.IntegerField()
    total = serializers.IntegerField()


class CategoryCountsSerializer(serializers.Serializer[Any]):
    """Each category behind what it is part of. The totals of the top and ``none`` add up to all the caller sees."""

    categories = CategoryCountSerializer(many=True)
    none = serializers.IntegerField()


class CategoryViewSet(_Written):
    """What kind of trouble it is, as a tree."""

    queryset = Category.objects.select_related("parent").order_by("position", "name")
    serializer_class = CategorySerializer
    lookup_field = "slug"

    def _store(self, row: Row, values: dict[str, Any]) -> Row:
        actor: Any = self.request.user
        return category_set(category=row or Category(), values=values, actor=actor, at=now())

    @extend_schema(responses={200: CategoryCountsSerializer})
    @action(detail=False)
    def counts(self, request: Request) -> Response:
        """How many incidents the caller sees in each, and with its parts; ``none`` are those in no category."""
        branches, nowhere = category_counts(Incident.objects.visible_to(request.user))
        return Response(CategoryCountsSerializer({"categories": branches, "none": nowhere}).data)


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    class Meta:
        model = Customer
        fields = ("slug", "name", "segment", "tier", "vip", "contract", "active")
        extra_kwargs: ClassVar[dict[str, Any]] = {"slug": {"validators": []}, "name": {"validators": []}}


class CustomerViewSet(_Written):
    """Whom incidents hit, and what was promised to them."""

    queryset = Customer.objects.order_by("name")
    serializer_class = CustomerSerializer
    lookup_field = "slug"

    def _store(self, row: Row, values: dict[str, Any]) -> Row:
        actor: Any = self.request.user
        return customer_set(customer=row or Customer(), values=values, actor=actor, at=now())


class StageSerializer(serializers.ModelSerializer[Stage]):
    class Meta:
        model = Stage
        fields = ("key", "name", "position")
        read_only_fields = ("position",)
        extra_kwargs: ClassVar[dict[str, Any]] = {"key": {"validators": []}}


class GuardSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField(max_length=30)
    kind = serializers.ChoiceField(choices=StageGuard.Kind.choices)
    severity = serializers.ChoiceField(choices=Severity.choices, default=Severity.SEV5)


class WorkflowSerializer(serializers.Serializer[Any]):
    """``ways`` are pairs of keys, from and to; a stage without any leads everywhere. Guards hold for their severity or worse."""

    ways = serializers.ListField(child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2))
    guards = GuardSerializer(many=True)


class StageViewSet(_Written):
    """The life cycle's stages in their order."""

    queryset = Stage.objects.order_by("position")
    serializer_class = StageSerializer
    lookup_field = "key"

    def _store(self, row: Row, values: dict[str, Any]) -> Row:
        actor: Any = self.request.user
        return stage_set(stage=row or Stage(), values=values, actor=actor, at=now())

    @extend_schema(request=WorkflowSerializer, responses=WorkflowSerializer)
    @action(detail=False, methods=["get", "put"])
    def workflow(self, request: Request) -> Response:
        """Which stage may follow which, and what must be there first."""
        if request.method == "PUT":
            actor: Any = request.user
            require_configurer(actor)
            sent = asked(WorkflowSerializer, request)
            wanted = Workflow(
                frozenset((before, after) for before, after in sent["ways"]),
                frozenset(Guard(one["stage"], one["kind"], int(one["severity"])) for one in sent["guards"]),
            )
            workflow_set(wanted=wanted, actor=actor, at=now())
        return Response(workflow_now().document())


class CourseSerializer(serializers.Serializer[Any]):
    """``course`` is the severity at first and after each change."""

    now = serializers.CharField()
    course = serializers.ListField(child=serializers.CharField())


class AffectedServiceSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    team = serializers.CharField()


class MomentSerializer(serializers.Serializer[Any]):
    """A line of the timeline: when, what in the caller's language, and what was written with it."""

    at = serializers.DateTimeField()
    what = serializers.CharField()
    text = serializers.CharField()


class IncidentReviewSerializer(serializers.Serializer[Any]):
    """The six parts and what they rest on. ``version`` is 0 for a draft; without an ``author`` the texts are a beginning
    made from the record."""

    incident = serializers.CharField(help_text="The incident's reference.")
    title = serializers.CharField()
    status = serializers.CharField(help_text="draft or published")
    version = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)
    edited_at = serializers.DateTimeField(allow_null=True)
    author = serializers.CharField(allow_null=True)
    severity = CourseSerializer()
    services = AffectedServiceSerializer(many=True)
    timeline = MomentSerializer(many=True)
    root_cause = serializers.CharField()
    mitigation = serializers.CharField()
    follow_up = serializers.CharField()
    lessons = serializers.CharField()


class IncidentReviewWriteSerializer(serializers.Serializer[Any]):
    """The texts that are given; the others stay. ``seen`` is the ``edited_at`` the edit began from: 409 when it is another by now."""

    root_cause = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    mitigation = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    follow_up = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    lessons = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    seen = serializers.DateTimeField(required=False, allow_null=True, default=None)
    publish = serializers.BooleanField(default=False)


class IncidentReviewView(APIView):
    """The review of an incident: what its record says, and what people wrote."""

    @extend_schema(responses={200: IncidentReviewSerializer})
    def get(self, request: Request, pk: int) -> Response:
        """The six parts, prefilled from the record where nobody wrote one yet."""
        user: Any = request.user
        return _report(incident_to_review(user, pk), user)

    @extend_schema(request=IncidentReviewWriteSerializer, responses={200: IncidentReviewSerializer})
    def put(self, request: Request, pk: int) -> Response:
        """Save the draft, publish it, or correct what is published."""
        user: Any = request.user
        incident = incident_to_review(user, pk)
        sent = asked(IncidentReviewWriteSerializer, request)
        texts = dict(report_of(incident, reader=user).texts)
        texts |= {name: sent[name] for name in TEXTS if name in sent}
        review_save(
            incident_id=incident.pk, values=texts, seen=sent["seen"], publish=sent["publish"], actor=user, at=now(),
            source=SOURCE,
        )  # fmt: skip
        return _report(incident, user)


def _report(incident: Incident, reader: Any) -> Response:
    return Response(IncidentReviewSerializer(report_json(report_of(incident, reader=reader))).data)
