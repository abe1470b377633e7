"""The severity criteria over the API: what answers propose, and incidents that are filed or assessed with them."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from incidents.models import Incident, Service
from incidents.services.assess import MAX_WHY, Judged, incident_assess, judged, service_facts
from policies.books import CRITERIA, Reading, book_read
from policies.conditions import trace_dump
from policies.criteria import (
    AnswerKind,
    CriteriaDef,
    Proposal,
    answers_read,
    proposal_text,
    propose,
)
from policies.severity import Severity

ANSWERS_HELP = (
    "By the keys of the criteria's questions: true, false, a number, one of the choices, or null for “not known”."
)


class AnswersSerializer(serializers.Serializer[Any]):
    """Answers to the criteria's questions. With ``rest_no`` whatever is left out counts as no."""

    answers = serializers.DictField(required=False, help_text=ANSWERS_HELP)
    rest_no = serializers.BooleanField(default=False)


class ProposalAskSerializer(AnswersSerializer):
    """``service`` (its slug) brings what the catalogue knows of it: tier and flags."""

    service = serializers.SlugRelatedField(
        slug_field="slug", queryset=Service.objects.all(), required=False, allow_null=True, default=None
    )


class AssessSerializer(AnswersSerializer):
    """``severity`` is another than the proposed one, ``why`` is needed for a milder one. ``seen``, where given, is the severity
    that the caller decided on: 409 when it is another by now."""

    severity = serializers.ChoiceField(choices=Severity.choices, required=False, allow_null=True, default=None)
    why = serializers.CharField(default="", allow_blank=True, max_length=MAX_WHY)
    seen = serializers.ChoiceField(choices=Severity.choices, required=False)


class QuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    text = serializers.CharField()
    answer = serializers.ChoiceField(choices=[kind.value for kind in AnswerKind])


class ProposalSerializer(serializers.Serializer[Any]):
    """What the answers propose. ``severity`` is null where they say nothing; ``unclear`` where a person must decide. Without
    ``escalate`` an incident filed with these answers pages nobody. ``open`` are questions whose answer could make it worse.
    ``says`` and ``because`` are for people, in the language asked for; ``trace`` is what became of each part of the condition."""

    version = serializers.IntegerField()
    severity = serializers.IntegerField(allow_null=True)
    impact = serializers.IntegerField(allow_null=True)
    urgency = serializers.IntegerField(allow_null=True)
    unclear = serializers.BooleanField()
    escalate = serializers.BooleanField()
    says = serializers.CharField()
    because = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())
    open = QuestionSerializer(many=True)
    trace = serializers.DictField(allow_null=True)


class SeverityProposalView(APIView):
    """Which severity follows from answers to the criteria. Nothing is stored."""

    @extend_schema(request=ProposalAskSerializer, responses=ProposalSerializer, operation_id="severity_proposal")
    def post(self, request: Request) -> Response:
        asked = ProposalAskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        reading = book_read(CRITERIA)
        proposal = _proposal(reading, asked.validated_data, asked.validated_data["service"])
        return Response(ProposalSerializer(_answer(reading, proposal)).data)


def _proposal(reading: Reading[CriteriaDef], values: Mapping[str, Any], service: Service | None) -> Proposal:
    """Raises DefinitionInvalid naming every answer at fault."""
    answers = answers_read(reading.value, values.get("answers") or {})
    return propose(reading.value, answers, service_facts(service), rest_no=values["rest_no"])


def _answer(reading: Reading[CriteriaDef], proposal: Proposal) -> dict[str, Any]:
    text = proposal_text(reading.value, proposal)
    asked = [question for question in reading.value.questions if question.key in proposal.open]
    return {
        "version": reading.number,
        "severity": proposal.severity,
        "impact": proposal.impact,
        "urgency": proposal.urgency,
        "unclear": proposal.unclear,
        "escalate": proposal.escalate,
        "says": text.says,
        "because": text.unclear or text.because,
        "missing": list(proposal.missing),
        "open": [{"key": one.key, "text": str(one.text), "answer": one.answer.value} for one in asked],
        "trace": next((trace_dump(one.trace) for one in proposal.because), None),
    }


def judged_by_answers(values: dict[str, Any]) -> Judged:
    """What a new incident is given; takes what concerns the criteria out of ``values``, which keep the rest.

    Without answers nothing is asked of the criteria: the severity is the one given, or the service's. Raises DomainError naming
    the field at fault.
    """
    answered = {name: values.pop(name, None) for name in ("answers", "rest_no", "why")}
    chosen, service = values.pop("severity", None), values["service"]
    facts = values.pop("facts", None) or {}
    impact, urgency = values.pop("impact", None), values.pop("urgency", None)
    if not answered["answers"] and not answered["rest_no"]:
        return Judged(chosen or service.default_severity, impact, urgency, dict(facts))
    reading = book_read(CRITERIA)
    proposal = _proposal(reading, answered, service)
    found = judged(reading, proposal, chosen=chosen, why=answered["why"] or "", otherwise=service.default_severity)
    return Judged(
        found.severity, impact or found.impact, urgency or found.urgency, {**facts, **found.facts}, found.wish
    )


def assess(
    *, incident_id: int, answers: Mapping[str, Any] | None = None, severity: int | None, **values: Any
) -> Incident:
    """As `incident_assess`, with answers as the API takes them."""
    reading = book_read(CRITERIA)
    return incident_assess(
        incident_id=incident_id,
        reading=reading,
        answers=answers_read(reading.value, answers or {}),
        chosen=severity,
        **values,
    )
