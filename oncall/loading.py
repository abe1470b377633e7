"""Schedules read from the database as values for the rota, whole: versions, what they follow, teams, overrides, absences.

Every surface asks through ``Loaded``: pages, API, feeds, the engine and reports (DESIGN.md §3).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from oncall import rota
from oncall.models import Absence, Membership, Override, Schedule, ScheduleVersion
from oncall.rota.values import EARLIEST, LATEST
from oncall.rota_document import document_load

# A shift that an override or an absence cut short began before it: without those of the last days its true start would
# not show.
LOOKBACK = timedelta(days=8)
MANY_PEOPLE = 500
"""Above so many people in the schedules asked for, their absences are read without naming them one by one."""

REASONS = {
    Absence.Kind.AWAY.value: rota.AbsenceReason.ABSENCE,
    Absence.Kind.LEFT.value: rota.AbsenceReason.ABSENCE,
    Absence.Kind.HOLIDAY.value: rota.AbsenceReason.HOLIDAY,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A schedule with everything the rota asks for, read once.

    ``versions`` are complete: what a schedule follows and the members of its team are in them. The ``with_…`` methods give
    what the schedule would be, for previews.
    """

    schedule: Schedule
    versions: tuple[rota.Version, ...]
    overrides: tuple[rota.Override, ...] = ()
    absences: tuple[rota.Absence, ...] = ()
    library: "Library | None" = field(default=None, repr=False, compare=False)

    def shifts(self, *, since: datetime, until: datetime, whole: bool = False) -> tuple[rota.Shift, ...]:
        if not self.versions:
            return ()
        return rota.shifts(
            self.versions,
            since=since,
            until=until,
            overrides=self.overrides,
            absences=self.absences,
            whole=whole,
        )

    def on_call_at(self, at: datetime) -> tuple[rota.Shift, ...]:
        if not self.versions:
            return ()
        return rota.on_call_at(self.versions, at=at, overrides=self.overrides, absences=self.absences)

    def held_at(self, at: datetime) -> tuple[rota.Shift, ...]:
        """As ``on_call_at`` for those who only ask until when: the starts may be ``at``. Looks ahead and not back."""
        until = at + LOOKBACK
        coming = self.shifts(since=at, until=until)
        found = [shift for shift in coming if shift.start == at]
        if any(shift.end >= until for shift in found):
            return self.on_call_at(at)
        spec = self.spec_at(at)
        rank = {role: number for number, role in enumerate(spec.roles if spec else ())}
        return tuple(sorted(found, key=lambda shift: rank.get(shift.role, len(rank))))

    def layer_shifts(self, *, since: datetime, until: datetime) -> dict[str, tuple[rota.Shift, ...]]:
        if not self.versions:
            return {}
        return rota.layer_shifts(self.versions, since=since, until=until, absences=self.absences)

    def gaps(self, *, since: datetime, until: datetime) -> tuple[rota.Gap, ...]:
        if not self.versions:
            return ()
        return rota.gaps(self.versions, since=since, until=until, overrides=self.overrides, absences=self.absences)

    def overlaps(self, *, since: datetime, until: datetime) -> tuple[rota.Overlap, ...]:
        if not self.versions:
            return ()
        return rota.overlaps(self.versions, since=since, until=until, overrides=self.overrides, absences=self.absences)

    def coverage(self, *, since: datetime, until: datetime) -> tuple[rota.Coverage, ...]:
        if not self.versions:
            return ()
        return rota.coverage(self.versions, since=since, until=until, overrides=self.overrides, absences=self.absences)

    def next_handoff(self, at: datetime) -> rota.Handoff | None:
        if not self.versions:
            return None
        return rota.next_handoff(self.versions, at=at, overrides=self.overrides, absences=self.absences)

    def succession(self, *, at: datetime, role: str) -> tuple[int, ...]:
        """Whom to ask for a role, in order: who is on call, then who would come next."""
        if not self.versions:
            return ()
        return rota.succession(self.versions, at=at, role=role, overrides=self.overrides, absences=self.absences)

    def spec_at(self, at: datetime) -> rota.ScheduleSpec | None:
        """What is in force at an instant."""
        return next((spec for start, spec in reversed(self.versions) if start <= at), None)

    def away_at(self, at: datetime) -> set[int]:
        """Whose absence counts at an instant, of those the schedule names: where holidays are worked, none of those does."""
        spec = self.spec_at(at)
        works = spec is not None and spec.holidays is rota.HolidayRule.WORK
        return {
            one.user_id
            for one in self.absences
            if one.start <= at < one.end and not (works and one.reason is rota.AbsenceReason.HOLIDAY)
        }

    def with_definition(self, spec: rota.ScheduleSpec, *, effective_from: datetime) -> "Loaded":
        """With ``spec`` in force from an instant on. Reads what it follows, its team, and when people new to it are away."""
        kept = tuple(version for version in self.versions if version.effective_from < effective_from)
        library = self.library or Library()
        library.learn([spec])
        added = library.expanded((rota.Version(effective_from, spec),), of=self.schedule.slug)
        known = {user for _start, old in self.versions for user in people_of(old)}
        joining = {user for _start, new in added for user in people_of(new)} - known
        away = absences_of(joining, effective_from - LOOKBACK) if joining else {}
        more = (absence for user in sorted(joining) for absence in away.get(user, ()))
        absences = tuple(dict.fromkeys((*self.absences, *more)))
        return replace(self, versions=(*kept, *added), absences=absences, library=library)

    def with_overrides(self, *more: rota.Override) -> "Loaded":
        last = max((one.order for one in self.overrides), default=0)
        placed = (replace(one, order=last + number) for number, one in enumerate(more, 1))
        return replace(self, overrides=(*self.overrides, *placed))

    def with_absences(self, *more: rota.Absence) -> "Loaded":
        return replace(self, absences=(*self.absences, *more))

    def without_override(self, override_id: int) -> "Loaded":
        return replace(self, overrides=tuple(one for one in self.overrides if one.id != override_id))


