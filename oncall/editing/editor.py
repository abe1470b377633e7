"""One request to write a schedule: what it begins from, what it offers, what it brings, and saving it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from oncall.editing.check import Checked, Known, Moment, Problem, check
from oncall.editing.documents import draft_of, local_text
from oncall.editing.draft import Draft, LayerDraft
from oncall.editing.history import Change, changes_between, lines_of, names_of
from oncall.editing.page import Offered, people_offered
from oncall.editing.permissions import teams_of
from oncall.editing.preview import Preview, preview_made
from oncall.editing.services import ScheduleValues, schedule_create, schedule_edit
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota import RotaError, ScheduleSpec
from oncall.rota.clock import zone_named
from oncall.selectors import Loaded, definition_spec, schedules_load

UNSAVED = 0
"""The id a schedule goes by in previews before it has one."""


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


# --- where it begins


def newest_of(schedule: Schedule) -> ScheduleVersion | None:
    return schedule.versions.select_related("author").order_by("-number").first()


def draft_at(schedule: Schedule, version: ScheduleVersion | None, at: datetime) -> Draft:
    team = str(schedule.team_id or "")
    if version is None:
        return Draft(name=schedule.name, team=team, time_zone=schedule.time_zone)
    spec = definition_spec(version.definition)
    return draft_of(spec, name=schedule.name, team=team, since=_local(at, zone_named(spec.time_zone)))


def moment_at(schedule: Schedule, newest: ScheduleVersion | None, at: datetime) -> Moment:
    """Now; or, where a version is planned already, when that begins: an edit cannot come before it."""
    if newest is None or newest.effective_from <= at:
        return Moment()
    zone = zone_named(definition_spec(newest.definition).time_zone)
    return Moment("at", local_text(_local(newest.effective_from, zone)))


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0, microsecond=0)


def first_draft(user: User, at: datetime) -> Draft:
    team = next(iter(teams_of(user)), None)
    draft = Draft(team=str(team.pk) if team else "", time_zone=team.time_zone if team else user.time_zone)
    people = people_offered(team_id=team.pk, named=(), offer="") if team else ()
    turns = [[pk] for _label, choices in people for pk, _name in choices]
    draft.layers.append(
        LayerDraft(
            name=_("Weekly"),
            start=monday_of(draft, at),
            handoff_weekday="mon",
            handoff_time="09:00",
            turns=turns or [[]],
        )
    )
    return draft


def monday_of(draft: Draft, at: datetime) -> str:
    """Monday of this week, 09:00: a turn that has begun, so that somebody is on call at once."""
    today = _local(at, zone_named(draft.time_zone))
    monday = today - timedelta(days=today.weekday())
    return local_text(monday.replace(hour=9, minute=0, second=0))


# --- what it offers


def offered_to(editor: Editor) -> Offered:
    teams = teams_of(editor.reader)
    every_team = list(Team.objects.order_by("name"))
    own = editor.schedule.team if editor.schedule else None
    listed = teams if own is None or own in teams else [own, *teams]
    others = Schedule.objects.exclude(pk=editor.schedule.pk if editor.schedule else UNSAVED).order_by("name")
    team_id = next((team.pk for team in every_team if str(team.pk) == editor.draft.team), None)
    return Offered(
        teams=[("", _("No team")), *((str(team.pk), team.name) for team in listed)],
        every_team=[("", _("No team: only the people below")), *((str(team.pk), team.name) for team in every_team)],
        schedules=[("", _("Choose one")), *((one.slug, one.name) for one in others)],
        people=people_offered(team_id=team_id, named=editor.draft.people(), offer=editor.offer),
        offer=editor.offer,
    )


# --- what it brings


def edit_check(editor: Editor) -> Checked:
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


def edit_preview(editor: Editor, spec: ScheduleSpec, effective_from: datetime) -> Preview | Problem:
    """What the edit brings, or why it cannot be."""
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


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else saved meanwhile."""

    version: ScheduleVersion
    changes: tuple[Change, ...]


def theirs_of(base: ScheduleVersion | None, newest: ScheduleVersion) -> Theirs:
    specs = [definition_spec(one.definition) for one in (base, newest) if one is not None]
    names = names_of(specs)
    texts = [lines_of(spec, names) for spec in specs]
    return Theirs(newest, changes_between(texts[0] if base else {}, texts[-1]))


# --- saving it


def edit_save(editor: Editor, checked: Checked, *, accept_gaps: bool) -> Schedule:
    """Raises what ``schedule_create`` and ``schedule_edit`` raise."""
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
