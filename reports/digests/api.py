"""Digests over the API: read by whom they are for, switched on and off by those who manage the team."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.instants import now
from notifications.models import Destination
from oncall.api.asking import asked
from oncall.models import Team, User
from oncall.telling import as_read_by
from oncall.zones import validate_time_zone
from reports.digests.making import content_for
from reports.digests.rights import ALLOWED, audience, teams_below
from reports.digests.services import digest_reader_set, digest_set
from reports.models.digests import Digest


class DigestSerializer(serializers.ModelSerializer[Digest]):
    """One regular telling, of a team and those below it, or of the house. ``mine``: whether the caller gets it."""

    team: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    destination: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    zone = serializers.CharField(read_only=True, help_text="The zone on whose clock it is sent.")
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Digest
        fields = (
            "id", "kind", "team", "send_at", "time_zone", "zone", "destination", "active", "next_due_at", "sent_at", "mine",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_mine(self, digest: Digest) -> bool:
        return self.context["request"].user in audience(digest, teams_below(digest))


class DigestChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays."""

    send_at = serializers.TimeField(required=False, help_text="On the clock of its zone.")
    time_zone = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="Empty: the team's own."
    )
    destination = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Destination.objects.all(),
        required=False,
        allow_null=True,
        help_text="A chat channel; stand-ups alone are posted.",
    )
    active = serializers.BooleanField(required=False)

    def validate_time_zone(self, value: str) -> str:
        if value:
            validate_time_zone(value)
        return value


class NewDigestSerializer(DigestChangeSerializer):
    kind = serializers.ChoiceField(choices=Digest.Kind.choices)
    team = serializers.SlugRelatedField(
        slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True, default=None
    )
    send_at = serializers.TimeField(help_text="On the clock of its zone.")


class WantedSerializer(serializers.Serializer[Any]):
    wanted = serializers.BooleanField()


class _FigureSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's own is on the instance
    value = serializers.CharField()
    note = serializers.CharField()
    link = serializers.CharField()


class _LineSerializer(serializers.Serializer[Any]):
    head = serializers.CharField()
    text = serializers.CharField()
    link = serializers.CharField()


class _SectionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    lines = _LineSerializer(many=True)
    empty = serializers.CharField(help_text="What is said where there is no line.")
    more = serializers.IntegerField(help_text="How many lines are left out.")
    link = serializers.CharField()


class DigestContentSerializer(serializers.Serializer[Any]):
    """What a digest says, in the caller's language and of what they may see. Links are paths of this site."""

    title = serializers.CharField()
    about = serializers.CharField()
    figures = _FigureSerializer(many=True)
    sections = _SectionSerializer(many=True)


class DigestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Digest]):
    """The digests that the caller's role may read."""

    queryset = Digest.objects.none()
    serializer_class = DigestSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Digest]:
        if getattr(self, "swagger_fake_view", False):
            return Digest.objects.none()
        role = _caller(self.request).role
        kinds = [kind for kind, roles in ALLOWED.items() if role in roles]
        return Digest.objects.filter(kind__in=kinds).select_related("team", "destination")

    @extend_schema(request=NewDigestSerializer, responses={201: DigestSerializer})
    def create(self, request: Request) -> Response:
        """Switch one on for a team, or for the house. One that is there already is changed: there is one of a kind for each."""
        return self._set(asked(NewDigestSerializer, request), status=201)

    @extend_schema(request=DigestChangeSerializer, responses={200: DigestSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Say when and where it comes, or switch it off; what is left out stays. Managers of the team, administrators."""
        row = self.get_object()
        names = ("kind", "team", "send_at", "time_zone", "destination", "active")
        before = {name: getattr(row, name) for name in names}
        return self._set({**before, **asked(DigestChangeSerializer, request)})

    def _set(self, given: Mapping[str, Any], *, status: int = 200) -> Response:
        saved = digest_set(actor=_caller(self.request), at=now(), **given)
        return Response(self.get_serializer(saved).data, status=status)

    @extend_schema(responses={200: DigestContentSerializer})
    @action(detail=True)
    def content(self, request: Request, pk: str) -> Response:
        """What the caller would get now."""
        digest, reader = self.get_object(), _caller(request)
        with as_read_by(reader):
            found = content_for(digest, reader, teams_below(digest), at=now())
            return Response(DigestContentSerializer(found).data)

    @extend_schema(request=WantedSerializer, responses={200: DigestSerializer})
    @action(detail=True, methods=["post"])
    def mine(self, request: Request, pk: str) -> Response:
        """Get it, or not any more."""
        digest = self.get_object()
        digest_reader_set(digest=digest, user=_caller(request), at=now(), **asked(WantedSerializer, request))
        return Response(self.get_serializer(digest).data)


def _caller(request: Request) -> User:
    user: Any = request.user
    found: User = user
    return found