_specs: dict[bytes, rota.ScheduleSpec] = {}


def definition_spec(definition: Mapping[str, Any]) -> rota.ScheduleSpec:
    """A stored definition as a value, parsed once per process: remembered by content, since versions never change."""
    key = orjson.dumps(definition)
    if key not in _specs:
        if len(_specs) > 2000:
            _specs.clear()
        _specs[key] = document_load(definition)
    return _specs[key]


def schedules_load(schedules: Collection[Schedule], *, since: datetime, starts: bool = True) -> dict[int, Loaded]:
    """The schedules with their versions, and the overrides and absences that end after ``since``.

    Without ``starts``, what ended before ``since`` is left out altogether: people and ends of shifts are true, and a shift
    that somebody else's time cut short may seem to have begun before it. Three queries, however many schedules; one more
    for each step of following, one where a schedule names a team.
    """
    library = Library()
    library.read(schedules)
    ended_after = since - LOOKBACK if starts else since
    overrides = _overrides(library.ids, ended_after)
    return put_together(schedules, library, overrides, lambda people: absences_of(people, ended_after))


def put_together(
    schedules: Collection[Schedule],
    library: "Library",
    overrides: Mapping[int, Sequence[rota.Override]],
    away_of: Callable[[Collection[int]], Mapping[int, Sequence[rota.Absence]]],
) -> dict[int, Loaded]:
    """The schedules with what was read of them; ``away_of`` is asked once, for the absences of everybody they concern."""
    versions = {schedule.pk: library.expanded(library.versions[schedule.pk]) for schedule in schedules}
    acting = {schedule.pk: library.stacked(schedule.pk, overrides) for schedule in schedules}
    people = {pk: _concerned(versions[pk], acting[pk]) for pk in versions}
    away = away_of({user for several in people.values() for user in several})
    return {
        schedule.pk: Loaded(
            schedule,
            versions[schedule.pk],
            acting[schedule.pk],
            # Those of its own people only: each schedule looks through all it is given.
            tuple(absence for user in sorted(people[schedule.pk]) for absence in away.get(user, ())),
            library,
        )
        for schedule in schedules
    }


Members = Sequence[tuple[datetime, rota.Group]]
"""Who was in a team, from each change on."""


