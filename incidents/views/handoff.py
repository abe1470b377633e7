"""Handing over: the brief of whoever comes on call, accepting and rating it, notes for the next person (R016)."""

from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.handoff_forms import YES, FilterForm, NoteForm, RateForm
from incidents.selectors.brief import brief_dump, brief_load, brief_next, brief_of
from incidents.views.answers import see_other, status_of, tell_refusal
from oncall import handoffs as services
from oncall.access import role_required
from oncall.models import Handoff, HandoffNote, Schedule, User
from oncall.wording import role_words

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
LISTED = 100


@require_safe
@role_required(*READERS)
def handoff_list(request: HttpRequest) -> HttpResponse:
    """The latest handoffs with what became of them: all for managers, auditors and administrators, else one's own."""
    at, user = now(), cast(User, request.user)
    form = FilterForm(request.GET)
    found = services.handoffs_visible_to(user)
    if form.is_valid():
        if schedule := form.cleaned_data["schedule"]:
            found = found.filter(schedule=schedule)
        match form.cleaned_data["show"]:
            case "unaccepted":
                found = found.filter(accepted_at=None)
            case "incomplete":
                found = found.filter(complete=False)
    rows = [
        {
            "handoff": one,
            "role": role_words(one.role),
            "over": one.until is not None and one.until <= at,
            "shows_rating": services.may_see_rating(user, one),
        }
        for one in found[:LISTED]
    ]
    context = {"at": at, "form": form, "rows": rows, "most": LISTED, "sees_all": user.may_manage or user.is_auditor}
    return render(request, "incidents/handoffs.html", context)


def _handoff(pk: int) -> Handoff:
    return get_object_or_404(Handoff.objects.select_related("schedule__team", "incoming", "outgoing"), pk=pk)


@require_safe
@role_required(*READERS)
def handoff_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One handoff: the brief, as it is until it is accepted and as it was from then on."""
    return _render_handoff(request, _handoff(pk), at=now())


def _render_handoff(
    request: HttpRequest,
    handoff: Handoff,
    *,
    at: datetime,
    note_form: NoteForm | None = None,
    rate_form: RateForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = cast(User, request.user)
    mine, over = services.may_accept(user, handoff), services.is_over(handoff, at=at)
    kept = brief_load(handoff.brief, reader=user)
    brief = kept or (None if over else brief_of(handoff, reader=user, at=at))
    initial = {} if handoff.complete is None else {"complete": "yes" if handoff.complete else "no"}
    context = {
        "at": at,
        "handoff": handoff,
        "schedule": handoff.schedule,
        "role": role_words(handoff.role),
        "over": over,
        "brief": brief,
        "kept": kept is not None,
        "may_accept": mine and handoff.accepted_at is None and not over,
        "may_rate": mine and handoff.accepted_at is not None,
        "shows_rating": services.may_see_rating(user, handoff),
        "may_note": services.may_note(user, handoff.schedule, at=at),
        "watch_items": services.watch_items(handoff.schedule),
        "note_form": note_form or NoteForm(),
        "rate_form": rate_form or RateForm(initial={**initial, "remark": handoff.remark}),
    }
    return render(request, "incidents/handoff.html", context, status=status)


@require_safe
@role_required(*READERS)
def handoff_next(request: HttpRequest, slug: str) -> HttpResponse:
    """The brief as it would be now, where whoever is on call prepares the next handoff."""
    schedule = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    return _render_next(request, schedule, at=now())


def _render_next(
    request: HttpRequest, schedule: Schedule, *, at: datetime, note_form: NoteForm | None = None, status: int = 200
) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "at": at,
        "schedule": schedule,
        "brief": brief_next(schedule, reader=user, at=at),
        "current": services.current_handoffs(schedule, at=at),
        "may_note": services.may_note(user, schedule, at=at),
        "watch_items": services.watch_items(schedule),
        "note_form": note_form or NoteForm(),
    }
    return render(request, "incidents/handoff_next.html", context, status=status)


@require_POST
@role_required(*ACTORS)
def handoff_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm that one has read the brief, with one tap."""
    at, user, handoff = now(), cast(User, request.user), _handoff(pk)
    brief = brief_dump(brief_of(handoff, reader=user, at=at)) if services.may_accept(user, handoff) else {}
    try:
        services.handoff_accept(handoff=handoff, actor=user, at=at, brief=brief)
    except DomainError as error:
        tell_refusal(request, error)
        return _render_handoff(request, handoff, at=at, status=status_of(error))
    messages.success(request, _("You have accepted the handoff of %(name)s.") % {"name": handoff.schedule.name})
    return see_other(services.handoff_url(handoff))


@require_POST
@role_required(*ACTORS)
def handoff_rate(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whether the brief was complete; may be said again."""
    at, user, handoff = now(), cast(User, request.user), _handoff(pk)
    if not services.may_accept(user, handoff):
        raise PermissionDenied(_("Only whoever has come on call says whether the brief was complete."))
    form = RateForm(request.POST)
    if not form.is_valid():
        return _render_handoff(request, handoff, at=at, rate_form=form, status=422)
    try:
        services.handoff_rate(
            handoff=handoff,
            actor=user,
            complete=form.cleaned_data["complete"] == YES,
            remark=form.cleaned_data["remark"],
            at=at,
        )
    except DomainError as error:
        refuse(form, error)
        return _render_handoff(request, handoff, at=at, rate_form=form, status=status_of(error))
    messages.success(request, _("Thank you. Whoever handed over to you and the managers see it."))
    return see_other(services.handoff_url(handoff))


@require_POST
@role_required(*ACTORS)
def handoff_note(request: HttpRequest, slug: str) -> HttpResponse:
    """Leave a note or a watch item for the next person; ``handoff`` names the page it was written on."""
    at, user = now(), cast(User, request.user)
    schedule = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    handoff = _written_on(request, schedule)
    form = NoteForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            services.handoff_note_create(schedule=schedule, author=user, at=at, **form.cleaned_data)
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
        else:
            messages.success(request, _("The next person will find it in the brief."))
            return see_other(_page_of(schedule, handoff))
    if handoff is not None:
        return _render_handoff(request, handoff, at=at, note_form=form, status=status)
    return _render_next(request, schedule, at=at, note_form=form, status=status)


@require_POST
@role_required(*ACTORS)
def handoff_note_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick a watch item off."""
    at, user = now(), cast(User, request.user)
    note = get_object_or_404(HandoffNote.objects.select_related("schedule"), pk=pk)
    try:
        services.handoff_note_done(note=note, actor=user, at=at)
    except DomainError as error:
        tell_refusal(request, error)
        return _render_next(request, note.schedule, at=at, status=status_of(error))
    messages.success(request, _("Ticked off: it leaves the briefs to come."))
    return see_other(_page_of(note.schedule, _written_on(request, note.schedule)))


def _written_on(request: HttpRequest, schedule: Schedule) -> Handoff | None:
    """The handoff on whose page the form stood, if it was one of this schedule's."""
    number = request.POST.get("handoff", "")
    if not number.isdecimal() or len(number) > 9:
        return None
    found = Handoff.objects.select_related("schedule__team", "incoming", "outgoing")
    return found.filter(pk=int(number), schedule=schedule).first()


def _page_of(schedule: Schedule, handoff: Handoff | None) -> str:
    """Back to where the reader was."""
    return services.handoff_url(handoff) if handoff else reverse("incidents:handoff_next", args=(schedule.slug,))
