"""The ledger over the API: to read, newest first, page by page by key."""

import django_filters
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import mixins, serializers, viewsets
from rest_framework.pagination import CursorPagination

from audit.models import LedgerEntry
from escalation_site.api.permissions import LedgerReader


class LedgerEntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    class Meta:
        model = LedgerEntry
        fields = (
            "id", "at", "action_id", "action", "actor_kind", "actor_id", "actor_label", "source", "address",
            "object_type", "object_id", "object_label", "subject", "before", "after", "data",
        )  # fmt: skip
        read_only_fields = fields


class LedgerEntryFilter(django_filters.FilterSet):  # type: ignore[misc]  # carries no types
    """Each has an index; ``subject`` is, for example, incident:42."""

    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = LedgerEntry
        fields = ("action", "subject", "actor_id")


class ByKey(CursorPagination):
    """The ledger only grows at one end, and is never counted: pages are found by the entry they begin after."""

    page_size = 100
    ordering = "-id"


class LedgerEntryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LedgerEntry]):
    """What happened, who did it, what it was before and after."""

    queryset = LedgerEntry.objects.all()
    serializer_class = LedgerEntrySerializer
    permission_classes = (LedgerReader,)
    pagination_class = ByKey
    filter_backends = (DjangoFilterBackend,)
    filterset_class = LedgerEntryFilter
