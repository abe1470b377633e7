"""Dashboards over the API: own ones and those shared with the caller, with their cards."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import OfRole
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from oncall.models import Team, User
from reports.boards import boards_of, dashboard_change, dashboard_create, dashboard_delete
from reports.cards import FIRST, CardInvalid, CardSpec, Drawn, card_parse
from reports.models import Dashboard


class ReportReader(OfRole):
    """Whoever reads reports on the pages."""

    roles = frozenset({"manager", "auditor", "administrator"})


class CardSerializer(serializers.Serializer[Any]):
    """A card: what it counts, how it is drawn, by what. docs/metrics.md names the metrics."""

    kind = serializers.ChoiceField(choices=[(one.value, one.value) for one in Drawn])
    metric = serializers.CharField(
        max_length=40,
        help_text="The key of a metric, “incidents”, “pages”, “alerts”, “tasks”, “tasks_late” or “worked”; of words what they tell.",
    )
    dimension = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of bars, pies and tables: team, service … or custom_<key> of a question of the house’s own.",
    )
    wide = serializers.BooleanField(required=False, default=False)


class DashboardSerializer(serializers.ModelSerializer[Dashboard]):
    """Cards in their order, with the filters of an address."""

    owner = PersonSerializer(read_only=True)
    team: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    cards = CardSerializer(many=True, read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Dashboard
        fields = ("id", "name", "owner", "query", "cards", "shared", "team", "url", "created_at")
        read_only_fields = fields

    def get_url(self, board: Dashboard) -> str:
        return f"/reports/boards/{board.pk}/"


class DashboardChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays. ``team`` goes with ``shared: team``."""

    name = serializers.CharField(max_length=60, required=False)
    query = serializers.CharField(
        max_length=4000, required=False, allow_blank=True, help_text="The filters, as in the address of the page."
    )
    cards = CardSerializer(many=True, required=False)
    shared = serializers.ChoiceField(choices=Dashboard.Shared.choices, required=False)
    team = serializers.SlugRelatedField(slug_field="slug", queryset=Team.objects.all(), required=False, allow_null=True)


class NewDashboardSerializer(DashboardChangeSerializer):
    name = serializers.CharField(max_length=60)


class DashboardViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Dashboard]):
    """The caller's own dashboards, those of their teams, and everybody's."""

    queryset = Dashboard.objects.none()
    serializer_class = DashboardSerializer
    permission_classes = (ReportReader,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Dashboard]:
        return (
            Dashboard.objects.none() if getattr(self, "swagger_fake_view", False) else boards_of(_caller(self.request))
        )

    @extend_schema(request=NewDashboardSerializer, responses={201: DashboardSerializer})
    def create(self, request: Request) -> Response:
        """Keep one; without ``cards`` it begins with the usual ones."""
        given, owner, at = asked(NewDashboardSerializer, request), _caller(request), now()
        cards = cards_of(given["cards"]) if "cards" in given else FIRST
        with transaction.atomic():
            board = dashboard_create(owner=owner, name=given["name"], query=given.get("query", ""), cards=cards, at=at)
            if "shared" in given:
                board = dashboard_change(
                    board=board, actor=owner, shared=given["shared"], team=given.get("team"), at=at
                )
        return Response(DashboardSerializer(board).data, status=201)

    @extend_schema(request=DashboardChangeSerializer, responses={200: DashboardSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename it, share it otherwise, give it other filters or cards. Only whoever made it; what everybody sees, administrators too."""
        board, given = self.get_object(), asked(DashboardChangeSerializer, request)
        if "cards" in given:
            given["cards"] = cards_of(given["cards"])
        if "team" in given:
            given.setdefault("shared", board.shared)
        board = dashboard_change(board=board, actor=_caller(request), at=now(), **given)
        return Response(DashboardSerializer(board).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Take it away, for everybody it was shared with."""
        dashboard_delete(board=self.get_object(), actor=_caller(request), at=now())
        return Response(status=204)


def cards_of(documents: Sequence[dict[str, Any]]) -> list[CardSpec]:
    """The cards. Raises DomainError naming the first that cannot be drawn, and what of it is at fault."""
    found = []
    for place, document in enumerate(documents):
        try:
            found.append(card_parse(document))
        except CardInvalid as error:
            raise DomainError(_("This card cannot be drawn so."), field=f"cards[{place}].{error.field}") from error
    return found


def _caller(request: Request) -> User:
    user: Any = request.user
    found: User = user
    return found
