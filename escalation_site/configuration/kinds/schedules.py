"""Schedules: who is on call when."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from audit.rows import row_set
from escalation_site.configuration.definitions import problems_placed, unknown_fields
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Flag, Reference, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from escalation_site.configuration.kinds.users import KIND as USERS
from escalation_site.configuration.problems import Keys
from oncall.gaps import GapsOpened
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota import ScheduleSpec
from oncall.rota_document import SCHEDULE_SCHEMA, DocumentInvalid, document_dump, document_load
from oncall.services import schedule_publish

ACCEPT_GAPS = "accept_gaps"
_NAMED_GAPS = 3
_DEFINITION: Mapping[str, Any] = SCHEDULE_SCHEMA["properties"]


class Schedules(Kind):
    section = "schedules"
    help = "Schedules, by slug; people by user name. A change is a new version in force from now on: the past stays."
    model = Schedule
    after = ("users", "teams")
    fields = (
        Text("name", "Name, unique among schedules.", required=True, most=100),
        Reference("team", "The team that serves it.", section="teams"),
        Flag(
            ACCEPT_GAPS,
            "true: a change may leave nobody on call on a path in use; without it such a change is refused, naming when.",
        ),
    )

    def properties(self) -> dict[str, Any]:
        return {**super().properties(), **_DEFINITION}

    def own_name(self, fields: Fields) -> str | None:
        return (fields.get("definition") or {}).get("follow")

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        data = {name: item.data[name] for name in _DEFINITION if item.data.get(name) is not None}
        if not data and exists:
            return given
        noted: set[Keys] = set()
        for name in data:
            noted |= unknown_fields(item.members[name], _DEFINITION[name], SCHEDULE_SCHEMA)
        numbers = _Numbers(scope)
        try:
            spec = document_load(data, resolve_user=numbers.of, resolve_team=numbers.of_team)
        except DocumentInvalid as error:
            problems_placed(item, ((problem.keys, problem.message) for problem in error.problems), noted=noted)
            return given
        if not noted and self._follows_hold(item, spec, scope):
            given["definition"] = document_dump(spec, name_user=numbers.name, name_team=numbers.team_name)
        return given

    def _follows_hold(self, item: Item, spec: ScheduleSpec, scope: Scope) -> bool:
        return not spec.follows or isinstance(scope.reference(item.members["follow"], self.section), str)

    def current(self) -> dict[str, Fields]:
        names = dict(User.objects.values_list("pk", "username"))
        teams = dict(Team.objects.values_list("pk", "slug"))
        definitions = {
            version.schedule_id: document_dump(
                document_load(version.definition),
                name_user=lambda pk: names.get(pk, pk),
                name_team=lambda pk: teams.get(pk, pk),
            )
            for version in ScheduleVersion.objects.order_by("schedule", "number")
        }
        return {
            schedule.slug: {
                "name": schedule.name,
                "team": schedule.team.slug if schedule.team else None,
                "definition": definitions.get(schedule.pk),
            }
            for schedule in Schedule.objects.select_related("team")
        }

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        # A word about the change and not about the schedule.
        return name != ACCEPT_GAPS and super().differs(name, before, wanted)

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Schedule:
        schedule = Schedule.objects.filter(slug=name).first() or Schedule(slug=name)
        values = {"name": changed["name"]} if "name" in changed else {}
        if "team" in changed:
            values["team"] = writing.row(TEAMS, changed["team"])
        definition = changed.get("definition")
        if definition is not None:
            values["time_zone"] = definition["time_zone"]
        row_set(schedule, values, noun="schedule", at=writing.at, actor=writing.actor, user=writing.user)
        if definition is not None:
            # Stored with ids: a person who changes their user name stays on call.
            stored = document_dump(
                document_load(
                    definition,
                    resolve_user=lambda username: writing.row(USERS, username).pk,
                    resolve_team=lambda slug: writing.row(TEAMS, slug).pk,
                )
            )
            try:
                schedule_publish(
                    schedule=schedule,
                    definition=stored,
                    author=writing.user,
                    at=writing.at,
                    reason=writing.reason,
                    accept_gaps=bool(wanted.get(ACCEPT_GAPS)),
                )
            except GapsOpened as error:
                raise ValidationError({ACCEPT_GAPS: _gaps_words(error, definition["time_zone"])}) from error
        return schedule


def _gaps_words(error: GapsOpened, zone: str) -> str:
    """The refusal with the first gaps, on the schedule's clock."""
    named = "; ".join(
        f"{gap.role} {gap.start.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} – {gap.end.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
        for gap in error.gaps[:_NAMED_GAPS]
    )
    return f"{error.message} {named}{' …' if len(error.gaps) > _NAMED_GAPS else ''}"


class _Numbers:
    """Stand-ins for ids of people and teams that the file may only be about to create."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._numbers: dict[str, int] = {}
        self._teams: dict[str, int] = {}

    def of(self, username: str) -> int | None:
        if not self._scope.knows("users", username):
            return None
        return self._numbers.setdefault(username, len(self._numbers) + 1)

    def of_team(self, slug: str) -> int | None:
        if not self._scope.knows("teams", slug):
            return None
        return self._teams.setdefault(slug, len(self._teams) + 1)

    def team_name(self, number: int) -> str | int:
        return {number: slug for slug, number in self._teams.items()}.get(number, number)

    def name(self, number: int) -> str | int:
        return {number: name for name, number in self._numbers.items()}.get(number, number)


KIND = Schedules()
