"""Saved views over the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.instants import now
from incidents.models import SavedView
from incidents.selectors.saved import address_of, views_seen
from incidents.services.saved_views import view_change, view_copy, view_delete, view_save
from oncall.models import Team


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """``query`` is what follows the question mark in the address of its page."""

    owner: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="username", read_only=True)
    team: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True
    )
    url = serializers.SerializerMethodField()

    class Meta:
        model = SavedView
        fields = ("id", "name", "place", "query", "shared", "team", "owner", "url", "created_at")
        read_only_fields = ("created_at",)
        # The service says what is wrong, the same words as on the page.
        validators = ()

    def get_url(self, view: SavedView) -> str:
        return address_of(view)


class SavedViewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SavedView]):
    """The caller's own views and those shared with them."""

    queryset = SavedView.objects.none()
    serializer_class = SavedViewSerializer
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[SavedView]:
        user: Any = self.request.user
        if getattr(self, "swagger_fake_view", False):
            return SavedView.objects.none()
        found = SavedView.objects.filter(views_seen(user)).select_related("owner", "team")
        return found.distinct().order_by("name", "id")

    @extend_schema(responses={201: SavedViewSerializer})
    def create(self, request: Request) -> Response:
        """Keep filters under a name."""
        user: Any = request.user
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = {"place": SavedView.Place.LIST, "query": "", **asked.validated_data}
        return Response(self.get_serializer(view_save(owner=user, at=now(), **given)).data, status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename it, share it otherwise, or let it keep other filters."""
        user: Any = request.user
        view = self.get_object()
        asked = self.get_serializer(view, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        values = {name: asked.validated_data.get(name) for name in ("name", "query", "shared", "team")}
        return Response(self.get_serializer(view_change(view=view, actor=user, at=now(), **values)).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Take it away, for everybody it was shared with."""
        user: Any = request.user
        view_delete(view=self.get_object(), actor=user, at=now())
        return Response(status=204)

    @extend_schema(request=None, responses={201: SavedViewSerializer})
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, pk: str) -> Response:
        """A view of the caller's own with the same filters."""
        user: Any = request.user
        return Response(self.get_serializer(view_copy(view=self.get_object(), actor=user, at=now())).data, status=201)
