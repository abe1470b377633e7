"""Overrides, absences, swaps, feeds and workload as JSON, and what making each asks for."""

from typing import Any

from rest_framework import serializers

from oncall.api.serializers import PersonSerializer
from oncall.models import Absence, CalendarFeed, Override, Schedule, Swap, SwapAsk, User
from oncall.permissions import responders

Slug = serializers.SlugRelatedField


class Nothing(serializers.Serializer[Any]):
    """Asks for nothing."""


class WindowSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class OverrideSerializer(serializers.ModelSerializer[Override]):
    """Somebody takes a window. An override that was ended early ends then; one that was taken back has ``cancelled_at``."""

    schedule: Slug[Any] = Slug(slug_field="slug", read_only=True)
    person = PersonSerializer(source="user", read_only=True)
    replaces = PersonSerializer(read_only=True, allow_null=True)
    created_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Override
        fields = (
            "id", "schedule", "kind", "person", "replaces", "role", "cause", "start", "end", "reason", "created_by",
            "created_at", "cancelled_at",
        )  # fmt: skip
        read_only_fields = fields


class NewOverrideSerializer(WindowSerializer):
    """``kind`` is cover, replace, add or remove; ``role`` empty: the first one. Gaps it opens want ``accept_gaps``."""

    schedule = Slug(slug_field="slug", queryset=Schedule.objects.select_related("team"))
    person = Slug(slug_field="username", queryset=User.objects.filter(is_active=True))
    kind = serializers.ChoiceField(choices=Override.Kind.choices, default=Override.Kind.COVER)
    replaces = Slug(slug_field="username", queryset=User.objects.all(), required=False, allow_null=True, default=None)
    role = serializers.CharField(required=False, allow_blank=True, default="", max_length=32)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    accept_gaps = serializers.BooleanField(required=False, default=False)


class AbsenceSerializer(serializers.ModelSerializer[Absence]):
    person = PersonSerializer(source="user", read_only=True)
    decided_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Absence
        fields = (
            "id", "person", "kind", "state", "start", "end", "reason", "created_at", "decided_by", "decided_at",
        )  # fmt: skip
        read_only_fields = fields


class NewAbsenceSerializer(WindowSerializer):
    """``person`` is oneself, unless given."""

    person = Slug(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        default=None,
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class AskSerializer(serializers.ModelSerializer[SwapAsk]):
    person = PersonSerializer(source="user", read_only=True)

    class Meta:
        model = SwapAsk
        fields = ("person", "answer", "answered_at")
        read_only_fields = fields


class SwapSerializer(serializers.ModelSerializer[Swap]):
    """A window on offer; with ``return_start`` an exchange. ``state`` says what became of it."""

    schedule: Slug[Any] = Slug(slug_field="slug", read_only=True)
    requester = PersonSerializer(read_only=True)
    accepted_by = PersonSerializer(read_only=True, allow_null=True)
    decided_by = PersonSerializer(read_only=True, allow_null=True)
    asks = AskSerializer(many=True, read_only=True)

    class Meta:
        model = Swap
        fields = (
            "id", "schedule", "role", "requester", "start", "end", "return_start", "return_end", "note", "state", "asks",
            "accepted_by", "decided_by", "created_at", "expires_at", "settled_at",
        )  # fmt: skip
        read_only_fields = fields


class NewSwapSerializer(WindowSerializer):
    """``asked`` are the people who may take it; with ``return_start`` and ``return_end`` one of them gives that in return."""

    schedule = Slug(slug_field="slug", queryset=Schedule.objects.select_related("team"))
    role = serializers.CharField(max_length=32)
    asked = Slug(slug_field="username", queryset=responders(), many=True, allow_empty=False)
    return_start = serializers.DateTimeField(required=False, allow_null=True, default=None)
    return_end = serializers.DateTimeField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class FeedSerializer(serializers.ModelSerializer[CalendarFeed]):
    """``schedule`` null: the owner's own shifts. ``ends_with`` tells addresses apart; they are stored nowhere."""

    schedule: Slug[Any] = Slug(slug_field="slug", read_only=True, allow_null=True)
    ends_with = serializers.CharField(source="hint", read_only=True)

    class Meta:
        model = CalendarFeed
        fields = ("id", "schedule", "ends_with", "created_at", "last_used_at", "revoked_at")
        read_only_fields = fields


class MadeFeedSerializer(FeedSerializer):
    """With the address, this once."""

    url = serializers.CharField(read_only=True)

    class Meta:
        model = CalendarFeed
        fields = ("id", "schedule", "ends_with", "created_at", "last_used_at", "revoked_at", "url")
        read_only_fields = fields


class NewFeedSerializer(serializers.Serializer[Any]):
    schedule = Slug(slug_field="slug", queryset=Schedule.objects.all(), required=False, allow_null=True, default=None)


class LoadSerializer(serializers.Serializer[Any]):
    """One person's time on call in the days asked for, in hours; ``pages`` null where these are ahead."""

    person = PersonSerializer(source="user")
    hours = serializers.FloatField()
    nights = serializers.FloatField()
    weekends = serializers.FloatField()
    holidays = serializers.FloatField()
    stretches = serializers.IntegerField()
    over_limit = serializers.BooleanField(source="bar.is_over")
    pages = serializers.IntegerField(allow_null=True)


class ScoreSerializer(serializers.Serializer[Any]):
    of = serializers.CharField(source="label")
    value = serializers.IntegerField()
    sentence = serializers.CharField()


class FairnessSerializer(serializers.Serializer[Any]):
    """How evenly a schedule is shared: 100, everybody bears the same; 0, one bears all."""

    schedule = serializers.CharField(source="schedule.slug")
    scores = ScoreSerializer(many=True)
    reasons = serializers.ListField(child=serializers.CharField())


class WorkloadSerializer(serializers.Serializer[Any]):
    """``first`` and ``last`` are days, on each person's own clock."""

    first = serializers.DateField()
    last = serializers.DateField()
    people = LoadSerializer(many=True)
    fairness = FairnessSerializer(many=True)
