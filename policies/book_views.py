"""The books of the house: what each says, every version with what it changed, and putting an earlier one in force again."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from policies.book_pages.history import (
    document_of,
    history_of,
    value_of,
    version_numbered,
    versions_compared,
)
from policies.book_pages.permissions import may_edit_books
from policies.book_pages.shelf import BOOKS, Book
from policies.books import BookEditedMeanwhile, book_publish
from policies.models import BookVersion
from policies.reading import DefinitionInvalid
from policies.views import READERS

MAX_REASON = 200


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def history(request: HttpRequest, book: str) -> HttpResponse:
    """Who published what, when and why; ``?from=1&to=3`` lays two beside each other, ``?restore=1`` asks for the reason
    before version 1 is put in force again."""
    found = _book(book)
    if request.method == "POST":
        return _restore(request, found)
    context: dict[str, object] = {}
    if "from" in request.GET and "to" in request.GET:
        before, after = (version_numbered(found, request.GET[name]) for name in ("from", "to"))
        context |= {
            "compared": True,
            "before": before.number if before else 0,
            "after": after.number if after else 0,
            "changes": versions_compared(found, before, after),
        }
    if "restore" in request.GET:
        _require_may_edit(request)
        context |= _restoring(found, version_numbered(found, request.GET["restore"]))
    return _page(request, found, context)


@require_safe
@role_required(*READERS)
def book_version(request: HttpRequest, book: str, version: str) -> HttpResponse:
    """What one version says, in sentences; number 0 is what Watchbell comes with."""
    found = _book(book)
    shown = version_numbered(found, version)
    newest = BookVersion.objects.filter(book=found.shape.book).order_by("-number").values_list("number", flat=True)
    context = {
        "at": now(),
        "book": found,
        "shown": shown,
        "number": shown.number if shown else 0,
        "in_force": (newest.first() or 0) == (shown.number if shown else 0),
        "lines": found.lines([value_of(found, shown)])[0],
        "may_edit": may_edit_books(cast(User, request.user)),
    }
    return render(request, "policies/book_version.html", context)


def _book(name: str) -> Book:
    if name not in BOOKS:
        raise Http404
    return BOOKS[name]


def _require_may_edit(request: HttpRequest) -> None:
    if not may_edit_books(cast(User, request.user)):
        raise PermissionDenied(_("Only managers change the rules of the house."))


def _page(request: HttpRequest, book: Book, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    past = history_of(book)
    context |= {
        "at": now(),
        "book": book,
        "past": past,
        "newest": past[0].version.number if past else 0,
        "may_edit": may_edit_books(cast(User, request.user)),
    }
    return render(request, "policies/book_history.html", context, status=status)


def _restoring(book: Book, version: BookVersion | None, reason: str = "") -> dict[str, object]:
    number = version.number if version else 0
    usual = _("Version %(number)d again") % {"number": number} if version else _("What Watchbell comes with again")
    return {"restoring": True, "restore_number": number, "reason": reason or usual}


def _restore(request: HttpRequest, book: Book) -> HttpResponse:
    _require_may_edit(request)
    old = version_numbered(book, request.POST.get("version", ""))
    reason = request.POST.get("reason", "").strip()[:MAX_REASON]
    base = request.POST.get("base", "")
    wrong, status = [], 422
    try:
        problems = book.missing(value_of(book, old))
        if problems:
            raise DefinitionInvalid(problems)
        saved = book_publish(
            shape=book.shape,
            definition=document_of(book, old),
            author=cast(User, request.user),
            at=now(),
            reason=reason,
            base=int(base[:9]) if base.isascii() and base.isdecimal() else 0,
        )
    except BookEditedMeanwhile as error:
        wrong, status = [str(error.message)], 409
    except DefinitionInvalid as error:
        wrong = [str(problem) for problem in error.problems]
    except DomainError as error:
        wrong = [str(error.message)]
    else:
        messages.success(request, _("Version %(number)d is in force.") % {"number": saved.number})
        return redirect("policies:book_history", book.name)
    return _page(request, book, {**_restoring(book, old, reason), "wrong": wrong}, status=status)
