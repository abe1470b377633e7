"""One shape for every refusal: ``{"error": {"code", "message", "field"}}``.

``code`` is stable for machines, ``message`` is in the caller's language, ``field`` names the input at fault or is empty.
Where several inputs are at fault, ``errors`` lists them all in the same shape and ``error`` is the first.
"""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed

Refusal = dict[str, str]


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER; None lets a fault of ours become a 500."""
    if isinstance(error, DomainError):
        set_rollback()
        return Response({"error": _refusal(error.code, str(error.message), error.field)}, status=status_of(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        found = list(_flat(error.get_full_details()))
        response.data = {"error": found[0], **({"errors": found} if len(found) > 1 else {})}
    else:
        response.data = {"error": _refusal(_code(error), _message(response), "")}
    return response


def status_of(error: DomainError) -> int:
    """403 for what the person may not do, 409 for what changed meanwhile, 400 for the rest."""
    match error:
        case NotAllowed():
            return 403
        case Conflict():
            return 409
        case _:
            return 400


def _refusal(code: str, message: str, field: str) -> Refusal:
    return {"code": code, "message": message, "field": field}


def _code(error: Exception) -> str:
    match error:
        case Http404():
            return "not_found"
        case PermissionDenied():
            return "not_allowed"
        case exceptions.APIException():
            codes = error.get_codes()
            return codes if isinstance(codes, str) else "refused"
        case _:
            return "refused"


def _message(response: Response) -> str:
    data: Any = response.data
    return str(data.get("detail", "")) if isinstance(data, dict) else str(data)


def _flat(details: Any, field: str = "") -> Iterator[Refusal]:
    """The leaves of DRF's nested details, each with the path of its field."""
    if isinstance(details, list):
        for one in details:
            yield from _flat(one, field)
    elif "message" in details and "code" in details and isinstance(details["message"], str):
        yield _refusal(str(details["code"]), str(details["message"]), field)
    else:
        for name, inner in details.items():
            path = field if name == "non_field_errors" else f"{field}.{name}" if field else str(name)
            yield from _flat(inner, path)
