"""The same door as ordinary Django views, for servers that run without the ASGI fast path."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from incidents.intake.fast import Arrival, store_arrivals


def _respond(arrival: Arrival) -> HttpResponse:
    answer = store_arrivals([arrival])[0]
    return HttpResponse(answer.content, status=answer.status, content_type="application/json")


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """PagerDuty's Events API v2."""
    return _respond(Arrival("", "", request.body))


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """A monitor's webhook, told apart by kind and key."""
    return _respond(Arrival(kind, key, request.body))
