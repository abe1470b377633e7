"""What is said on an incident, what it is about and who is called in, over the API. The same permissions and services as the pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.errors import Conflict
from escalation_site.kernel.instants import now
from incidents.models import Category, Customer, Incident
from incidents.permissions import incident_for, require_responder
from incidents.selectors.joining import brief_data, join_brief
from incidents.selectors.timeline import GROUPS, Line, Wanted, readable_by, timeline_of
from incidents.services import talk
from incidents.services.describing import FIELDS, description_edit, incident_bridge, seen_of
from incidents.services.handover_rating import Handover, handover_of, handover_rate, may_rate
from incidents.services.helping import Help, responder_add
from incidents.services.undoing import incident_undo
from oncall.api.asking import asked
from oncall.models import Team, User

SOURCE = "api"


class LineSerializer(serializers.Serializer[Any]):
    """A line of the timeline as it reads now; ``earlier`` is what it said before it was corrected."""

    id = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    sentence = serializers.SerializerMethodField()
    person = serializers.SerializerMethodField()
    text = serializers.CharField()
    public = serializers.BooleanField()
    pinned = serializers.BooleanField()
    corrected = serializers.SerializerMethodField()

    def get_sentence(self, line: Line) -> str:
        return strip_tags(line.sentence)

    def get_person(self, line: Line) -> str | None:
        return line.person.name if line.person else None

    def get_corrected(self, line: Line) -> bool:
        return bool(line.earlier)


class TimelineSerializer(serializers.Serializer[Any]):
    """The newest lines first. ``before`` is where the next older page begins, null at the end."""

    lines = LineSerializer(many=True)
    before = serializers.IntegerField(allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())


class WordsSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=10_000)


class DecisionWordsSerializer(serializers.Serializer[Any]):
    """``said_in`` is the message that is made a decision; its words are taken where ``text`` is empty."""

    text = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    said_in = serializers.IntegerField(required=False, allow_null=True, default=None)
    public = serializers.BooleanField(default=False)


class BridgeSerializer(serializers.Serializer[Any]):
    """``seen`` is the bridge that the caller knows of: 409 where it is another by now."""

    url = serializers.CharField(max_length=200, allow_blank=True)
    seen = serializers.CharField(max_length=200, allow_blank=True, required=False)


class HelpSerializer(serializers.Serializer[Any]):
    """A person or a team, paged or told."""

    user = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        default=None,
    )
    team = serializers.SlugRelatedField(
        slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True, default=None
    )
    page = serializers.BooleanField(default=True)
    reason = serializers.CharField(max_length=1_000)


class DescriptionSerializer(serializers.Serializer[Any]):
    """``seen`` are the marks that came with the description: a field that changed since is refused (409), the others are saved."""

    title = serializers.CharField(max_length=200, required=False)
    summary = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    customer_impact = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    environment = serializers.CharField(max_length=40, required=False, allow_blank=True)
    category = serializers.PrimaryKeyRelatedField(queryset=Category.objects.all(), required=False, allow_null=True)
    customer = serializers.PrimaryKeyRelatedField(queryset=Customer.objects.all(), required=False, allow_null=True)
    seen = serializers.DictField(child=serializers.CharField(), required=False)


class HandoverItemSerializer(serializers.Serializer[Any]):
    """One item of the checklist of a handover."""

    key = serializers.CharField()
    title = serializers.CharField(source="label")
    there = serializers.BooleanField()


class HandoverSerializer(serializers.Serializer[Any]):
    """The last handover to another person or team: what came along, and what its receiver said of it; ``complete`` is null as long
    as nobody has said so. ``may_rate`` is whether the caller may."""

    at = serializers.DateTimeField()
    giver = serializers.CharField()
    receiver = serializers.CharField()
    note = serializers.CharField()
    items = HandoverItemSerializer(many=True)
    percent = serializers.IntegerField()
    complete = serializers.BooleanField(allow_null=True)
    missing = serializers.CharField()
    may_rate = serializers.SerializerMethodField()

    def get_may_rate(self, handover: Handover) -> bool:
        return may_rate(self.context["user"], handover)


class HandoverRatingSerializer(serializers.Serializer[Any]):
    """Whether the receiver had the full context; ``remark`` says what was missing where they had not."""

    complete = serializers.BooleanField()
    remark = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class TalkActions:
    """Actions of one incident, for its viewset."""

    request: Request
    kwargs: dict[str, Any]
    _answer: Callable[..., Response]

    @extend_schema(
        responses=TimelineSerializer,
        filters=False,
        parameters=[
            OpenApiParameter("lines", str, enum=GROUPS, description="Only this kind."),
            OpenApiParameter("words", str, description="Only lines that hold these words."),
            OpenApiParameter("before", int, description="Older than this line."),
        ],
    )
    @action(detail=True)
    def timeline(self, request: Request, pk: str) -> Response:
        """What happened and was said, as far as the caller may read it."""
        user, incident, at = self._seen()
        group, before = request.query_params.get("lines", ""), request.query_params.get("before", "")
        wanted = Wanted(
            group=group if group in GROUPS else "",
            words=request.query_params.get("words", "")[:80],
            before=int(before) if before.isdecimal() else 0,
        )
        found = timeline_of(incident, reader=user, wanted=wanted, at=at)
        shown = {"lines": found.lines, "before": found.oldest if found.more else None, "counts": dict(found.counts)}
        return Response(TimelineSerializer(shown).data)

    @extend_schema(request=DecisionWordsSerializer, responses=LineSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Record a decision; it is pinned."""
        return self._say(talk.decision_record, DecisionWordsSerializer)

    @extend_schema(request=WordsSerializer, responses=LineSerializer)
    @action(detail=True, methods=["post"], url_path="lines/(?P<event>[0-9]+)/correct")
    def correct(self, request: Request, pk: str, event: str) -> Response:
        """Say better what the caller said before; what was said first stays."""
        return self._say(talk.comment_correct, WordsSerializer, event_id=self._line(event))

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="lines/(?P<event>[0-9]+)/pin")
    def pin(self, request: Request, pk: str, event: str) -> Response:
        """Show a line above all others."""
        user, incident, at = self._seen()
        talk.line_pin(incident_id=incident.pk, event_id=self._line(event), actor=user, at=at, source=SOURCE)
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="lines/(?P<event>[0-9]+)/unpin")
    def unpin(self, request: Request, pk: str, event: str) -> Response:
        """Put it back among the others."""
        user, incident, at = self._seen()
        talk.line_unpin(incident_id=incident.pk, event_id=self._line(event), actor=user, at=at, source=SOURCE)
        return Response(status=204)

    @extend_schema(responses={200: dict[str, Any]}, filters=False)
    @action(detail=True)
    def brief(self, request: Request, pk: str) -> Response:
        """What whoever joins late needs to know."""
        user, incident, at = self._seen()
        return Response(brief_data(join_brief(incident, reader=user, at=at)))

    @extend_schema(methods=["GET"], responses=HandoverSerializer, filters=False)
    @extend_schema(methods=["POST"], request=HandoverRatingSerializer, responses=HandoverSerializer)
    @action(detail=True, methods=["get", "post"])
    def handover(self, request: Request, pk: str) -> Response:
        """What came along when it was last handed over; its receiver says, once, whether they had the full context."""
        user, incident, at = self._seen()
        if request.method == "POST":
            values = asked(HandoverRatingSerializer, request)
            given = {"complete": values["complete"], "missing": values["remark"]}
            handover_rate(incident_id=incident.pk, actor=user, at=at, source=SOURCE, **given)
        found = handover_of(incident)
        if found is None:
            raise NotFound(_("Nobody handed it over."))
        return Response(HandoverSerializer(found, context={"user": user}).data)

    @extend_schema(request=HelpSerializer, responses={200: dict[str, Any]})
    @action(detail=True, methods=["post"])
    def responders(self, request: Request, pk: str) -> Response:
        """Call somebody in: page them, or only tell them."""
        user, incident, at = self._seen()
        require_responder(user, incident)
        wanted = Help(**asked(HelpSerializer, request))
        people = responder_add(incident_id=incident.pk, wanted=wanted, actor=user, at=at, source=SOURCE)
        return Response({"people": [one.username for one in people]})

    @extend_schema(request=None, responses={200: dict[str, Any]})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take the caller's own last step back, within a minute: a snooze, a resolution or a handover."""
        user, incident, at = self._seen()
        incident_undo(incident_id=incident.pk, actor=user, at=at, source=SOURCE)
        return self._answer(incident.pk)

    @extend_schema(request=BridgeSerializer, responses={200: dict[str, Any]})
    @action(detail=True, methods=["post"])
    def bridge(self, request: Request, pk: str) -> Response:
        """Where those who work on it talk to each other."""
        user, incident, at = self._seen()
        require_responder(user, incident)
        values = asked(BridgeSerializer, request)
        incident_bridge(incident_id=incident.pk, actor=user, at=at, source=SOURCE, **values)
        return self._answer(incident.pk)

    @extend_schema(methods=["GET"], responses=DescriptionSerializer, filters=False)
    @extend_schema(methods=["POST"], request=DescriptionSerializer, responses=DescriptionSerializer)
    @action(detail=True, methods=["get", "post"])
    def describe(self, request: Request, pk: str) -> Response:
        """What it is about, with the marks to send back with a change."""
        user, incident, at = self._seen()
        if request.method == "POST":
            require_responder(user, incident)
            values = asked(DescriptionSerializer, request)
            seen = values.pop("seen", None)
            done = description_edit(incident_id=incident.pk, values=values, seen=seen, actor=user, at=at, source=SOURCE)
            if done.clashes:
                names = ", ".join(clash.label for clash in done.clashes)
                raise Conflict(f"Changed by somebody else meanwhile: {names}", field=done.clashes[0].field)
            incident = done.incident
        texts = {name: getattr(incident, name) for name in FIELDS[:4]}
        numbers = {"category": incident.category_id, "customer": incident.customer_id}
        return Response({**texts, **numbers, "seen": seen_of(incident)})

    def _seen(self) -> tuple[User, Incident, datetime]:
        user: Any = self.request.user
        return user, incident_for(user, int(self.kwargs["pk"])), now()

    def _line(self, event: str) -> int:
        """The number of a line that the caller may read. Raises NotFound."""
        user, incident, _at = self._seen()
        if not readable_by(user, incident).filter(pk=int(event)).exists():
            raise NotFound
        return int(event)

    def _say(self, service: Callable[..., Any], asks: Any, **more: Any) -> Response:
        user, incident, at = self._seen()
        values = asked(asks, self.request)
        event = service(incident_id=incident.pk, actor=user, at=at, source=SOURCE, **values, **more)
        found = timeline_of(incident, reader=user, wanted=Wanted(oldest=event.pk), at=at)
        line = next(one for one in found.lines if one.pk == event.pk)
        return Response(LineSerializer(line).data)
