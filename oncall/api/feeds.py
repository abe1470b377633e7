"""One's own calendar feeds over the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from oncall.api.exchange_serializers import FeedSerializer, MadeFeedSerializer, NewFeedSerializer, Nothing
from oncall.calendars import feeds
from oncall.models import CalendarFeed


class CalendarFeedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CalendarFeed]):
    """Addresses that calendar programs subscribe to."""

    queryset = CalendarFeed.objects.none()
    serializer_class = FeedSerializer
    permission_classes = (Staff,)
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[CalendarFeed]:
        user: Any = self.request.user
        found = CalendarFeed.objects.select_related("schedule", "owner").order_by("-created_at", "-id")
        return found.none() if getattr(self, "swagger_fake_view", False) else found.filter(owner=user)

    @extend_schema(request=NewFeedSerializer, responses={201: MadeFeedSerializer})
    def create(self, request: Request) -> Response:
        """Make one. The address is in this answer only."""
        user: Any = request.user
        values = asked(NewFeedSerializer, request)
        feed, plain = feeds.feed_create(owner=user, schedule=values["schedule"], actor=user, at=now())
        made = {**FeedSerializer(feed).data, "url": feeds.feed_url(plain)}
        return Response(made, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(request=Nothing, responses=FeedSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End it at once."""
        user: Any = request.user
        return Response(FeedSerializer(feeds.feed_revoke(feed=self.get_object(), actor=user, at=now())).data)
