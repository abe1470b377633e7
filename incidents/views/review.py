"""The review of an incident: prefilled from its record, saved as a draft, published, taken along."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.custom_fields import answers_shown
from incidents.forms import refuse
from incidents.markdown import markdown_html
from incidents.models import Incident, Review
from incidents.permissions import incident_for, may_act, may_see_work
from incidents.review_forms import ReviewForm
from incidents.selectors.review import Report, report_json, report_markdown, report_of, texts_of
from incidents.services.reviews import ReviewEditedMeanwhile, review_save
from incidents.views.answers import page_or_fragment, see_other, status_of
from oncall.models import User


def incident_to_review(user: User, pk: int) -> Incident:
    """Raises Http404 where ``user`` may not see it, PermissionDenied for whoever only filed it."""
    incident = incident_for(user, pk)
    if not may_see_work(user, incident):
        raise PermissionDenied
    return incident


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_review(request: HttpRequest, pk: int) -> HttpResponse:
    """The six parts. Saving keeps a draft, publishing shows it to everybody who works on incidents."""
    user: Any = request.user
    incident = incident_to_review(user, pk)
    if request.method != "POST":
        report = report_of(incident, reader=user)
        form = ReviewForm(
            initial={**report.texts, "seen": report.review.edited_at.isoformat() if report.review else ""}
        )
        return _page(request, report, form)
    return _saved(request, incident, ReviewForm(request.POST))


def _saved(request: HttpRequest, incident: Incident, form: ReviewForm) -> HttpResponse:
    user: Any = request.user
    publish = request.POST.get("do") == "publish"
    if not form.is_valid():
        return _page(request, report_of(incident, reader=user), form, status=422)
    try:
        review = review_save(
            incident_id=incident.pk,
            values=form.texts,
            seen=form.cleaned_data["seen"],
            publish=publish,
            actor=user,
            at=now(),
        )
    except ReviewEditedMeanwhile as error:
        # What was typed stays in the form, and saving again begins from what the other one saved.
        form.data = {**request.POST.dict(), "seen": error.review.edited_at.isoformat()}
        form.add_error(None, error.message)
        return _page(request, report_of(incident, reader=user), form, theirs=error.review, status=409)
    except DomainError as error:
        refuse(form, error)
        return _page(request, report_of(incident, reader=user), form, status=status_of(error))
    messages.success(request, _("Published.") if publish else _("Saved."))
    return see_other(f"{reverse('incidents:review', args=(incident.pk,))}{'' if review.published_at else '?edit'}")


def _page(
    request: HttpRequest, report: Report, form: ReviewForm, *, theirs: Review | None = None, status: int = 200
) -> HttpResponse:
    """``theirs`` is what somebody saved meanwhile."""
    user: Any = request.user
    may_write = may_act(user, report.incident)
    published = report.version > 0
    context = {
        "at": now(),
        "incident": report.incident,
        "report": report,
        "form": form,
        "may_write": may_write,
        "writing": may_write and (not published or form.is_bound or "edit" in request.GET),
        "published": published,
        "parts": _parts(report),
        "saved_parts": _texts(theirs) if theirs is not None else (),
        "theirs": theirs,
        "versions": _versions(report) if published else (),
    }
    return render(request, "incidents/review.html", context, status=status)


def _parts(report: Report) -> list[dict[str, Any]]:
    """What people wrote, to be read."""
    return [
        {"name": name, "label": label, "html": markdown_html(report.texts[name])} for name, label in texts_of().items()
    ]


def _texts(row: Any) -> list[tuple[str, str]]:
    """The texts of a review, or of an earlier version of it, as they were typed."""
    return [(label, getattr(row, name)) for name, label in texts_of().items()]


def _versions(report: Report) -> list[dict[str, Any]]:
    """The versions of what was published, newest first."""
    history: Any = Review.history
    rows = history.filter(incident=report.incident, published_at__isnull=False)
    rows = rows.select_related("author").order_by("-history_date", "-history_id")
    return [
        {"number": report.version - place, "at": row.edited_at, "author": row.author, "parts": _texts(row)}
        for place, row in enumerate(rows)
    ]


@require_safe
@login_required
def incident_review_export(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The report as a document: ``markdown`` for people, ``json`` for machines."""
    user: Any = request.user
    incident = incident_to_review(user, pk)
    report = report_of(incident, reader=user)
    response: HttpResponse
    if form == "markdown":
        response = HttpResponse(report_markdown(report), content_type="text/markdown; charset=utf-8")
    elif form == "json":
        response = JsonResponse(report_json(report), json_dumps_params={"ensure_ascii": False, "indent": 2})
    else:
        raise Http404
    ending = "md" if form == "markdown" else form
    response["Content-Disposition"] = f'attachment; filename="{incident.reference}-review.{ending}"'
    return response


@require_safe
@login_required
def incident_filed(request: HttpRequest, pk: int) -> HttpResponse:
    """The answers to the house's own fields, and where the review stands: the fragment, and without scripts a page of its own."""
    user: Any = request.user
    incident = incident_to_review(user, pk)
    context = {
        "at": now(),
        "incident": incident,
        "answers": answers_shown(incident),
        "review": Review.objects.filter(incident=incident).first(),
    }
    return page_or_fragment(request, "incidents/filed.html", "incidents/partials/_filed.html", context)
