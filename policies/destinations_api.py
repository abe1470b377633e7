"""Destinations over the API: what is told besides people. Addresses and secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError as ModelRefusal
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from audit.services import Actor
from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import NotAllowed
from escalation_site.kernel.instants import now
from notifications.models import Destination
from notifications.services.destinations import destination_set
from oncall.api.asking import asked
from oncall.models import User


class DestinationSerializer(serializers.ModelSerializer[Destination]):
    """A chat channel or a webhook. ``host`` is what of its address may be shown."""

    class Meta:
        model = Destination
        fields = ("slug", "name", "kind", "host", "enabled", "carries_restricted", "buttons")
        read_only_fields = fields


class DestinationChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays. ``address`` is where to post, ``secret`` what a webhook is signed with (24 characters at
    least; without one it gets a random one that nobody sees)."""

    name = serializers.CharField(max_length=80, required=False)
    address = serializers.CharField(max_length=2000, required=False, write_only=True)
    secret = serializers.CharField(max_length=200, required=False, write_only=True)
    enabled = serializers.BooleanField(required=False)
    carries_restricted = serializers.BooleanField(required=False)
    buttons = serializers.BooleanField(required=False)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NewDestinationSerializer(DestinationChangeSerializer):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=Destination.Kind.choices)
    address = serializers.CharField(max_length=2000, write_only=True)


class DestinationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Destination]):
    """Destinations: read by staff, written by administrators."""

    queryset = Destination.objects.order_by("name")
    serializer_class = DestinationSerializer
    permission_classes = (Staff,)
    lookup_field = "slug"

    @extend_schema(request=NewDestinationSerializer, responses={201: DestinationSerializer})
    def create(self, request: Request) -> Response:
        """Make a destination."""
        _require_administrator(request)
        return _saved(request, Destination(), asked(NewDestinationSerializer, request), status=201)

    @extend_schema(request=DestinationChangeSerializer, responses={200: DestinationSerializer})
    def update(self, request: Request, slug: str, **options: Any) -> Response:
        """Change it. What waits to be posted goes to the new address."""
        _require_administrator(request)
        return _saved(request, self.get_object(), asked(DestinationChangeSerializer, request))

    @extend_schema(request=DestinationChangeSerializer, responses={200: DestinationSerializer})
    def partial_update(self, request: Request, slug: str, **options: Any) -> Response:
        """As PUT: what is left out stays."""
        return self.update(request, slug)


def _require_administrator(request: Request) -> None:
    actor: Any = request.user
    if actor.role != User.Role.ADMINISTRATOR:
        raise NotAllowed(_("Only administrators say where incidents are posted."))


def _saved(request: Request, destination: Destination, values: Mapping[str, Any], *, status: int = 200) -> Response:
    user: Any = request.user
    wanted = {name: value for name, value in values.items() if name not in ("reason", "address", "secret")}
    try:
        destination_set(
            destination=destination,
            values=wanted,
            address=values.get("address"),
            secret=values.get("secret"),
            at=now(),
            actor=Actor("user", str(user.pk), user.name),
            user=user,
            data={"reason": values["reason"]} if values["reason"] else None,
        )
    except ModelRefusal as error:
        raise serializers.ValidationError(error.message_dict) from error
    return Response(DestinationSerializer(destination, context={"request": request}).data, status=status)