class Library:
    """The versions of schedules, of those they follow, and the members their teams had, as far as they were needed."""

    def __init__(self, members: Mapping[int, "Members"] | None = None) -> None:
        """``members`` are those of teams, where they were read already."""
        self.versions: dict[int, tuple[rota.Version, ...]] = {}
        self._ids: dict[str, int] = {}
        self._members: dict[int, Members] = dict(members or {})

    @property
    def ids(self) -> Collection[int]:
        return self.versions.keys()

    @property
    def teams(self) -> Collection[int]:
        """Those that the schedules name."""
        specs = (spec for versions in self.versions.values() for _start, spec in versions)
        return {spec.team for spec in specs if spec.team is not None}

    def read(self, schedules: Collection[Schedule]) -> None:
        rows = ScheduleVersion.objects.filter(schedule__in=[schedule.pk for schedule in schedules])
        ordered = rows.order_by("schedule", "number").values_list("schedule_id", "effective_from", "definition")
        self.take(schedules, ordered)

    def take(self, schedules: Collection[Schedule], rows: Iterable[tuple[int, datetime, Mapping[str, Any]]]) -> None:
        """``schedules`` and the rows of their versions, by number. What they lead to is read, unless it is known."""
        found: dict[int, list[rota.Version]] = {schedule.pk: [] for schedule in schedules}
        for schedule_id, start, definition in rows:
            _follow_up(found[schedule_id], rota.Version(start, definition_spec(definition)))
        self._ids |= {schedule.slug: schedule.pk for schedule in schedules}
        self._keep(found)

    def learn(self, specs: Iterable[rota.ScheduleSpec]) -> None:
        """Read what these follow, and who was in the teams they name, unless it is known."""
        specs = list(specs)
        teams = {spec.team for spec in specs if spec.team is not None} - self._members.keys()
        if teams:
            self._members |= _members_through_time(teams)
        wanted = {spec.follows for spec in specs if spec.follows} - self._ids.keys()
        if wanted:
            self._follow(wanted)

    def expanded(self, versions: Sequence[rota.Version], *, of: str = "") -> tuple[rota.Version, ...]:
        """The versions with what they follow and the members of their teams put in. RotaError for a circle.

        ``of`` names the schedule whose versions these would be, where they are not stored yet: a circle leads through them.
        """
        if all(not spec.follows and spec.team is None for _start, spec in versions):
            return tuple(versions)

        def versions_of(slug: str) -> tuple[rota.Version, ...]:
            return tuple(versions) if of and slug == of else self._versions_of(slug)

        return rota.expand_teams(rota.expand_follows(versions, versions_of), lambda team: self._members.get(team, ()))

    def stacked(self, schedule_id: int, overrides: Mapping[int, Sequence[rota.Override]]) -> tuple[rota.Override, ...]:
        """The overrides that act on a schedule: first those of the ones it follows, while it does, then its own."""
        followed = [
            _clipped(inherited, start, end)
            for start, end, spec in rota.resolve(self.versions[schedule_id], since=EARLIEST, until=LATEST)
            if spec.follows in self._ids
            for inherited in self.stacked(self._ids[spec.follows], overrides)
        ]
        own = tuple(overrides.get(schedule_id, ()))
        kept = tuple(one for one in followed if one is not None)
        return rota.stack_overrides(kept, own) if kept else own

    def _keep(self, found: Mapping[int, Sequence[rota.Version]]) -> None:
        self.versions |= {pk: tuple(versions) for pk, versions in found.items()}
        self.learn(spec for versions in found.values() for _start, spec in versions)

    def _follow(self, slugs: Collection[str]) -> None:
        found: dict[int, list[rota.Version]] = defaultdict(list)
        rows = ScheduleVersion.objects.filter(schedule__slug__in=slugs).select_related("schedule")
        for row in rows.order_by("schedule", "number"):
            self._ids[row.schedule.slug] = row.schedule_id
            _follow_up(found[row.schedule_id], _version(row))
        self._keep(found)

    def _versions_of(self, slug: str) -> tuple[rota.Version, ...]:
        return self.versions.get(self._ids.get(slug, 0), ())


