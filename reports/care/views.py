"""Findings of the linter, and reviews of policies."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from incidents.selectors.held import held_for
from oncall.access import role_required
from oncall.models import User
from policies.book_pages.rules_editor import draft_read
from policies.books import ROUTING, book_read
from policies.care import open_findings
from policies.models import EscalationPolicy, PolicyFinding, PolicyReview
from policies.views import READERS
from reports.care.findings import findings_check
from reports.care.forms import ReviewCloseForm, ReviewOpenForm
from reports.care.pages import evidence_of, groups_of, incident_of
from reports.care.permissions import may_review
from reports.care.reviews import review_close, review_open
from reports.care.rules_past import past_of

MANAGERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
PAGE_SIZE = 25


@require_safe
@role_required(*READERS)
def findings(request: HttpRequest) -> HttpResponse:
    """What the linter found, worst first, with what each costs and where it is mended; ``policy`` narrows it."""
    user = cast(User, request.user)
    policies = list(EscalationPolicy.objects.only("name", "slug"))
    policy = next((one for one in policies if one.slug == request.GET.get("policy")), None)
    rows = open_findings(policy)
    newest = PolicyFinding.objects.order_by("-last_seen_at").values_list("last_seen_at", flat=True).first()
    context = {
        "at": now(),
        "policies": policies,
        "policy": policy,
        "groups": groups_of(rows, reader=user),
        "looked_at": newest,
        "may_check": may_review(user),
        "waiting": PolicyReview.objects.filter(closed_at=None).count(),
        "total": sum(1 for row in rows if row.code != "gap_accepted"),
    }
    return render(request, "policies/findings.html", context)


@require_POST
@role_required(*MANAGERS)
def findings_look(request: HttpRequest) -> HttpResponse:
    """Look at everything anew, now."""
    findings_check(at=now())
    messages.success(request, _("Everything was looked at anew."))
    return redirect("care:findings")


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def reviews(request: HttpRequest) -> HttpResponse:
    """Reviews, open ones first by when they are due; whoever manages asks for one here."""
    at, user = now(), cast(User, request.user)
    if request.method == "POST" and not may_review(user):
        raise PermissionDenied
    form = ReviewOpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            review = review_open(
                policy=form.cleaned_data["policy"], cause=PolicyReview.Cause.BY_HAND, actor=user, at=at
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("care:review", review.pk)
    order = (F("closed_at").desc(nulls_first=True), "due_at", "pk")
    found = PolicyReview.objects.select_related("policy__team", "closed_by").order_by(*order)
    context = {
        "at": at,
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "form": form if may_review(user) else None,
        "waiting": found.filter(closed_at=None).count(),
    }
    return render(request, "policies/reviews.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review with its evidence; whoever manages closes it here."""
    at, user = now(), cast(User, request.user)
    found = get_object_or_404(PolicyReview.objects.select_related("policy__team", "closed_by"), pk=pk)
    if request.method == "POST" and not may_review(user):
        raise PermissionDenied
    form = ReviewCloseForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                review_close(review_id=found.pk, actor=user, at=at, **form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
                status = 409 if isinstance(error, Conflict) else 422
            else:
                messages.success(request, _("The review is closed."))
                return redirect("care:review", found.pk)
    context = {
        "at": at,
        "review": found,
        "evidence": evidence_of(found),
        "incident": incident_of(found),
        "overdue": found.closed_at is None and found.due_at < at,
        "form": form if may_review(user) and found.closed_at is None else None,
        "groups": groups_of(open_findings(found.policy), reader=user) if found.closed_at is None else [],
    }
    return render(request, "policies/review.html", context, status=status)


@require_POST
@role_required(*MANAGERS)
def rules_past(request: HttpRequest) -> HttpResponse:
    """Which of the last incidents a draft of the routing rules would have sent another way. Nothing is stored."""
    try:
        draft = draft_read(request.POST.get("document", ""))
    except (DomainError, ValueError):
        messages.error(request, _("The draft could not be read. Begin again from what is in force."))
        return redirect("policies:rules_edit")
    past = past_of(draft, book_read(ROUTING).value, reader=cast(User, request.user))
    context = {"at": now(), "past": past, "base": request.POST.get("base", "0"), "document": request.POST["document"]}
    return render(request, "policies/rules_past.html", context)


@require_safe
@role_required(*READERS)
def rules_held(request: HttpRequest, key: str) -> HttpResponse:
    """The incidents that one rule of the routing rules in force held for of late, and what it did to each."""
    rule = next((one for one in book_read(ROUTING).value.rules if one.key == key), None)
    if rule is None:
        raise Http404
    at = now()
    found = held_for(key, reader=cast(User, request.user), at=at)
    context = {"at": at, "rule": rule, "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))}
    return render(request, "policies/rules_held.html", context)
