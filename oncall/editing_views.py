"""Writing a rotation: the form with its live preview, saving it, and the versions so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.editing.acts import act
from oncall.editing.check import Checked, Known, Moment, Problem, check
from oncall.editing.draft import Draft, LayerDraft, draft_of, draft_sent, local_text
from oncall.editing.history import Change, changes_between, history_of, lines_of, names_of
from oncall.editing.page import Offered, editor_page, people_offered, wrong_lines
from oncall.editing.permissions import may_edit, teams_of
from oncall.editing.preview import Preview, preview_made
from oncall.editing.services import EditedMeanwhile, ScheduleValues, schedule_create, schedule_edit
from oncall.gaps import GapsOpened
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota import RotaError, ScheduleSpec
from oncall.rota.clock import zone_named
from oncall.selectors import Loaded, definition_spec, schedules_load
from oncall.zones import time_zone_names

MANAGERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
UNSAVED = 0
"""The id a schedule goes by in previews before it has one."""
USUAL_ROLES = ("primary", "secondary")


@dataclass(frozen=True, slots=True)
class Editor:
    """One request to write a schedule: a new one where ``schedule`` is None. ``base`` is the version it stems from."""

    schedule: Schedule | None
    base: ScheduleVersion | None
    draft: Draft
    moment: Moment
    reader: User
    at: datetime
    offer: str = ""
    focus: str = ""

    @property
    def zone(self) -> ZoneInfo:
        try:
            return zone_named(self.draft.time_zone)
        except RotaError:
            return ZoneInfo("UTC")


# --- pages


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def schedule_new(request: HttpRequest) -> HttpResponse:
    """A rotation for one of the reader's teams: filled in with its people, week by week from Monday morning."""
    at, user = now(), cast(User, request.user)
    if request.method != "POST":
        return _shown(request, Editor(None, None, _first_draft(user, at), Moment(), user, at))
    return _answer(request, _sent(request, None, user, at))


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def schedule_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a rotation; ``?version=`` begins from an earlier one, which saving puts in force again."""
    at, user, found = now(), cast(User, request.user), _schedule(request, slug)
    if request.method == "POST":
        return _answer(request, _sent(request, found, user, at))
    newest = _newest(found)
    source = newest
    if "version" in request.GET:
        number = request.GET["version"]
        source = get_object_or_404(found.versions, number=int(number[:9]) if number.isdecimal() else 0)
    moment = _moment(found, newest, at)
    if source is not None and source != newest:
        moment = replace(moment, reason=_("Version %(number)d again") % {"number": source.number})
    return _shown(request, Editor(found, newest, _draft(found, source, at), moment, user, at))


@require_POST
@role_required(*MANAGERS)
def preview(request: HttpRequest, slug: str = "") -> HttpResponse:
    """What the form as it stands would bring: the part of the page that follows every change."""
    at, user = now(), cast(User, request.user)
    editor = _sent(request, _schedule(request, slug) if slug else None, user, at)
    with timezone.override(editor.zone):
        return render(request, "oncall/partials/_edit_preview.html", _preview_context(request, editor))


@require_safe
@role_required(*READERS)
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version: who saved it, when, why, and what it changed."""
    at, found = now(), get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    context = {
        "at": at,
        "schedule": found,
        "past": history_of(found, at=at),
        "may_edit": may_edit(cast(User, request.user), found),
    }
    return render(request, "oncall/edit_history.html", context)


# --- reading the request


def _schedule(request: HttpRequest, slug: str) -> Schedule:
    found = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    if not may_edit(cast(User, request.user), found):
        raise PermissionDenied(_("Only managers of its team change a schedule."))
    return found


def _newest(schedule: Schedule) -> ScheduleVersion | None:
    return schedule.versions.select_related("author").order_by("-number").first()


def _sent(request: HttpRequest, schedule: Schedule | None, user: User, at: datetime) -> Editor:
    number = request.POST.get("base", "")
    base = None
    if schedule is not None and number.isascii() and number.isdecimal():
        base = schedule.versions.filter(number=int(number[:9])).first()
    offer = "all" if "all" in (request.POST.get("offer"), request.POST.get("do", "").removeprefix("offer-")) else ""
    return Editor(schedule, base, draft_sent(request.POST), Moment.sent(request.POST), user, at, offer)


def _draft(schedule: Schedule, version: ScheduleVersion | None, at: datetime) -> Draft:
    team = str(schedule.team_id or "")
    if version is None:
        return Draft(name=schedule.name, team=team, time_zone=schedule.time_zone)
    spec = definition_spec(version.definition)
    return draft_of(spec, name=schedule.name, team=team, since=_local(at, zone_named(spec.time_zone)))