def _follow_up(versions: list[rota.Version], newer: rota.Version) -> None:
    """Add the next version: what was planned from its start on never comes into force."""
    while versions and versions[-1].effective_from >= newer.effective_from:
        versions.pop()
    versions.append(newer)


def _version(row: ScheduleVersion) -> rota.Version:
    return rota.Version(row.effective_from, definition_spec(row.definition))


def _members_through_time(teams: Collection[int]) -> dict[int, Members]:
    """Who was in each team, from each change on: read from the history, which knows the past; one query."""
    history: Any = Membership.history
    rows = history.filter(team_id__in=teams).order_by("history_date", "history_id")
    return members_of(rows.values_list("id", "team_id", "user_id", "history_date", "history_type"), teams)


def members_of(rows: Iterable[tuple[int, int, int, datetime, str]], teams: Iterable[int]) -> dict[int, Members]:
    """The same of each of ``teams`` from the rows of the history, in their order. Pure."""
    changes: dict[int, list[tuple[datetime, rota.Group]]] = {team: [] for team in teams}
    members: dict[int, dict[int, int]] = {team: {} for team in changes}
    for pk, team, user, date, kind in rows:
        if kind == "-":
            members[team].pop(pk, None)
        else:
            members[team][pk] = user
        changes[team].append((date, tuple(dict.fromkeys(members[team].values()))))
    return dict(changes)


_OVERRIDE_FIELDS = ("schedule_id", "id", "kind", "user_id", "start", "end", "replaces_id", "role", "cause")


def _overrides(schedule_ids: Collection[int], ended_after: datetime) -> dict[int, list[rota.Override]]:
    found: dict[int, list[rota.Override]] = defaultdict(list)
    rows = Override.objects.filter(schedule__in=schedule_ids, cancelled_at=None, end__gt=ended_after)
    # Columns and no instances: thousands of them are read to say who is on call on every schedule.
    for schedule_id, *row in rows.order_by("id").values_list(*_OVERRIDE_FIELDS):
        found[schedule_id].append(override_of(*row))
    return found


def override_of(
    pk: int, kind: str, user_id: int, start: datetime, end: datetime, replaces: int | None, role: str, cause: str
) -> rota.Override:
    """What a row says, as a value for the rota."""
    return rota.Override(
        kind=_KINDS[kind],
        user_id=user_id,
        start=start,
        end=end,
        replaces=replaces,
        role=role,
        id=pk,
        order=pk,
        why=_CAUSES[cause],
    )


_KINDS = {kind.value: rota.OverrideKind(kind.value) for kind in Override.Kind}
_CAUSES = {cause.value: rota.Why(cause.value) for cause in Override.Cause}


def _concerned(versions: Iterable[rota.Version], overrides: Iterable[rota.Override]) -> set[int]:
    people = {user for _start, spec in versions for user in people_of(spec)}
    return people.union(one.user_id for one in overrides)


def absences_of(people: Collection[int], ended_after: datetime) -> dict[int, list[rota.Absence]]:
    """By user id, in the order they were entered: one query."""
    rows = Absence.objects.filter(state=Absence.State.APPROVED, end__gt=ended_after)
    if len(people) <= MANY_PEOPLE:
        rows = rows.filter(user__in=people)
    found: dict[int, list[rota.Absence]] = defaultdict(list)
    for user, start, end, kind in rows.order_by("id").values_list("user_id", "start", "end", "kind"):
        found[user].append(absence_of(user, start, end, kind))
    return found


def absence_of(user: int, start: datetime, end: datetime, kind: str) -> rota.Absence:
    """What a row says, as a value for the rota."""
    return rota.Absence(user_id=user, start=start, end=end, reason=REASONS[kind])


def people_of(spec: rota.ScheduleSpec) -> set[int]:
    """Everybody a definition names."""
    groups = [group for layer in spec.layers for group in layer.participants]
    groups += [shift.group for layer in spec.layers for shift in layer.fixed_shifts]
    return {user for group in (*groups, spec.members) for user in group}


def _clipped(override: rota.Override, start: datetime, end: datetime) -> rota.Override | None:
    begins, ends = max(override.start, start), min(override.end, end)
    return replace(override, start=begins, end=ends) if begins < ends else None
