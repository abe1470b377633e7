"""The page on which a person decides what waits for them (phone first), and the decision."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from incidents.checkpoint_forms import CONFIRM, DecisionForm
from incidents.checkpoint_words import asking
from incidents.forms import refuse
from incidents.models import Checkpoint
from incidents.permissions import incident_for, may_decide, require_decider
from incidents.selectors.checkpoints import shown
from incidents.services.deciding import checkpoint_decide
from incidents.views.answers import see_other, status_of, tell_refusal
from oncall.models import User


def checkpoint_for(user: User, pk: int, number: int) -> Checkpoint:
    """The question ``number`` about an incident that ``user`` may see. Raises Http404 otherwise."""
    incident = incident_for(user, pk)
    found = Checkpoint.objects.filter(incident=incident, pk=number)
    checkpoint = found.select_related("decided_by").prefetch_related("asks__user").first()
    if checkpoint is None:
        raise Http404
    checkpoint.incident = incident
    return checkpoint


@require_safe
@login_required
def checkpoint_detail(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The question, why it is asked, the time that is left, and the two answers."""
    user: Any = request.user
    checkpoint = checkpoint_for(user, pk, number)
    return _page(request, checkpoint, DecisionForm(initial={"severity": checkpoint.incident.severity}))


@require_POST
@login_required
def checkpoint_decided(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Take the answer. A refusal shows the question again, as it is by now."""
    user: Any = request.user
    checkpoint = checkpoint_for(user, pk, number)
    form = DecisionForm(request.POST)
    try:
        require_decider(user, checkpoint)
        if not form.is_valid():
            return _page(request, checkpoint, form, status=422)
        checkpoint_decide(checkpoint_id=checkpoint.pk, actor=user, at=now(), **form.cleaned_data)
    except NotAllowed as error:
        tell_refusal(request, error)
        return _page(request, checkpoint, form, status=status_of(error))
    except DomainError as error:
        refuse(form, error)
        return _page(request, checkpoint_for(user, pk, number), form, status=status_of(error))
    words = asking(checkpoint.action)
    messages.success(request, str(words.confirmed if form.cleaned_data["verdict"] == CONFIRM else words.declined))
    return see_other(checkpoint.incident.get_absolute_url())


def _page(request: HttpRequest, checkpoint: Checkpoint, form: DecisionForm, *, status: int = 200) -> HttpResponse:
    user: Any = request.user
    context = {
        "at": now(),
        "incident": checkpoint.incident,
        "checkpoint": checkpoint,
        "shown": shown(checkpoint),
        "may_decide": may_decide(user, checkpoint),
        "form": form,
    }
    return render(request, "incidents/checkpoint.html", context, status=status)
