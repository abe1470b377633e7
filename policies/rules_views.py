"""The routing rules: read like prose, and written one rule at a time. The draft travels with the form until it is published."""

from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from policies import ports
from policies.book_pages.history import value_of, version_numbered, versions_compared
from policies.book_pages.names import HouseNames, gone
from policies.book_pages.permissions import may_edit_books
from policies.book_pages.rules_editor import (
    NEW,
    OTHERWISE,
    Draft,
    close_rule,
    draft_read,
    open_rule,
    row_act,
    take_sent,
)
from policies.book_pages.rules_page import place_of, rules_editor, rules_shown
from policies.book_pages.rules_try import try_page
from policies.book_pages.shelf import BOOKS
from policies.books import ROUTING, BookEditedMeanwhile, book_publish, book_read
from policies.models import BookVersion
from policies.own_facts import own_facts_follow
from policies.reading import Problem
from policies.routing import RoutingDef, routing_dump
from policies.routing_examples import EXAMPLES, example_rule
from policies.views import READERS

WRITERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
MAX_REASON = 200
_BOOK = BOOKS[ROUTING.book.value]


@require_safe
@role_required(*READERS)
def rules(request: HttpRequest) -> HttpResponse:
    """The rules in force, in their order."""
    reading = book_read(ROUTING)
    version = None
    if reading.version_id is not None:
        version = BookVersion.objects.select_related("author").get(pk=reading.version_id)
    return _prose(request, version, reading.value, in_force=True)


@require_safe
@role_required(*READERS)
def rules_version(request: HttpRequest, version: int) -> HttpResponse:
    """The rules as one version has them: what a decision rested on."""
    found = version_numbered(_BOOK, str(version))
    return _prose(request, found, value_of(_BOOK, found), in_force=book_read(ROUTING).number == version)


def _prose(request: HttpRequest, version: BookVersion | None, routing: RoutingDef, *, in_force: bool) -> HttpResponse:
    at, reader = now(), cast(User, request.user)
    held = ports.rules_held(reader=reader, at=at)
    context = {
        "at": at,
        "version": version,
        "in_force": in_force,
        "shown": rules_shown(routing, HouseNames([routing]), held),
        "held": held,
        "may_edit": may_edit_books(reader),
    }
    return render(request, "policies/rules.html", context)


# --- writing them


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*WRITERS)
def rules_edit(request: HttpRequest) -> HttpResponse:
    """Every button but "publish" changes the draft in the form and stores nothing; ``?version=`` begins from an earlier
    version, ``?rule=`` opens the rule of that key."""
    if not may_edit_books(cast(User, request.user)):
        raise PermissionDenied(_("Only managers change the rules of the house."))
    own_facts_follow()
    return _answer(request) if request.method == "POST" else _begin(request)


def _begin(request: HttpRequest) -> HttpResponse:
    reading = book_read(ROUTING)
    draft, reason = Draft(reading.value), ""
    if "version" in request.GET:
        earlier = version_numbered(_BOOK, request.GET["version"])
        draft.routing = value_of(_BOOK, earlier)
        reason = _("Version %(number)d again") % {"number": earlier.number} if earlier else ""
    names = HouseNames([draft.routing])
    key = request.GET.get("rule", "")
    place = next((place for place, rule in enumerate(draft.routing.rules) if rule.key == key), None)
    if place is not None:
        open_rule(draft, names, str(place), _url())
    return _shown(request, draft, names, base=reading.number, reason=reason)


def _answer(request: HttpRequest) -> HttpResponse:
    sent, pressed, at = request.POST, request.POST.get("do", ""), now()
    number = sent.get("base", "")
    base = int(number[:9]) if number.isascii() and number.isdecimal() else 0
    reason = sent.get("reason", "").strip()[:MAX_REASON]
    try:
        draft = Draft(draft_read(sent.get("document", "")), open=sent.get("open", ""))
    except (DomainError, ValueError):
        messages.error(request, _("The draft could not be read. Begin again from what is in force."))
        return redirect("policies:rules_edit")
    names = HouseNames([draft.routing])
    take_sent(draft, names, sent, _url())
    if draft.form is not None and draft.form.redraws:
        return _shown(request, draft, names, base=base, reason=reason)
    if pressed == "discard":
        draft.open, draft.form, draft.focus = "", None, "rule-new"
    elif not close_rule(draft):
        return _shown(request, draft, names, base=base, reason=reason, status=422)
    if pressed == "publish":
        return _publish(request, draft, names, base=base, reason=reason, at=at)
    _act(draft, names, pressed, sent.get("example", ""))
    return _shown(request, draft, names, base=base, reason=reason)


