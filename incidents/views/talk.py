"""Talking on an incident: what is said, corrected, pinned and decided, and who can be named."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.markdown import markdown_html
from incidents.models import Incident
from incidents.permissions import incident_for, may_file
from incidents.selectors.talk import people_named
from incidents.selectors.timeline import readable_by
from incidents.services import talk
from incidents.services.attachments import attachment_add
from incidents.services.lifecycle import incident_comment
from incidents.services.tasks import task_create
from incidents.talk_forms import CorrectForm, TalkForm
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment
from incidents.views.detail import incident_page, live_fragment

_TITLE = 200


@require_POST
@login_required
def incident_write(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something: everybody who sees the incident, except those who only read. "preview" shows it and says nothing."""
    user: Any = request.user
    incident = incident_for(user, pk)
    form = TalkForm(_typed(request), request.FILES)
    if "preview" in request.POST:
        return _previewed(request, incident, form)
    try:
        if not may_file(user):
            raise NotAllowed(_("You may read this incident, not write to it."))
        if not form.is_valid():
            return _again(request, incident, form, 422)
        _say(request, incident, form.cleaned_data)
    except DomainError as error:
        if isinstance(error, NotAllowed):
            return _refused(request, incident, error)
        refuse(form, error)
        return _again(request, incident, form, status_of(error))
    if not wants_fragment(request):
        return see_other(f"{incident.get_absolute_url()}?show={_shown(request)}#composer")
    # A quick reply leaves what is being written where it is.
    return live_fragment(request, incident, at=now(), composer_sent="quick" not in request.POST)


def _typed(request: HttpRequest) -> QueryDict:
    """What was sent; a quick reply says the words of its button."""
    if "quick" not in request.POST:
        return request.POST
    data = request.POST.copy()
    data["text"] = str(data["quick"])
    return data


def _shown(request: HttpRequest) -> str:
    return "room" if request.POST.get("order") == "room" else "timeline"


@transaction.atomic
def _say(request: HttpRequest, incident: Incident, data: dict[str, Any]) -> None:
    """The files and the words they belong to: all or nothing."""
    user: Any = request.user
    at, text, public = now(), data["text"], data["public"]
    if data["decision"]:
        talk.decision_record(incident_id=incident.pk, text=text, public=public, actor=user, at=at)
        return
    files = [
        attachment_add(incident_id=incident.pk, upload=upload, actor=user, at=at, public=public, line=False).pk
        for upload in request.FILES.getlist("files")
    ]
    incident_comment(incident_id=incident.pk, text=text, public=public, attachments=files, actor=user, at=at)


def _previewed(request: HttpRequest, incident: Incident, form: TalkForm) -> HttpResponse:
    """How it would look: in its place for htmx, on the page with the words still in the form for everybody else."""
    text = str(form["text"].value() or "")
    if wants_fragment(request):
        return render(request, "incidents/partials/_said_preview.html", {"preview": markdown_html(text)})
    return incident_page(request, incident, at=now(), composer=form, preview=markdown_html(text), show=_shown(request))


def _again(request: HttpRequest, incident: Incident, form: TalkForm, status: int) -> HttpResponse:
    answer = live_fragment if wants_fragment(request) else incident_page
    return answer(request, incident, at=now(), status=status, composer=form, composer_sent=True, show=_shown(request))


def _refused(request: HttpRequest, incident: Incident, error: DomainError) -> HttpResponse:
    tell_refusal(request, error)
    answer = live_fragment if wants_fragment(request) else incident_page
    return answer(request, incident, at=now(), status=status_of(error))


@require_safe
@login_required
def people_offered(request: HttpRequest, pk: int) -> HttpResponse:
    """Who can be named by what was typed behind "@": only people who may read it."""
    user: Any = request.user
    incident = incident_for(user, pk)
    people = people_named(incident, request.GET.get("q", ""), reader=user)
    return render(request, "incidents/partials/_people_offered.html", {"people": people})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def line_detail(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """One line with what can be done with it; POST corrects it."""
    user: Any = request.user
    incident = incident_for(user, pk)
    line = readable_by(user, incident).filter(pk=event).select_related("actor").first()
    if line is None:
        raise Http404
    form = CorrectForm(request.POST or None, initial={"text": talk.words_of(incident, event)})
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.is_valid():
                talk.comment_correct(
                    incident_id=incident.pk, event_id=event, text=form.cleaned_data["text"], actor=user, at=now()
                )
                return _done(request, incident, event, _("Corrected. What you wrote first stays readable."))
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
    own = line.actor_id == user.pk and line.kind in talk.CORRECTABLE
    context = {"at": now(), "incident": incident, "event": line, "form": form if own else None}
    return page_or_fragment(
        request, "incidents/line.html", "incidents/partials/_line_form.html", context, status=status
    )


def _acting(
    request: HttpRequest, pk: int, event: int, act: Callable[[Incident, Any], object], done: str
) -> HttpResponse:
    """Do something with a line that the person may read, and show the incident again."""
    user: Any = request.user
    incident = incident_for(user, pk)
    if not readable_by(user, incident).filter(pk=event).exists():
        raise Http404
    try:
        act(incident, user)
    except DomainError as error:
        return _refused(request, incident, error)
    return _done(request, incident, event, done)


def _done(request: HttpRequest, incident: Incident, event: int, done: str) -> HttpResponse:
    if not wants_fragment(request):
        messages.success(request, done)
        return see_other(f"{incident.get_absolute_url()}?show=timeline&line={event}#e{event}")
    response = live_fragment(request, incident, at=now(), done=done)
    response["HX-Trigger"] = "wb:done"
    return response


@require_POST
@login_required
def line_pin(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """Show it above all others."""

    def act(incident: Incident, user: Any) -> object:
        return talk.line_pin(incident_id=incident.pk, event_id=event, actor=user, at=now())

    return _acting(request, pk, event, act, _("Pinned."))


@require_POST
@login_required
def line_unpin(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """Put it back among the others."""

    def act(incident: Incident, user: Any) -> object:
        talk.line_unpin(incident_id=incident.pk, event_id=event, actor=user, at=now())
        return None

    return _acting(request, pk, event, act, _("Not pinned any more."))


@require_POST
@login_required
def line_decide(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """Make what was said a decision."""

    def act(incident: Incident, user: Any) -> object:
        return talk.decision_record(incident_id=incident.pk, text="", said_in=event, actor=user, at=now())

    return _acting(request, pk, event, act, _("It is recorded as a decision and pinned."))


@require_POST
@login_required
def line_task(request: HttpRequest, pk: int, event: int) -> HttpResponse:
    """Make what was said a task: its first line is the title."""

    def act(incident: Incident, user: Any) -> object:
        said = talk.line_for(incident, event)
        words = talk.words_of(incident, event).strip()
        title, _line, rest = words.partition("\n")
        details = words if rest.strip() or len(title) > _TITLE else ""
        return task_create(
            incident_id=incident.pk, title=title[:_TITLE], details=details, said_in=said, actor=user, at=now()
        )

    return _acting(request, pk, event, act, _("It is a task now."))
