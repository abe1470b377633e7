"""Merging, splitting and linking over the API: the services of the pages."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.instants import now
from incidents.api.serializers import IncidentSerializer
from incidents.models import Incident, IncidentLink
from incidents.permissions import incident_for, require_responder
from incidents.selectors.links import links_of
from incidents.services.linking import BY_HAND, incident_link, incident_unlink
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.splitting import incident_split
from policies.severity import Severity

SOURCE = "api"


class OtherSerializer(serializers.ModelSerializer[Incident]):
    """An incident at the other end of a link."""

    class Meta:
        model = Incident
        fields = ("id", "reference", "title", "severity", "state")
        read_only_fields = fields


class LinkedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    words = serializers.CharField(help_text="How the link reads from this incident.")
    other = OtherSerializer()


class LinksSerializer(serializers.Serializer[Any]):
    """``into``: where it was merged to. ``merged``: what was merged into it. Only what the caller may see."""

    into = OtherSerializer(allow_null=True)
    merged = OtherSerializer(many=True)
    links = LinkedSerializer(many=True)


class LinkSerializer(serializers.Serializer[Any]):
    other = serializers.IntegerField(source="other_id", help_text="Number of the other incident.")
    kind = serializers.ChoiceField(
        choices=[(kind.value, kind.label) for kind in BY_HAND], default=IncidentLink.Kind.RELATED
    )


class UnlinkSerializer(serializers.Serializer[Any]):
    link = serializers.IntegerField(source="link_id")


class MergeSerializer(serializers.Serializer[Any]):
    other = serializers.IntegerField(source="other_id", help_text="Number of the incident that keeps everything.")
    reason = serializers.CharField(default="", allow_blank=True, max_length=1_000)


class UnmergeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(default="", allow_blank=True, max_length=1_000)


class SplitSerializer(serializers.Serializer[Any]):
    """``alerts`` move to the new incident, ``comments`` (numbers of timeline lines) are repeated there. ``keep``: the caller has it,
    and nobody is called."""

    title = serializers.CharField(max_length=200)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    alerts = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=1_000)
    comments = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=1_000)
    keep = serializers.BooleanField(default=False)


class LinkingActions:
    """Actions of an incident, for its view set."""

    _act: Any
    _answer: Any
    _asked: Any
    request: Any

    @extend_schema(responses=LinksSerializer)
    @action(detail=True)
    def links(self, request: Request, pk: str) -> Response:
        """What it was merged into, what was merged into it, and its links."""
        user: Any = request.user
        return Response(LinksSerializer(links_of(incident_for(user, int(pk)), user=user)).data)

    @extend_schema(request=LinkSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def link(self, request: Request, pk: str) -> Response:
        """Say how it hangs together with another one. 409 when that is said already."""
        answer: Response = self._act(incident_link, LinkSerializer)
        return answer

    @extend_schema(request=UnlinkSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def unlink(self, request: Request, pk: str) -> Response:
        """Take a link away."""
        answer: Response = self._act(incident_unlink, UnlinkSerializer)
        return answer

    @extend_schema(request=MergeSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Merge it into another one, which keeps everything; nobody is paged for this one any more."""
        answer: Response = self._act(incident_merge, MergeSerializer)
        return answer

    @extend_schema(request=UnmergeSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, pk: str) -> Response:
        """Let it stand alone again, with what it brought."""
        answer: Response = self._act(incident_unmerge, UnmergeSerializer)
        return answer

    @extend_schema(request=SplitSerializer, responses={201: IncidentSerializer})
    @action(detail=True, methods=["post"])
    def split(self, request: Request, pk: str) -> Response:
        """Make a new incident of some of its alerts and comments. Answers with the new one."""
        actor: Any = request.user
        incident = incident_for(actor, int(pk))
        require_responder(actor, incident)
        new = incident_split(
            incident_id=incident.pk, actor=actor, at=now(), source=SOURCE, **self._asked(SplitSerializer)
        )
        answer: Response = self._answer(new.pk, status=201)
        return answer
