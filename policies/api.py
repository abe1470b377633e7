"""Escalation policies over the API: to read. They are changed in the admin and by `manage.py apply`."""

from typing import Any

from rest_framework import mixins, serializers, viewsets

from escalation_site.api.permissions import Staff
from policies.models import EscalationPolicy


class PolicySerializer(serializers.ModelSerializer[EscalationPolicy]):
    """A policy with what its current version says; both null before its first version."""

    team: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    version = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = EscalationPolicy
        fields = ("slug", "name", "description", "team", "version", "definition", "url")
        read_only_fields = fields

    def get_version(self, policy: EscalationPolicy) -> int | None:
        return policy.current_version.number if policy.current_version else None

    def get_definition(self, policy: EscalationPolicy) -> dict[str, Any] | None:
        return policy.current_version.definition if policy.current_version else None


class PolicyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[EscalationPolicy]):
    """Who is told, when, and how responsibility moves on."""

    queryset = EscalationPolicy.objects.select_related("team", "current_version").order_by("name")
    serializer_class = PolicySerializer
    permission_classes = (Staff,)
    lookup_field = "slug"
