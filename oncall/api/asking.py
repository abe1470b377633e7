"""What requests ask for, read and checked: instants, ranges, bodies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from escalation_site.kernel.errors import DomainError

LONGEST = timedelta(days=92)
USUAL = timedelta(days=14)


def instant(request: Request, name: str, default: datetime) -> datetime:
    """The instant of a query parameter. Raises DomainError unless it is ISO 8601 with an offset."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        # A "+" that was not encoded arrives as a space.
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or is_naive(found):
        raise DomainError(_("Give a time with its offset, such as 2026-11-22T03:09:00Z."), field=name)
    return found


def span(request: Request, at: datetime) -> tuple[datetime, datetime]:
    """``since`` and ``until`` of the query. Raises DomainError for a range that is empty or longer than LONGEST."""
    since = instant(request, "since", at)
    until = instant(request, "until", since + USUAL)
    if not since < until <= since + LONGEST:
        raise DomainError(_("The end must come after the start, by 92 days at most."), field="until")
    return since, until


def asked(serializer_class: type[serializers.Serializer[Any]], request: Request, **context: Any) -> dict[str, Any]:
    """The body as ``serializer_class`` understands it. Raises ValidationError naming every field at fault."""
    serializer = serializer_class(data=request.data, context={"request": request, **context})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


@contextmanager
def fields_named(**names: str) -> Iterator[None]:
    """Let a refusal name the field as the API calls it, where the service calls it otherwise."""
    try:
        yield
    except DomainError as error:
        error.field = names.get(error.field, error.field)
        raise


def moment(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.DATETIME, description=description)


SPAN = [
    moment("since", "From when; now, unless given."),
    moment("until", "Until when; 14 days after since, unless given, and at most 92."),
]
