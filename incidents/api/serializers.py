"""Incidents as JSON, and what each action on them asks for."""

from typing import Any

from rest_framework import serializers

from incidents.api.criteria import AnswersSerializer
from incidents.causes import Cause
from incidents.custom_fields import answers_of
from incidents.models import Alert, Category, Customer, EscalationRun, Incident, Service, Stage
from incidents.permissions import restricted_read
from oncall.api.serializers import PersonSerializer, TeamSerializer
from oncall.models import Team, User
from policies.severity import Severity


class RunSerializer(serializers.ModelSerializer[EscalationRun]):
    """Where an incident stands in its policy. ``level`` counts from 1; ``next_due_at`` is null where nothing is due."""

    policy = serializers.CharField(source="policy_version.policy.slug")
    policy_version = serializers.IntegerField(source="policy_version.number")
    level = serializers.SerializerMethodField()

    class Meta:
        model = EscalationRun
        fields = ("policy", "policy_version", "phase", "level", "cycle", "next_due_at")
        read_only_fields = fields

    def get_level(self, run: EscalationRun) -> int:
        return run.level + 1


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """An incident whose service, team, stage, owner, reporter and ``current_runs`` are loaded."""

    service: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    team = TeamSerializer(read_only=True)
    stage: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="key", read_only=True)
    owner = PersonSerializer(read_only=True, allow_null=True)
    reporter = PersonSerializer(read_only=True, allow_null=True)
    overseer = PersonSerializer(read_only=True, allow_null=True)
    escalation = serializers.SerializerMethodField()
    category: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    customer: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    custom = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Incident
        fields = (
            "id", "reference", "url", "title", "summary", "severity", "impact", "urgency", "priority", "category",
            "customer", "custom", "facts", "state",
            "stage", "service", "team", "environment", "source", "detection", "customer_impact", "owner", "reporter",
            "restricted", "is_test", "started_at", "acknowledged_at", "sla_due_at", "mitigated_at", "resolved_at", "closed_at",
            "snoozed_until", "exhausted_at", "major_at", "overseer", "resolution", "alert_count", "escalation",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Incident) -> Any:
        restricted_read(instance)
        return super().to_representation(instance)

    def get_escalation(self, incident: Incident) -> dict[str, Any] | None:
        """Where it stands in its policy; null without one."""
        runs: list[EscalationRun] = getattr(incident, "current_runs", [])
        return dict(RunSerializer(runs[0]).data) if runs else None

    def get_custom(self, incident: Incident) -> dict[str, Any]:
        """The answers to the house's own fields, by key, each of its field's type."""
        return answers_of(incident)


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """What one monitor says, from its first firing to its recovery."""

    integration: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Alert
        fields = (
            "id", "integration", "dedup_key", "summary", "severity_word", "labels", "details", "link",
            "started_at", "received_at", "last_received_at", "resolved_at", "count",
        )  # fmt: skip
        read_only_fields = fields


class ServiceSerializer(serializers.ModelSerializer[Service]):
    team = TeamSerializer(read_only=True)
    policy: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Service
        fields = (
            "slug", "name", "description", "team", "policy", "tier", "region", "environment", "default_severity",
            "revenue_flow", "high_risk", "regulated", "runbook_url", "url",
        )  # fmt: skip
        read_only_fields = fields


class NewIncidentSerializer(AnswersSerializer):
    """What filing an incident asks for. Without a severity it gets the one that the answers propose, and without answers its
    service's. ``why`` is needed for a severity milder than the proposed one. ``facts`` are by the names that conditions use."""

    title = serializers.CharField(max_length=200)
    service = serializers.SlugRelatedField(
        slug_field="slug", queryset=Service.objects.select_related("team", "policy__current_version")
    )
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    summary = serializers.CharField(default="", allow_blank=True, max_length=20_000)
    customer_impact = serializers.CharField(default="", allow_blank=True, max_length=20_000)
    environment = serializers.CharField(default="", allow_blank=True, max_length=40)
    detection = serializers.ChoiceField(choices=Incident.Detection.choices, default=Incident.Detection.STAFF)
    restricted = serializers.BooleanField(default=False)
    is_test = serializers.BooleanField(default=False)
    why = serializers.CharField(default="", allow_blank=True, max_length=1_000)
    impact = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=5)
    urgency = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=5)
    facts = serializers.DictField(required=False)
    category: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", queryset=Category.objects.filter(active=True), required=False, allow_null=True
    )
    customer: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", queryset=Customer.objects.filter(active=True), required=False, allow_null=True
    )
    custom = serializers.DictField(required=False)


class EmptySerializer(serializers.Serializer[Any]):
    """Asks for nothing."""


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class EscalateSerializer(ReasonSerializer):
    cause = serializers.ChoiceField(choices=Cause.choices, default=Cause.OTHER, help_text="What it is needed for.")


class ResolutionSerializer(serializers.Serializer[Any]):
    resolution = serializers.CharField(default="", allow_blank=True, max_length=20_000)


class CommentSerializer(serializers.Serializer[Any]):
    """Markdown. ``public``: its requester reads it too; what a reporter says always is."""

    text = serializers.CharField(max_length=20_000)
    public = serializers.BooleanField(default=False)


class SnoozeSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField()


class SeveritySerializer(serializers.Serializer[Any]):
    """``seen``, where given, is the severity that the caller decided on: 409 when it is another by now."""

    severity = serializers.ChoiceField(choices=Severity.choices)
    reason = serializers.CharField(max_length=2000)
    seen = serializers.ChoiceField(choices=Severity.choices, required=False)


class ReassignSerializer(serializers.Serializer[Any]):
    """``admit`` shows a restricted incident to an owner who does not see it; without it that is refused."""

    owner = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.filter(is_active=True))
    note = serializers.CharField(default="", allow_blank=True, max_length=2_000)
    admit = serializers.BooleanField(default=False)


class TeamMoveSerializer(serializers.Serializer[Any]):
    """``seen`` is the slug of the team that the caller believes to have it: 409 where another has it by now."""

    team = serializers.SlugRelatedField(slug_field="slug", queryset=Team.objects.all())
    reason = serializers.CharField(max_length=1_000)
    seen = serializers.CharField(required=False, max_length=100)


class StageMoveSerializer(serializers.Serializer[Any]):
    """``override`` is the reason for passing over what must be there first; ``seen`` the key of the stage that the caller knows of:
    409 where it is in another by now."""

    stage = serializers.SlugRelatedField(slug_field="key", queryset=Stage.objects.all())
    override = serializers.CharField(default="", allow_blank=True, max_length=2000)
    seen = serializers.CharField(required=False, max_length=100)


class CloseSerializer(serializers.Serializer[Any]):
    """``override`` is the reason for passing over what must be there first."""

    override = serializers.CharField(default="", allow_blank=True, max_length=2000)


class ClassifySerializer(serializers.Serializer[Any]):
    """What kind it is and whom it hits; null for nobody and nothing. Answers that are not given stay, null ones go."""

    category: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", queryset=Category.objects.filter(active=True), allow_null=True
    )
    customer: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", queryset=Customer.objects.filter(active=True), allow_null=True
    )
    custom = serializers.DictField(default=dict)
