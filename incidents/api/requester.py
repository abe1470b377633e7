"""Files, followers, surveys and complaints over the API. The same permissions and services as the pages."""

from typing import Any

from django.core.files.base import File
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.instants import now
from incidents.filing_forms import ANSWER_WITHIN
from incidents.models import Attachment, Complaint, Customer, Incident, Survey
from incidents.permissions import (
    attachment_for,
    complaint_for,
    incident_for,
    require_complaint_answerer,
    require_reader,
)
from incidents.selectors.attachments import attachments_of
from incidents.selectors.complaints import complaint_row, complaints_of
from incidents.selectors.requester import surveys_of
from incidents.services.attachments import attachment_add, attachment_remove
from incidents.services.complaints import complaint_answer, complaint_assign, complaint_log
from incidents.services.following import follower_gather, incident_follow, incident_unfollow
from incidents.services.surveys import SCORES, survey_answer
from incidents.views.attaching import attachment_content
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from oncall.models import User

SOURCE = "api"
PEOPLE = User.objects.filter(is_active=True)


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    """A file; ``content`` is where its bytes are once the scanner has let it pass."""

    uploaded_by = PersonSerializer(read_only=True, allow_null=True)
    content = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = (
            "id", "incident", "name", "content_type", "size", "sha256", "public", "state", "reason", "uploaded_by",
            "created_at", "content",
        )  # fmt: skip
        read_only_fields = fields

    def get_content(self, row: Attachment) -> str:
        return f"/api/v1/attachments/{row.pk}/content/"


class NewAttachmentSerializer(serializers.Serializer[Any]):
    """One file, as multipart form data. ``public`` lets the requester have it."""

    file = serializers.FileField(allow_empty_file=True)
    public = serializers.BooleanField(default=False)


class SurveySerializer(serializers.ModelSerializer[Survey]):
    user = PersonSerializer(read_only=True)

    class Meta:
        model = Survey
        fields = ("incident", "user", "score", "text", "at")
        read_only_fields = fields


class ContentmentSerializer(serializers.Serializer[Any]):
    score = serializers.ChoiceField(choices=[(score, score) for score in SCORES], help_text="0 is bad, 5 very good.")
    text = serializers.CharField(default="", allow_blank=True, max_length=2_000)


class FollowingSerializer(serializers.Serializer[Any]):
    following = serializers.BooleanField(read_only=True)


class GatheringSerializer(serializers.Serializer[Any]):
    """``gathered``: one notice with what happened in ten minutes, in place of one for each piece of news."""

    following = serializers.BooleanField(read_only=True)
    gathered = serializers.BooleanField()


class ComplaintSerializer(serializers.ModelSerializer[Complaint]):
    customer: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    owner = PersonSerializer(read_only=True, allow_null=True)
    answered_by = PersonSerializer(read_only=True, allow_null=True)
    overdue = serializers.SerializerMethodField()

    class Meta:
        model = Complaint
        fields = (
            "id", "incident", "customer", "complainant", "text", "received_at", "due_at", "owner", "answer", "answered_at",
            "answered_by", "overdue",
        )  # fmt: skip
        read_only_fields = fields

    def get_overdue(self, row: Complaint) -> bool:
        return complaint_row(row, at=now()).is_overdue


class OwnedSerializer(serializers.Serializer[Any]):
    """Who is to answer, and by when."""

    owner = serializers.SlugRelatedField(slug_field="username", queryset=PEOPLE, required=False, allow_null=True)
    due_at = serializers.DateTimeField(required=False, allow_null=True)


class NewComplaintSerializer(OwnedSerializer):
    """``due_at`` is five days after it came, unless given; without a customer it is the incident's own."""

    text = serializers.CharField(max_length=10_000)
    complainant = serializers.CharField(default="", allow_blank=True, max_length=160)
    customer = serializers.SlugRelatedField(
        slug_field="slug", queryset=Customer.objects.filter(active=True), required=False, allow_null=True
    )
    received_at = serializers.DateTimeField(required=False)


class AnswerSerializer(serializers.Serializer[Any]):
    answer = serializers.CharField(max_length=10_000)


