"""The back-test over the API."""

from datetime import timedelta
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from escalation_site.api.permissions import Staff
from escalation_site.kernel.instants import now
from incidents.backtest import Outcome
from incidents.backtest.asking import LONGEST_DAYS, backtest_asked
from oncall.api.asking import asked
from policies.models import EscalationPolicy


class BackTestSerializer(serializers.Serializer[Any]):
    """Either ``version``, another version of the policy, or ``definition``, a draft."""

    days = serializers.IntegerField(default=90, min_value=1, max_value=LONGEST_DAYS, help_text="How far back.")
    version = serializers.IntegerField(required=False, min_value=1)
    definition = serializers.JSONField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("version" in attrs) == ("definition" in attrs):
            raise serializers.ValidationError("Give either a version or a definition.")
        return attrs


class OutcomeSerializer(serializers.Serializer[Any]):
    """Times are in seconds from the start to the first page that can reach somebody, null where there is none."""

    pages = serializers.IntegerField()
    median_to_page_seconds = serializers.FloatField(allow_null=True)
    longest_to_page_seconds = serializers.FloatField(allow_null=True)
    unpaged = serializers.IntegerField(help_text="Incidents of which nobody is told.")
    woken = serializers.IntegerField(help_text="People paged from 22:00 to 06:00 on their clock, once an incident.")
    exhausted = serializers.IntegerField(help_text="Incidents that nobody answered.")


class BackTestAnswerSerializer(serializers.Serializer[Any]):
    """``cut``: there were more incidents, and the newest count."""

    incidents = serializers.IntegerField()
    cut = serializers.BooleanField()
    current = OutcomeSerializer()
    draft = OutcomeSerializer()


class BackTestView(APIView):
    """A draft or another version on the incidents there were, beside the version in force. Nothing is stored."""

    permission_classes = (Staff,)

    @extend_schema(request=BackTestSerializer, responses=BackTestAnswerSerializer, operation_id="policies_backtest")
    def post(self, request: Request, slug: str) -> Response:
        """Walk past incidents again, the newest 100 at most."""
        policy = get_object_or_404(EscalationPolicy.objects.select_related("current_version"), slug=slug)
        values = asked(BackTestSerializer, request)
        found = backtest_asked(
            policy,
            days=values["days"],
            at=now(),
            version=values.get("version"),
            definition=values.get("definition"),
        )
        shown = {
            "incidents": found.incidents,
            "cut": found.cut,
            "current": _outcome(found.current),
            "draft": _outcome(found.draft),
        }
        return Response(BackTestAnswerSerializer(shown).data)


def _outcome(one: Outcome) -> dict[str, Any]:
    return {
        "pages": one.pages,
        "median_to_page_seconds": _seconds(one.median_to_page),
        "longest_to_page_seconds": _seconds(one.longest_to_page),
        "unpaged": one.unpaged,
        "woken": one.woken,
        "exhausted": one.exhausted,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
