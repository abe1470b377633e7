"""How the pages answer: a whole page or a fragment of it, and refusals with their status."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (and not for the whole of it after a lost history entry)."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The template ``fragment`` for htmx, ``page`` for everybody else; a cache keeps them apart."""
    response = render(request, fragment if wants_fragment(request) else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


class SeeOther(HttpResponseRedirect):
    """After a change: what follows is read with GET, so that reloading it never repeats the change."""

    status_code = 303


def see_other(address: str) -> HttpResponse:
    """A redirect to read ``address``."""
    return SeeOther(address)


def status_of(error: DomainError) -> int:
    """403 for what a person may not do, 409 for what changed meanwhile, 422 for what has to be mended."""
    match error:
        case NotAllowed():
            return 403
        case Conflict():
            return 409
        case _:
            return 422


def tell_refusal(request: HttpRequest, error: DomainError) -> None:
    """Put the reason where the next page or fragment shows it."""
    messages.error(request, error.message)
