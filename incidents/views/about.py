"""What an incident is about, who is called in, and the brief for whoever joins it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import Incident
from incidents.permissions import incident_for, require_responder
from incidents.selectors.joining import join_brief
from incidents.services.describing import Described, description_edit
from incidents.services.helping import Help, responder_add
from incidents.services.joining import brief_read
from incidents.talk_forms import DescribeForm, HelpForm
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment
from incidents.views.detail import incident_page, live_fragment
from incidents.views.handover import handover_context


def _refused(request: HttpRequest, incident: Incident, error: DomainError) -> HttpResponse:
    tell_refusal(request, error)
    answer = live_fragment if wants_fragment(request) else incident_page
    return answer(request, incident, at=now(), status=status_of(error))


def _done(request: HttpRequest, incident: Incident, done: str) -> HttpResponse:
    user: Any = request.user
    if not wants_fragment(request):
        messages.success(request, done)
        return see_other(incident.get_absolute_url())
    response = live_fragment(request, incident_for(user, incident.pk), at=now(), done=done, facts_too=True)
    response["HX-Trigger"] = "wb:done"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_description(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what it is about. What another person changed in the same field meanwhile is shown beside it (409)."""
    user: Any = request.user
    incident = incident_for(user, pk)
    form = DescribeForm(request.POST or None, incident=incident)
    status = 200
    try:
        require_responder(user, incident)
        if request.method == "POST":
            if form.is_valid():
                described = description_edit(
                    incident_id=incident.pk, values=form.chosen(), seen=form.seen(), actor=user, at=now()
                )
                if not described.clashes:
                    return _done(request, incident, _("Saved.") if described.saved else _("Nothing was changed."))
                form, status = _clashing(request, described), 409
            else:
                status = 422
    except NotAllowed as error:
        return _refused(request, incident, error)
    except DomainError as error:
        refuse(form, error)
        status = status_of(error)
    context = {"at": now(), "incident": incident, "form": form}
    return page_or_fragment(
        request, "incidents/describe.html", "incidents/partials/_describe.html", context, status=status
    )


def _clashing(request: HttpRequest, described: Described) -> DescribeForm:
    """The form with both versions of what clashes. It carries the marks of what stands there now, so that sending it again decides."""
    return DescribeForm(request.POST, incident=described.incident, clashes=described.clashes)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def responders(request: HttpRequest, pk: int) -> HttpResponse:
    """Call somebody in."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    form = HelpForm(request.POST or None, incident=incident, at=at)
    status = 200
    try:
        require_responder(user, incident)
        if request.method == "POST":
            status = 422
            if form.is_valid():
                data = form.cleaned_data
                wanted = Help(data["reason"], data["user"], data["team"], page=data["page"] != "tell")
                people = responder_add(incident_id=incident.pk, wanted=wanted, actor=user, at=at)
                names = ", ".join(one.name for one in people)
                said = _("Paged: %(names)s.") if wanted.page else _("Told: %(names)s.")
                return _done(request, incident, said % {"names": names})
    except NotAllowed as error:
        return _refused(request, incident, error)
    except DomainError as error:
        refuse(form, error)
        status = status_of(error)
    context = {"at": at, "incident": incident, "form": form}
    return page_or_fragment(
        request, "incidents/responders.html", "incidents/partials/_responders.html", context, status=status
    )


@require_safe
@login_required
def incident_brief(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything whoever joins late needs, on one sheet."""
    user: Any = request.user
    incident, at = incident_for(user, pk, with_run=True), now()
    context = {
        "at": at,
        "incident": incident,
        "brief": join_brief(incident, reader=user, at=at),
        **handover_context(incident, user),
    }
    return page_or_fragment(request, "incidents/brief.html", "incidents/partials/_brief.html", context)


@require_POST
@login_required
def incident_brief_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever joined says that they have read it: the others see it, and it does not come first any more."""
    user: Any = request.user
    incident = incident_for(user, pk)
    try:
        brief_read(incident_id=incident.pk, actor=user, at=now())
    except DomainError as error:
        return _refused(request, incident, error)
    return see_other(incident.get_absolute_url())
