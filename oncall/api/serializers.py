"""People, teams and schedules as JSON."""

from typing import Any

from rest_framework import serializers

from oncall.models import Schedule, Team, User


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
    """One person's place on a schedule from ``start`` until ``end``. ``why`` names the layer's rotation or the override."""

    person = PersonSerializer()
    role = serializers.CharField()
    why = serializers.CharField()
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
