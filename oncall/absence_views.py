"""Absences: planning one and seeing first who would step in, taking it back, and the managers' list."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall import absences, permissions
from oncall.access import role_required
from oncall.exchange_forms import AbsenceForm
from oncall.models import Absence, Swap, User
from oncall.previews import Line, lines

ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
MANAGERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
PER_PAGE = 50
HOLIDAYS_SHOWN = timedelta(weeks=4)

Act = Callable[[Absence, User, datetime], Absence]

ACTS: dict[str, Act] = {
    "approve": lambda absence, user, at: absences.absence_approve(absence=absence, actor=user, at=at),
    "decline": lambda absence, user, at: absences.absence_decline(absence=absence, actor=user, at=at),
    "cancel": lambda absence, user, at: absences.absence_cancel(absence=absence, actor=user, at=at),
    "keep": lambda absence, user, at: absences.holiday_keep(absence=absence, actor=user, at=at),
}


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*ACTORS)
def absence_new(request: HttpRequest) -> HttpResponse:
    """The form; "Preview" shows who would step in and what nobody would hold, "Save" saves it."""
    at, user = now(), cast(User, request.user)
    if request.method != "POST":
        return _render_new(request, AbsenceForm(planner=user, at=at, initial=_initial(request)), at)
    form = AbsenceForm(request.POST, planner=user, at=at)
    if not form.is_valid():
        return _render_new(request, form, at, status=422)
    data = form.cleaned_data
    window = {"user": data["person"], "start": data["starts_at"], "end": data["ends_at"], "at": at}
    found, kept = lines(absences.absence_changes(**window)), absences.duties_kept(**window)
    gaps = [line for line in found if line.change.opens_gap]
    if request.POST.get("step") != "save":
        return _render_new(request, form, at, preview=found, kept=kept, previewed=True)
    if gaps and not data["accept_gaps"]:
        form.add_error("accept_gaps", _("Nobody would be on call for some of the time. Mend it, or say that you know."))
        return _render_new(request, form, at, preview=found, kept=kept, previewed=True, status=422)
    try:
        absence = absences.absence_create(
            user=data["person"],
            start=data["starts_at"],
            end=data["ends_at"],
            reason=data["reason"],
            actor=user,
            at=at,
        )
    except DomainError as error:
        field = {"start": "first", "end": "last"}.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, error.message)
        return _render_new(request, form, at, preview=found, kept=kept, previewed=True, status=422)
    messages.success(request, _saved_words(absence))
    return redirect("oncall:mine" if data["person"].pk == user.pk else "oncall:absences")


def _saved_words(absence: Absence) -> str:
    if absence.state == Absence.State.PENDING:
        return _("Saved. It counts once a manager approves it; until then your shifts stay yours.")
    return _("Saved. Whoever steps in is told.")


def _initial(request: HttpRequest) -> dict[str, str]:
    names = ("user", "first", "last", "first_time", "last_time")
    return {name: request.GET[name] for name in names if request.GET.get(name)}


def _render_new(
    request: HttpRequest,
    form: AbsenceForm,
    at: datetime,
    *,
    preview: list[Line] | None = None,
    kept: Sequence[absences.Kept] = (),
    previewed: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "at": at,
        "form": form,
        "previewed": previewed,
        "lines": preview or [],
        "kept": kept,
        "gaps": [line for line in preview or [] if line.change.opens_gap],
        "person": form.cleaned_data.get("person") if previewed else None,
    }
    return render(request, "oncall/absence.html", context, status=status)


@require_safe
@role_required(*MANAGERS)
def absence_list(request: HttpRequest) -> HttpResponse:
    """What waits for a manager's word, absences and swaps, and who is away now and soon."""
    at, user = now(), cast(User, request.user)
    people = Absence.objects.select_related("user", "decided_by", "created_by")
    pending = people.filter(state=Absence.State.PENDING, end__gt=at)
    # Everybody's public holidays of a year would hide what somebody planned.
    soon = Q(kind=Absence.Kind.AWAY) | Q(kind=Absence.Kind.HOLIDAY, start__lt=at + HOLIDAYS_SHOWN)
    coming = people.filter(soon, state=Absence.State.APPROVED, end__gt=at)
    shown = Paginator(coming.order_by("start", "id"), PER_PAGE).get_page(request.GET.get("page"))
    waiting = Swap.objects.filter(state=Swap.State.WAITING).select_related("schedule", "requester", "accepted_by")
    context = {
        "at": at,
        "pending": [(one, permissions.may_decide_absence(user, one)) for one in pending],
        "swaps": [(one, permissions.may_decide_swap(user, one)) for one in waiting.order_by("expires_at")],
        "page": shown,
    }
    return render(request, "oncall/absences.html", context)


@require_POST
@role_required(*ACTORS)
def absence_act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Take back, or keep, one's own; for managers: approve, decline."""
    user, at = cast(User, request.user), now()
    absence = get_object_or_404(Absence.objects.select_related("user"), pk=pk)
    if verb not in ACTS:
        raise Http404
    try:
        ACTS[verb](absence, user, at)
    except NotAllowed as error:
        raise PermissionDenied(error.message) from error
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _done_words(verb))
    return redirect("oncall:absences" if user.may_manage and user.pk != absence.user_id else "oncall:mine")


def _done_words(verb: str) -> str:
    match verb:
        case "approve":
            return _("Approved; the person and whoever steps in are told.")
        case "decline":
            return _("Declined; the person is told.")
        case "keep":
            return _("You are off that day again.")
        case _:
            return _("Taken back: the rotation decides again.")