class RequesterViewSet(viewsets.GenericViewSet[Any]):
    """What people add to one incident without working on it."""

    queryset = Incident.objects.none()
    serializer_class = AttachmentSerializer
    filter_backends = ()
    pagination_class = None

    def _incident(self, *, writes: bool = False) -> Incident:
        """Whoever may not write is told so before what they sent is looked at."""
        user: Any = self.request.user
        incident = incident_for(user, int(self.kwargs["pk"]))
        if writes:
            require_reader(user, incident)
        return incident

    def _act(self, service: Any, **values: Any) -> Any:
        return service(incident_id=int(self.kwargs["pk"]), actor=self.request.user, at=now(), source=SOURCE, **values)

    @extend_schema(methods=["GET"], responses=AttachmentSerializer(many=True))
    @extend_schema(methods=["POST"], request=NewAttachmentSerializer, responses={201: AttachmentSerializer})
    @action(detail=False, methods=["get", "post"], parser_classes=[MultiPartParser, JSONParser])
    def files(self, request: Request, pk: str) -> Response:
        """The files that the caller may have; POST attaches one."""
        user: Any = request.user
        incident = self._incident(writes=request.method == "POST")
        if request.method == "GET":
            rows = [one.row for one in attachments_of(incident, user=user)]
            return Response(AttachmentSerializer(rows, many=True).data)
        values = asked(NewAttachmentSerializer, request)
        upload: File[bytes] = values["file"]
        row = self._act(attachment_add, upload=upload, public=values["public"])
        return Response(AttachmentSerializer(row).data, status=201)

    @extend_schema(request=None, responses=FollowingSerializer)
    @action(detail=False, methods=["post"])
    def follow(self, request: Request, pk: str) -> Response:
        """Hear when it is resolved, and what is said to its requester."""
        self._incident(writes=True)
        self._act(incident_follow)
        return Response({"following": True})

    @extend_schema(request=GatheringSerializer, responses=GatheringSerializer)
    @action(detail=False, methods=["post"])
    def gather(self, request: Request, pk: str) -> Response:
        """Follow it, and hear of it at once or gathered into one notice."""
        self._incident(writes=True)
        follower = self._act(follower_gather, gathered=asked(GatheringSerializer, request)["gathered"])
        return Response({"following": True, "gathered": follower.gathered})

    @extend_schema(request=None, responses=FollowingSerializer)
    @action(detail=False, methods=["post"])
    def unfollow(self, request: Request, pk: str) -> Response:
        """Hear no more of it."""
        self._incident()
        self._act(incident_unfollow)
        return Response({"following": False})

    @extend_schema(methods=["GET"], responses=SurveySerializer(many=True))
    @extend_schema(methods=["POST"], request=ContentmentSerializer, responses=SurveySerializer)
    @action(detail=False, methods=["get", "post"])
    def survey(self, request: Request, pk: str) -> Response:
        """How content its requester is; POST, by whoever filed it, once it is resolved."""
        user: Any = request.user
        incident = self._incident(writes=request.method == "POST")
        if request.method == "GET":
            return Response(SurveySerializer(surveys_of(incident, user=user), many=True).data)
        row = self._act(survey_answer, **asked(ContentmentSerializer, request))
        return Response(SurveySerializer(row).data)

    @extend_schema(methods=["GET"], responses=ComplaintSerializer(many=True))
    @extend_schema(methods=["POST"], request=NewComplaintSerializer, responses={201: ComplaintSerializer})
    @action(detail=False, methods=["get", "post"])
    def complaints(self, request: Request, pk: str) -> Response:
        """Customers' complaints about it; POST logs one."""
        incident = self._incident(writes=request.method == "POST")
        if request.method == "GET":
            rows = [one.complaint for one in complaints_of(incident, at=now())]
            return Response(ComplaintSerializer(rows, many=True).data)
        values = asked(NewComplaintSerializer, request)
        due = {} if "due_at" in values else {"due_at": (values.get("received_at") or now()) + ANSWER_WITHIN}
        return Response(ComplaintSerializer(self._act(complaint_log, **values, **due)).data, status=201)


class AttachmentViewSet(viewsets.GenericViewSet[Attachment]):
    """One file that the caller may have."""

    queryset = Attachment.objects.none()
    serializer_class = AttachmentSerializer
    lookup_value_regex = "[0-9]+"

    def retrieve(self, request: Request, pk: str) -> Response:
        user: Any = request.user
        return Response(AttachmentSerializer(attachment_for(user, int(pk))).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Take it away: the row stays, the bytes go."""
        user: Any = request.user
        row = attachment_for(user, int(pk))
        attachment_remove(attachment_id=row.pk, actor=user, at=now(), source=SOURCE)
        return Response(status=204)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def content(self, request: Request, pk: str) -> HttpResponse:
        """Its bytes. 409 while the scanner has not looked at it."""
        user: Any = request.user
        return attachment_content(attachment_for(user, int(pk)))


class ComplaintViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Complaint]):
    """Complaints about incidents that the caller may see, the newest first."""

    queryset = Complaint.objects.none()
    serializer_class = ComplaintSerializer
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Complaint]:
        if getattr(self, "swagger_fake_view", False):
            return Complaint.objects.none()
        visible = Incident.objects.visible_to(self.request.user).order_by()
        rows = Complaint.objects.filter(incident__in=visible).select_related("customer", "owner", "answered_by")
        return rows.order_by("-id")

    def retrieve(self, request: Request, pk: str) -> Response:
        user: Any = request.user
        return Response(ComplaintSerializer(complaint_for(user, int(pk))).data)

    @extend_schema(request=AnswerSerializer, responses=ComplaintSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """It was answered, in these words."""
        return self._act(complaint_answer, AnswerSerializer)

    @extend_schema(request=OwnedSerializer, responses=ComplaintSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to somebody. What is left out stays as it is."""
        row = complaint_for(self.request.user, int(pk))  # type: ignore[arg-type]  # who is not signed in got no further
        return self._act(complaint_assign, OwnedSerializer, owner=row.owner, due_at=row.due_at)

    def _act(self, service: Any, asks: Any, **kept: Any) -> Response:
        user: Any = self.request.user
        row = complaint_for(user, int(self.kwargs["pk"]))
        require_complaint_answerer(user, row)
        values = {**kept, **asked(asks, self.request)}
        service(complaint_id=row.pk, actor=user, at=now(), source=SOURCE, **values)
        return Response(ComplaintSerializer(complaint_for(user, row.pk)).data)