def _moment(schedule: Schedule, newest: ScheduleVersion | None, at: datetime) -> Moment:
    """Now; or, where a version is planned already, when that begins: an edit cannot come before it."""
    if newest is None or newest.effective_from <= at:
        return Moment()
    zone = zone_named(definition_spec(newest.definition).time_zone)
    return Moment("at", local_text(_local(newest.effective_from, zone)))


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0, microsecond=0)


def _first_draft(user: User, at: datetime) -> Draft:
    team = next(iter(teams_of(user)), None)
    draft = Draft(team=str(team.pk) if team else "", time_zone=team.time_zone if team else user.time_zone)
    people = people_offered(team_id=team.pk, named=(), offer="") if team else ()
    turns = [[pk] for _label, choices in people for pk, _name in choices]
    draft.layers.append(
        LayerDraft(
            name=_("Weekly"),
            start=_monday(draft, at),
            handoff_weekday="mon",
            handoff_time="09:00",
            turns=turns or [[]],
        )
    )
    return draft


def _monday(draft: Draft, at: datetime) -> str:
    """Monday of this week, 09:00: a turn that has begun, so that somebody is on call at once."""
    today = _local(at, zone_named(draft.time_zone))
    monday = today - timedelta(days=today.weekday())
    return local_text(monday.replace(hour=9, minute=0, second=0))


# --- answering it


def _answer(request: HttpRequest, editor: Editor) -> HttpResponse:
    wanted = request.POST.get("do", "")
    if wanted == "save":
        return _save(request, editor)
    try:
        start = _monday(editor.draft, editor.at)
    except RotaError:
        start = ""
    focus = act(editor.draft, wanted, start=start)
    if wanted == "offer-all":
        focus = "offered"
    # Checking is what whoever presses "preview" asks for; whoever adds a row is not told yet that it is empty.
    checked = _check(editor).problems if wanted == "preview" else ()
    return _shown(request, replace(editor, focus=focus), problems=checked)


