"""When people were paged last, for round robin (``policies.ports``)."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Max

from incidents.models import Page


def last_paged(user_ids: Collection[int]) -> Mapping[int, datetime]:
    """By user id; whoever never was is missing. One query."""
    pages = Page.objects.filter(recipient__in=user_ids).order_by().values_list("recipient")
    return dict(pages.annotate(last=Max("created_at")))
