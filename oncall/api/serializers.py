"""People, teams and schedules as JSON."""

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from oncall.api.definitions import Names, definition_shown
from oncall.loading import people_of
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota_document import DocumentInvalid, document_dump, document_load


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person as others see them."""

    class Meta:
        model = User
        fields = ("username", "name")
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("slug", "name")
        read_only_fields = fields


class ScheduleSerializer(serializers.ModelSerializer[Schedule]):
    team = TeamSerializer(read_only=True, allow_null=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Schedule
        fields = ("slug", "name", "team", "time_zone", "url")
        read_only_fields = fields


class ShiftSerializer(serializers.Serializer[Any]):
    """One person's place on a schedule from ``start`` until ``end``.

    ``why`` is layer, override, swap, cover or holiday_cover; ``layer`` names the rotation served, empty where an override stands
    for none. ``instead_of`` is whom an absence or a replacement took off that turn.
    """

    person = PersonSerializer()
    role = serializers.CharField()
    why = serializers.CharField()
    layer = serializers.CharField(allow_blank=True)
    instead_of = PersonSerializer(allow_null=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class HolderSerializer(serializers.Serializer[Any]):
    """Somebody on call; ``until`` is null where no end is in sight."""

    person = PersonSerializer(source="user")
    role = serializers.CharField()
    why = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class OnCallSerializer(serializers.Serializer[Any]):
    """A schedule and who holds it."""

    schedule = ScheduleSerializer()
    holders = HolderSerializer(many=True)


class ScheduleDetailSerializer(serializers.ModelSerializer[Schedule]):
    """One schedule with what its newest version says; people by user name, teams by slug. Null before its first version."""

    team = TeamSerializer(read_only=True, allow_null=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    version = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = ("slug", "name", "team", "time_zone", "url", "version", "definition")
        read_only_fields = fields

    @cached_property
    def _newest(self) -> ScheduleVersion | None:
        schedule: Any = self.instance
        found: ScheduleVersion | None = schedule.versions.order_by("-number").first()
        return found

    def get_version(self, schedule: Schedule) -> int | None:
        return self._newest.number if self._newest else None

    def get_definition(self, schedule: Schedule) -> dict[str, Any] | None:
        return definition_shown(self._newest.definition, Names.read()) if self._newest else None


class VersionSerializer(serializers.ModelSerializer[ScheduleVersion]):
    """What a schedule said from an instant on. ``names`` is in the context."""

    author = PersonSerializer(read_only=True, allow_null=True)
    definition = serializers.SerializerMethodField()

    class Meta:
        model = ScheduleVersion
        fields = ("number", "effective_from", "author", "reason", "created_at", "definition")
        read_only_fields = fields

    def get_definition(self, version: ScheduleVersion) -> dict[str, Any]:
        return definition_shown(version.definition, self.context["names"])


class DefinitionField(serializers.JSONField):
    """A definition as `apply` takes it: people by user name or id, teams by slug or id. Gives the one that is stored."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        names = Names.read()
        try:
            spec = document_load(
                super().to_internal_value(data), resolve_user=names.user_ids.get, resolve_team=names.team_ids.get
            )
        except DocumentInvalid as error:
            found: dict[str, list[str]] = {}
            for problem in error.problems:
                found.setdefault(problem.path or "non_field_errors", []).append(problem.message)
            raise serializers.ValidationError(found) from error
        strangers = sorted(people_of(spec) - names.users.keys())
        if strangers:
            raise serializers.ValidationError(_("There is nobody with the id %(id)s.") % {"id": strangers[0]})
        return document_dump(spec)


class EffectSerializer(serializers.Serializer[Any]):
    """When a definition takes effect, and why: now, unless said otherwise."""

    effective_from = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class NewScheduleSerializer(EffectSerializer):
    """A schedule with its first version."""

    name = serializers.CharField(max_length=100)
    team = serializers.SlugRelatedField(
        slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True, default=None
    )
    definition = DefinitionField()


class ScheduleChangeSerializer(EffectSerializer):
    """What is left out stays. ``base`` is the number of the version the change stems from: a newer one is a conflict.

    A change that leaves nobody on call on a path in use is refused, naming the gaps, unless ``accept_gaps``.
    """

    name = serializers.CharField(max_length=100, required=False)
    team = serializers.SlugRelatedField(slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True)
    definition = DefinitionField(required=False)
    base = serializers.IntegerField(min_value=0, required=False)
    accept_gaps = serializers.BooleanField(required=False, default=False)


class GapSerializer(serializers.Serializer[Any]):
    """A role nobody holds; ``cause`` is unassigned, closed, empty_slot, absent or removed."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    role = serializers.CharField()
    cause = serializers.CharField()


class OverlapSerializer(serializers.Serializer[Any]):
    """Several people in one role (same_role), or one person in several (same_person)."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    kind = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    people = PersonSerializer(many=True)


class CoverageSerializer(serializers.Serializer[Any]):
    """How much of the range somebody held the role, in seconds, and as a part from 0 to 1."""

    role = serializers.CharField()
    covered_seconds = serializers.IntegerField()
    total_seconds = serializers.IntegerField()
    ratio = serializers.FloatField()


class PlaceSerializer(serializers.Serializer[Any]):
    person = PersonSerializer()
    role = serializers.CharField()


class NextHandoffSerializer(serializers.Serializer[Any]):
    """When the people on call next change; null where no change is in sight."""

    at = serializers.DateTimeField(allow_null=True)
    outgoing = PlaceSerializer(many=True)
    incoming = PlaceSerializer(many=True)