def _save(request: HttpRequest, editor: Editor) -> HttpResponse:
    checked = _check(editor)
    if checked.problems or checked.spec is None:
        return _shown(request, editor, problems=checked.problems, status=422)
    brings = _preview(editor, checked.spec, checked.effective_from)
    if isinstance(brings, Problem):
        return _shown(request, editor, problems=[brings], status=422)
    accepted = request.POST.get("accept_gaps") == brings.holes_key
    if accepted and brings.must_accept and not editor.moment.reason:
        return _shown(request, editor, problems=[Problem("reason", _("Say why nobody is needed then."))], status=422)
    try:
        saved = _saved(editor, checked, accept_gaps=accepted)
    except GapsOpened as error:
        return _shown(request, editor, problems=[Problem("accept_gaps", error.message)], status=422)
    except EditedMeanwhile as error:
        return _shown(request, replace(editor, base=error.newest), theirs=(editor.base, error.newest), status=409)
    except DomainError as error:
        return _shown(request, editor, problems=[Problem(error.field, error.message)], status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
    for warning in (*brings.clashes, *brings.overloads):
        messages.warning(request, warning)
    return redirect(saved)


def _saved(editor: Editor, checked: Checked, *, accept_gaps: bool) -> Schedule:
    draft = editor.draft
    values = ScheduleValues(
        name=draft.name, team=Team.objects.filter(pk=int(draft.team)).first() if draft.team else None
    )
    effective_from = checked.effective_from if editor.moment.in_force == "at" else None
    definition = checked.definition or {}
    if editor.schedule is None:
        return schedule_create(
            values=values,
            definition=definition,
            author=editor.reader,
            at=editor.at,
            effective_from=effective_from,
            reason=editor.moment.reason,
        )
    version = schedule_edit(
        schedule=editor.schedule,
        base=editor.base.number if editor.base else 0,
        values=values,
        definition=definition,
        author=editor.reader,
        at=editor.at,
        effective_from=effective_from,
        reason=editor.moment.reason,
        accept_gaps=accept_gaps,
    )
    return version.schedule


def _check(editor: Editor) -> Checked:
    people = User.objects.filter(pk__in=editor.draft.people()).values_list("pk", flat=True)
    own = {team.pk for team in teams_of(editor.reader)}
    if editor.schedule is not None and editor.schedule.team_id:
        own.add(editor.schedule.team_id)
    known = Known(
        people=set(people),
        teams=dict(Team.objects.values_list("pk", "name")),
        schedules=dict(Schedule.objects.values_list("slug", "name")),
        own_teams=own,
    )
    return check(editor.draft, editor.moment, known=known, at=editor.at)


def _before(editor: Editor) -> Loaded:
    """The schedule as it is; one that is not saved yet says nothing."""
    schedule = editor.schedule or Schedule(pk=UNSAVED, name=editor.draft.name or _("The new schedule"))
    return schedules_load([schedule], since=editor.at)[schedule.pk]


def _preview(editor: Editor, spec: ScheduleSpec, effective_from: datetime) -> Preview | Problem:
    """What the edit brings, or why it cannot be."""
    newest = _newest(editor.schedule) if editor.schedule else None
    if newest is not None and effective_from < newest.effective_from:
        return Problem("effective_from", _("A version cannot begin before the one it follows."))
    before = _before(editor)
    try:
        after = before.with_definition(spec, effective_from=effective_from)
    except RotaError as error:
        return Problem("follow" if error.field == "follows" else error.field, error.message)
    return preview_made(
        before,
        after,
        named=editor.draft.people(),
        effective_from=effective_from,
        at=editor.at,
        zone=editor.zone,
    )


# --- the page


def _shown(
    request: HttpRequest,
    editor: Editor,
    *,
    problems: Sequence[Problem] = (),
    theirs: tuple[ScheduleVersion | None, ScheduleVersion] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or for htmx the editor alone. Every time on it is on the schedule's clock."""
    teams = teams_of(editor.reader)
    every_team = list(Team.objects.order_by("name"))
    own = editor.schedule.team if editor.schedule else None
    listed = teams if own is None or own in teams else [own, *teams]
    others = Schedule.objects.exclude(pk=editor.schedule.pk if editor.schedule else UNSAVED).order_by("name")
    team_id = int(editor.draft.team) if editor.draft.team.isdecimal() else None
    offered = Offered(
        teams=[("", _("No team")), *((str(team.pk), team.name) for team in listed)],
        every_team=[("", _("No team: only the people below")), *((str(team.pk), team.name) for team in every_team)],
        schedules=[("", _("Choose one")), *((one.slug, one.name) for one in others)],
        people=people_offered(team_id=team_id, named=editor.draft.people(), offer=editor.offer),
        offer=editor.offer,
    )
    context = {
        **_preview_context(request, editor),
        "page": editor_page(editor.draft, editor.moment, offered=offered, problems=problems, focus=editor.focus),
        "usual_roles": USUAL_ROLES,
        "zones": time_zone_names(),
        "theirs": _theirs(*theirs) if theirs else None,
    }
    template = "oncall/partials/_editor.html" if request.headers.get("HX-Request") else "oncall/edit.html"
    with timezone.override(editor.zone):
        return render(request, template, context, status=status)


def _preview_context(request: HttpRequest, editor: Editor) -> dict[str, object]:
    checked = _check(editor)
    brings: Preview | None = None
    unread: Sequence[Problem] = checked.problems
    if checked.spec is not None and not any(one.field == "effective_from" for one in unread):
        made = _preview(editor, checked.spec, checked.effective_from)
        if isinstance(made, Problem):
            unread = [*unread, made]
        else:
            brings = made
    slug = editor.schedule.slug if editor.schedule else ""
    return {
        "at": editor.at,
        "schedule": editor.schedule,
        "base": editor.base,
        "brings": brings,
        "unread": wrong_lines(unread, editor.draft),
        "effective_from": checked.effective_from,
        "in_force": editor.moment.in_force,
        "accepted": bool(brings and request.POST.get("accept_gaps") == brings.holes_key),
        "zone_name": editor.zone.key,
        "form_url": reverse("oncall:schedule_edit", args=(slug,)) if slug else reverse("oncall:schedule_new"),
        "preview_url": reverse("oncall:schedule_edit_preview", args=(slug,))
        if slug
        else reverse("oncall:schedule_new_preview"),
    }


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else saved meanwhile."""

    version: ScheduleVersion
    changes: tuple[Change, ...]


def _theirs(base: ScheduleVersion | None, newest: ScheduleVersion) -> Theirs:
    specs = [definition_spec(one.definition) for one in (base, newest) if one is not None]
    names = names_of(specs)
    texts = [lines_of(spec, names) for spec in specs]
    return Theirs(newest, changes_between(texts[0] if base else {}, texts[-1]))
