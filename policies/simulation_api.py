"""The simulator over the API."""

from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from policies.definition import MAX_LEVELS
from policies.durations import duration_seconds
from policies.escalation import WHOLE
from policies.models import EscalationPolicy
from policies.severity import Severity
from policies.simulation.asking import Asked, answered
from policies.simulation.forms import MAX_AFTER
from policies.simulation.walk import Deed


class DurationField(serializers.CharField):
    """A time such as "7m" or "1h30m", a week at most."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            seconds = duration_seconds(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError("Write a time such as 7m or 1h30m.") from error
        if seconds > MAX_AFTER:
            raise serializers.ValidationError("A week at most.")
        return timedelta(seconds=seconds)


class ActSerializer(serializers.Serializer[Any]):
    """Somebody does something: so long after they are first told, or after the start with ``from_start``."""

    who = serializers.CharField(max_length=150, help_text="A user name.")
    does = serializers.ChoiceField(choices=[deed.value for deed in Deed], default=Deed.ACKNOWLEDGE.value)
    after = DurationField()
    from_start = serializers.BooleanField(default=False)


class SimulationSerializer(serializers.Serializer[Any]):
    """The facts to try. ``definition`` is a draft, ``version`` an older version; without both the one in force is tried."""

    at = serializers.DateTimeField(help_text="When the incident begins, with its offset.")
    severity = serializers.ChoiceField(choices=Severity.choices)
    service = serializers.SlugField(required=False, default="")
    version = serializers.IntegerField(required=False, min_value=1)
    definition = serializers.JSONField(required=False)
    against = serializers.IntegerField(required=False, min_value=1, help_text="A version to compare with.")
    start_level = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LEVELS,
        help_text="Begin at this level, as a routing rule may have it.",
    )
    timers_percent = serializers.IntegerField(
        default=WHOLE, min_value=1, max_value=WHOLE, help_text="How much of the policy's times people get."
    )
    sla_due_at = serializers.DateTimeField(
        required=False, help_text="When the SLA ends; by the SLA targets in force, if left out."
    )
    acts = serializers.ListField(child=ActSerializer(), default=list, max_length=50)
    unreachable = serializers.ListField(child=serializers.CharField(max_length=150), default=list, max_length=100)

    @property
    def asked(self) -> Asked:
        values = self.validated_data
        return Asked(
            at=values["at"],
            severity=values["severity"],
            service=values["service"],
            version=values.get("version"),
            definition=values.get("definition"),
            against=values.get("against"),
            start_level=values.get("start_level"),
            timers_percent=values["timers_percent"],
            sla_due_at=values.get("sla_due_at"),
            acts=tuple((act["who"], Deed(act["does"]), act["after"], act["from_start"]) for act in values["acts"]),
            unreachable=tuple(values["unreachable"]),
        )


class SimulateAction(viewsets.GenericViewSet[EscalationPolicy]):
    """Gives the API of policies its simulator."""

    @extend_schema(request=SimulationSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"], url_name="simulate")
    def simulate(self, request: Request, slug: str) -> Response:
        """What would happen, step by step, on made-up facts. Nothing is stored and nobody is told."""
        sent = SimulationSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(answered(self.get_object(), sent.asked))
