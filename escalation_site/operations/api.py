"""The operations figures over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.api.permissions import OfRole
from escalation_site.kernel.instants import now
from escalation_site.operations.selectors import operations


class Administrator(OfRole):
    """Administrators."""

    roles = frozenset({"administrator"})


class _Seconds(serializers.FloatField):
    """A span in seconds."""

    def to_representation(self, value: Any) -> Any:
        return round(value.total_seconds(), 3)


class OperationsQueueSerializer(serializers.Serializer[Any]):
    """Rows that are due and not done."""

    code = serializers.CharField(help_text="signals, steps, questions, deliveries, page_reports or tasks.")
    depth = serializers.IntegerField()
    oldest_due_at = serializers.DateTimeField(allow_null=True)
    age = _Seconds(help_text="Seconds for which the oldest has been due.")
    late = serializers.BooleanField()


class OperationsSpreadSerializer(serializers.Serializer[Any]):
    """Seconds within which half, and 99 of 100, were done; null where none was."""

    count = serializers.IntegerField()
    p50 = _Seconds(allow_null=True)
    p99 = _Seconds(allow_null=True)


class OperationsLatenessSerializer(serializers.Serializer[Any]):
    """How late one kind of work was done."""

    code = serializers.CharField(help_text="signals, steps, deliveries or page_reports.")
    hour = OperationsSpreadSerializer()
    day = OperationsSpreadSerializer()
    capped = serializers.BooleanField(help_text="The day had more than the newest 5,000 that were looked at.")


class OperationsChannelSerializer(serializers.Serializer[Any]):
    """One channel's queue now, and its attempts of the last 24 hours."""

    channel = serializers.CharField()
    due = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Not due yet: to be tried again later.")
    sending = serializers.IntegerField(help_text="Handed to an engine.")
    oldest_due_at = serializers.DateTimeField(allow_null=True)
    outcomes = serializers.DictField(
        child=serializers.IntegerField(), help_text="Attempts by outcome; the empty one is under way."
    )
    failed = serializers.IntegerField(help_text="Deliveries that ended in vain.")


class OperationsPartSerializer(serializers.Serializer[Any]):
    """One process that beats."""

    name = serializers.CharField(source="beat.name")
    host = serializers.CharField(source="beat.host")
    pid = serializers.IntegerField(source="beat.pid")
    started_at = serializers.DateTimeField(source="beat.started_at")
    beat_at = serializers.DateTimeField(source="beat.beat_at")
    silent = serializers.BooleanField()
    clock_skew_seconds = serializers.FloatField(
        source="skew", allow_null=True, help_text="How far the host's clock is ahead of the database's."
    )


class OperationsAlarmSerializer(serializers.Serializer[Any]):
    """What is wrong with Watchbell itself."""

    code = serializers.CharField()
    figures = serializers.JSONField(source="data")
    opened_at = serializers.DateTimeField()


class OperationsSerializer(serializers.Serializer[Any]):
    """How the house works at one instant."""

    at = serializers.DateTimeField()
    well = serializers.BooleanField(help_text="Nothing needs an administrator.")
    queues = OperationsQueueSerializer(many=True)
    lateness = OperationsLatenessSerializer(many=True)
    channels = OperationsChannelSerializer(many=True)
    parts = OperationsPartSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField(), help_text="Parts without a beat in 24 hours.")
    signals_aside = serializers.IntegerField()
    runs_aside = serializers.IntegerField()
    tasks_failed = serializers.IntegerField(help_text="Within 24 hours.")
    alarms = OperationsAlarmSerializer(many=True)


class OperationsView(APIView):
    """Queues, lateness, channels, processes and what was set aside. Administrators only."""

    permission_classes = (Administrator,)

    @extend_schema(responses=OperationsSerializer)
    def get(self, _request: Request) -> Response:
        return Response(OperationsSerializer(operations(at=now())).data)
