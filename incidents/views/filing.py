"""Filing an incident by hand (mock-up 03), what filing it would do, and what it may be already."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.custom_fields import customer_facts
from incidents.filing_forms import FileForm
from incidents.forms import JudgeForm, refuse
from incidents.models import Customer, FilingDraft, Incident, Service
from incidents.permissions import may_file
from incidents.selectors.attachments import attachments_of_draft
from incidents.selectors.preview import Filing, preview_of
from incidents.selectors.similar import Similar, similar_of
from incidents.services.assess import Judged, unchosen
from incidents.services.attachments import draft_attachment_add
from incidents.services.drafts import draft_begin
from incidents.services.filing import incident_file
from incidents.views.answers import see_other
from incidents.views.drafting import begun_anew
from incidents.views.proposals import proposal_shown
from oncall.models import User
from oncall.standing import mark_now, schedules_kept
from policies.books import CRITERIA, book_read
from policies.severity import Urgency, urgency_of

TAKE = "take"
"""What the address says where somebody takes their draft up."""
MOST_CUSTOMERS = 12


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_new(request: HttpRequest) -> HttpResponse:
    """The form; filing it pages people at once."""
    user = _filer(request)
    at, reading = now(), book_read(CRITERIA)
    if request.method != "POST":
        return _form_page(request, FileForm(initial=_begun(request, user), reading=reading), at)
    begun_anew(request, user)
    form = FileForm(request.POST, request.FILES, reading=reading)
    if form.proposes_only:
        _files_kept(form, user, at)
        return _form_page(request, form, at)
    if form.is_valid() and _files_kept(form, user, at) and form.judged is not None:
        try:
            return see_other(_filed(request, _file(user, form.cleaned_data, form.judged, at)))
        except DomainError as error:
            refuse(form, error)
    return _form_page(request, form, at, status=422)


def _filer(request: HttpRequest) -> User:
    user: Any = request.user
    if not may_file(user):
        raise PermissionDenied
    return user  # type: ignore[no-any-return]  # login_required leaves out who is not signed in


def _begun(request: HttpRequest, user: User) -> dict[str, Any]:
    """The draft that is taken up; else what a link names ("File an incident" on a service's page)."""
    if request.GET.get("draft") == TAKE:
        draft = FilingDraft.objects.filter(user=user).first()
        if draft is not None:
            return dict(draft.values)
    return {"service": request.GET.get("service", ""), "title": request.GET.get("title", "")[:200]}


def _files_kept(form: FileForm, user: User, at: datetime) -> bool:
    """Without scripts files come with the form: they go to the draft first, so that a fault elsewhere loses none. False where one
    is refused."""
    try:
        sent: list[Any] = []
        if form.is_bound:
            # A form that only proposes is never cleaned.
            sent = getattr(form, "cleaned_data", {}).get("files") or list(form.files.getlist("files") or ())
        for upload in sent:
            draft_attachment_add(draft=draft_begin(user=user, at=at), upload=upload, actor=user, at=at)
    except DomainError as error:
        refuse(form, error)
        return False
    return True


def _file(reporter: User, data: Mapping[str, Any], judged: Judged, at: datetime) -> Incident:
    named = ("title", "summary", "service", "category", "customer", "detection", "environment", "customer_impact")
    return incident_file(
        reporter=reporter,
        at=at,
        evidence=data["evidence"],
        tier=data["customer_tier"],
        tier_reason=data["tier_reason"],
        severity=judged.severity,
        impact=judged.impact,
        urgency=judged.urgency,
        facts={**judged.facts, "custom": data["custom"]},
        wish=judged.wish,
        restricted=data["restricted"],
        is_test=data["is_test"],
        **{name: data[name] for name in named},
    )


def _filed(request: HttpRequest, incident: Incident) -> str:
    """Where to go next: the incident, which whoever filed it sees, restricted or not."""
    messages.success(request, _("Filed as %(reference)s.") % {"reference": incident.reference})
    return incident.get_absolute_url()


def _form_page(request: HttpRequest, form: FileForm, at: datetime, *, status: int = 200) -> HttpResponse:
    user: Any = request.user
    draft = FilingDraft.objects.filter(user=user).first()
    taken = form.is_bound or request.GET.get("draft") == TAKE
    slug = str(form["service"].value() or "")
    context = {
        "at": at,
        "form": form,
        "draft": draft,
        "offers_draft": draft is not None and not taken,
        "files": attachments_of_draft(draft) if taken else (),
        "customers": (),
        "customer": _customer(str(form["customer"].value() or "")),
        **_preview(request, form, slug, at),
        "similar": _similar(user, str(form["title"].value() or ""), slug, at),
    }
    return render(request, "incidents/incident_new.html", context, status=status)


@require_safe
@login_required
def filing_preview(request: HttpRequest) -> HttpResponse:
    """Who would be paged when, and the severity that the answers propose: the fragments beside the form."""
    _filer(request)
    at = now()
    form = JudgeForm(initial=request.GET.dict(), reading=book_read(CRITERIA))
    context = {"at": at, "form": form, **_preview(request, form, request.GET.get("service", ""), at)}
    return render(request, "incidents/partials/_preview.html", context)


@require_safe
@login_required
def filing_similar(request: HttpRequest) -> HttpResponse:
    """What it may be already, while somebody types its title: open incidents, how one like it was mended, articles."""
    user, at = _filer(request), now()
    similar = _similar(user, request.GET.get("title", ""), request.GET.get("service", ""), at)
    context = {"at": at, "similar": similar, "service_chosen": bool(request.GET.get("service"))}
    return render(request, "incidents/partials/_similar.html", context)


@require_safe
@login_required
def filing_questions(request: HttpRequest) -> HttpResponse:
    """The house's own questions for what is answered so far, each group put in its place; nothing where the same ones are shown."""
    _filer(request)
    form = FileForm(initial=_as_initial(request), reading=book_read(CRITERIA))
    if form.asked_mark == request.GET.get("asked", ""):
        return HttpResponse(status=204)
    return render(request, "incidents/partials/_questions.html", {"form": form, "oob": True})


def _as_initial(request: HttpRequest) -> dict[str, Any]:
    return {name: values if len(values) > 1 else values[0] for name, values in request.GET.lists()}


@require_safe
@login_required
def filing_customers(request: HttpRequest) -> HttpResponse:
    """Customers whose name has what is typed, and the tier of the one that is meant."""
    _filer(request)
    typed = request.GET.get("customer", "").strip()[:120]
    found = Customer.objects.filter(active=True, name__icontains=typed).order_by("name") if typed else ()
    context = {"customers": found[:MOST_CUSTOMERS], "customer": _customer(typed)}
    return render(request, "incidents/partials/_customer.html", context)


def _customer(name: str) -> Customer | None:
    return Customer.objects.filter(active=True, name__iexact=name.strip()).first() if name.strip() else None


def _similar(user: User, title: str, slug: str, at: datetime) -> Similar:
    service = Service.objects.filter(slug=slug).first() if slug else None
    return similar_of(title=title[:200], service=service, user=user, at=at)


def _preview(request: HttpRequest, form: JudgeForm, slug: str, at: datetime) -> dict[str, Any]:
    service = (
        Service.objects.select_related("team", "policy__current_version").filter(slug=slug).first() if slug else None
    )
    proposal = form.proposed(service)
    shown = proposal_shown(form.criteria, proposal, service=service, chosen=form.chosen)
    context: dict[str, Any] = {
        "shown": shown,
        "take_it": _("Choose no other, and it is filed so."),
        "preview": None,
        "quiet": False,
    }
    if service is None:
        return context
    rank = shown.rank
    return context | {
        "preview": preview_of(
            service,
            at=at,
            severity=rank,
            filing=Filing(
                title=_said(request, form, "title"),
                environment=_said(request, form, "environment"),
                impact=proposal.impact,
                urgency=proposal.urgency,
                facts={**customer_facts(_customer(_said(request, form, "customer"))), **proposal.facts},
                wish=unchosen(form.criteria, proposal)[1] if shown.begun and form.chosen is None else None,
            ),
            schedules=lambda: schedules_kept(at, mark=mark_now(cast(User, request.user))),
        ),
        "rank": rank,
        "quiet": rank is not None and urgency_of(rank) == Urgency.LOW,
    }


def _said(request: HttpRequest, form: JudgeForm, name: str) -> str:
    """What stands in a field that not every one of the two forms has; the preview gets it with its address."""
    return str(form[name].value() or "") if name in form.fields else request.GET.get(name, "")