def _act(draft: Draft, names: HouseNames, pressed: str, example: str) -> None:
    chosen = next((one for one in EXAMPLES if one.key == example), None)
    if pressed == "rule-new":
        open_rule(draft, names, NEW, _url())
    elif pressed == "rule-example" and chosen is not None:
        open_rule(draft, names, NEW, _url(), rule=example_rule(chosen, place_of(names)))
    elif pressed == "otherwise-open":
        open_rule(draft, names, OTHERWISE, _url())
    elif place := row_act(draft, pressed):
        open_rule(draft, names, place, _url())


def _publish(
    request: HttpRequest, draft: Draft, names: HouseNames, *, base: int, reason: str, at: datetime
) -> HttpResponse:
    problems = gone(draft.routing)
    if problems:
        return _shown(request, draft, names, base=base, reason=reason, problems=problems, status=422)
    try:
        saved = book_publish(
            shape=ROUTING,
            definition=routing_dump(draft.routing),
            author=cast(User, request.user),
            at=at,
            reason=reason,
            base=base,
        )
    except BookEditedMeanwhile as error:
        return _shown(request, draft, names, base=error.newest.number, reason=reason, theirs=(base, error), status=409)
    if saved.number == base:
        messages.info(request, _("The rules say what they said before: no version was made."))
    else:
        messages.success(request, _("Version %(number)d of the routing rules is in force.") % {"number": saved.number})
    return redirect("policies:rules")


def _url() -> str:
    return reverse("policies:rules_edit")


def _shown(
    request: HttpRequest,
    draft: Draft,
    names: HouseNames,
    *,
    base: int,
    reason: str,
    problems: tuple[Problem, ...] = (),
    theirs: tuple[int, BookEditedMeanwhile] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or for htmx the editor alone, which takes answers of 200 only."""
    names = HouseNames([draft.routing])
    context: dict[str, object] = {
        "at": now(),
        "page": rules_editor(draft, names),
        "base": base,
        "reason": reason,
        "form_url": _url(),
        "wrong": [_where(problem, draft.routing) for problem in problems],
    }
    if theirs is not None:
        began, error = theirs
        before = version_numbered(_BOOK, str(began))
        context |= {"theirs": error.newest, "changes": versions_compared(_BOOK, before, error.newest)}
    if request.headers.get("HX-Request"):
        return render(request, "policies/rules_editor.html", context)
    return render(request, "policies/rules_edit.html", context, status=status)


def _where(problem: Problem, routing: RoutingDef) -> str:
    """A problem of the book with the name of its rule."""
    if problem.keys and problem.keys[0] == "rules":
        rule = routing.rules[int(problem.keys[1])]
        return _("Rule “%(rule)s”: %(problem)s.") % {"rule": rule.name, "problem": problem.message}
    return _("Where no rule decides: %(problem)s.") % {"problem": problem.message}


# --- trying them


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def rules_try(request: HttpRequest) -> HttpResponse:
    """Which rules hold for a made-up incident and why, and what would follow. Nothing is stored. A question about the
    rules in force is an address that can be passed on; one about a draft is sent."""
    at, problem = now(), ""
    own_facts_follow()
    routing, document = book_read(ROUTING).value, ""
    if request.method == "POST":
        try:
            draft = Draft(draft_read(request.POST.get("document", "")), open=request.POST.get("open", ""))
        except (DomainError, ValueError):
            problem = _("The draft could not be read: these are the rules in force.")
        else:
            take_sent(draft, HouseNames([draft.routing]), request.POST, _url())
            if not close_rule(draft):
                problem = _("The rule that is open needs mending first: the others are tried as they stand.")
            routing, document = draft.routing, draft.document
    names = HouseNames([routing])
    sent = request.POST if request.method == "POST" else request.GET
    page = try_page(routing, names, sent if "facts-service" in sent else None, at=at)
    context = {"at": at, "page": page, "document": document, "problem": problem, "has_services": bool(names.services)}
    return render(request, "policies/rules_try.html", context, status=200 if page.valid else 422)
