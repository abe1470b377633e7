"""From a level's targets to people, at the moment the level is entered (R040): never earlier, so that a handoff counts."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from notifications.channels import channel_kinds
from notifications.models import Destination
from oncall.loading import Loaded
from oncall.models import Membership, Schedule, Team, User
from oncall.paging import Paged, Selection, Skipped, selections_at
from oncall.rota import skill_reasons
from policies.definition import PLACE_KINDS, Pick, TargetDef, TargetKind
from policies.models import EscalationPolicy
from policies.ports import last_paged
from policies.services import version_definition
from policies.turns import Turns


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to page, and why: names copied at the time, for the page, the timeline and the ledger. ``channels`` are the kinds
    of contact method that their level names, none where they are told by their own."""

    user: User
    why: dict[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A destination to be told, by the name that people know. ``reason`` says why it cannot be: "not_configured" where there
    is none of that name and kind, "switched_off"; "" where it can.
    """

    name: str
    kind: TargetKind
    destination: Destination | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The people a level's targets lead to, each once, in order; and those passed over on the way, for the record.

    ``places`` are the destinations among the targets, also those that cannot be told.
    """

    recipients: tuple[Recipient, ...]
    skipped: tuple[Skipped, ...] = ()
    places: tuple[Place, ...] = ()


_DESTINATIONS = {TargetKind.CHAT_CHANNEL: Destination.Kind.CHAT, TargetKind.WEBHOOK: Destination.Kind.WEBHOOK}

Skills = frozenset[str]
NO_SKILLS: Skills = frozenset()


class TargetResolver:
    """Answers "who is that now?" for one instant; each distinct target is looked up once, however many levels ask for it."""

    def __init__(
        self,
        *,
        at: datetime,
        told: Mapping[int, datetime] | None = None,
        schedules: Callable[[], Mapping[int, Loaded]] | None = None,
    ) -> None:
        """``told`` is who was told when besides what is stored: a simulation's own pages, by user id. ``schedules`` gives all there are
        where a page has them at hand; else those that are named are read."""
        self.at = at
        self._schedules = schedules
        self._told = told or {}
        self._known: dict[tuple[TargetDef, int | None, Skills], Resolution] = {}
        self._teams: dict[int, Team] | None = None
        self._administrators: list[User] | None = None
        self._turns = Turns()

    def recipients(self, targets: Iterable[TargetDef], *, team: Team) -> tuple[Recipient, ...]:
        """The people of all ``targets``, each once, in order. ``team`` owns the incident's service."""
        return self.resolve(targets, team=team).recipients

    def resolve(self, targets: Iterable[TargetDef], *, team: Team, skills: Skills = NO_SKILLS) -> Resolution:
        """The people of all ``targets`` who hold all of ``skills`` (slugs), and who was passed over. ``team`` owns the service."""
        found: dict[int, Recipient] = {}
        skipped: dict[tuple[int, str], Skipped] = {}
        places: dict[tuple[str, TargetKind], Place] = {}
        for target in targets:
            answer = self._of(target, team, skills)
            for place in answer.places:
                places.setdefault((place.name, place.kind), place)
            for recipient in answer.recipients:
                found.setdefault(recipient.user.pk, recipient)
            for one in answer.skipped:
                skipped.setdefault((one.user.pk, one.reason), one)
        return Resolution(
            tuple(found.values()),
            tuple(one for one in skipped.values() if one.user.pk not in found),
            tuple(places.values()),
        )

    def read_schedules(self, targets: Iterable[TargetDef], *, skills: Skills = NO_SKILLS) -> None:
        """Read the schedules that ``targets`` name together, where many are asked for: a few queries for all of them."""
        wanted = [target for target in targets if target.kind is TargetKind.SCHEDULE]
        loaded = self._schedules() if wanted and self._schedules else None
        schedules = schedules_named(wanted) if loaded is None else _named_of(wanted, loaded)
        named = list(schedules.values())
        selections = selections_at(schedules=named, at=self.at, skills=skills, loaded=loaded) if schedules else {}
        for target in wanted:
            schedule = schedules.get(target.ref or "")
            answer = _on_call(target, schedule, selections[schedule.pk]) if schedule else Resolution(())
            self._known[target, None, skills] = answer

    def administrators(self) -> list[User]:
        """Those who are told when nobody else can be."""
        if self._administrators is None:
            self._administrators = list(_active(User.objects.filter(role=User.Role.ADMINISTRATOR)))
        return self._administrators

    def _of(self, target: TargetDef, team: Team, skills: Skills) -> Resolution:
        if target.pick is Pick.ROUND_ROBIN:
            return self._in_turn(self._of(replace(target, pick=Pick.ALL), team, skills))
        if target.kind is TargetKind.POLICY:
            return self._of_policy(target, team, skills)
        if target.kind in PLACE_KINDS:
            return self._place(target)
        # Only a target without a reference depends on whose incident it is.
        key = (target, team.pk if target.ref is None else None, skills)
        if key not in self._known:
            if target.kind is TargetKind.SCHEDULE:
                self.read_schedules([target], skills=skills)
            else:
                self._known[key] = _skilled(tuple(self._look_up(target, team)), skills)
        return self._known[key]

    def _place(self, target: TargetDef) -> Resolution:
        key = (target, None, NO_SKILLS)
        if key not in self._known:
            wanted = _DESTINATIONS[target.kind]
            destination = Destination.objects.filter(_reference(target, "slug"), kind=wanted).first()
            if destination is None:
                place = Place(str(target.ref), target.kind, reason="not_configured")
            else:
                reason = "" if destination.enabled and destination.kind in channel_kinds() else "switched_off"
                place = Place(destination.name, target.kind, destination, reason)
            self._known[key] = Resolution((), (), (place,))
        return self._known[key]

    def _in_turn(self, found: Resolution) -> Resolution:
        """The one whose turn it is: whoever was paged longest ago. Each time it is asked, the next one."""
        by_id = {recipient.user.pk: recipient for recipient in found.recipients}
        if not by_id:
            return found
        chosen = self._turns.next(list(by_id), last_paged={**last_paged(by_id), **self._told})
        return Resolution((by_id[chosen],), found.skipped)

    def _of_policy(self, target: TargetDef, team: Team, skills: Skills) -> Resolution:
        """The people of the first level of another policy's version in force. A policy named there in its turn is not
        followed: two policies that name each other must not stop the engine."""
        policy = EscalationPolicy.objects.filter(_reference(target, "slug")).select_related("current_version").first()
        if policy is None or policy.current_version is None:
            return Resolution(())
        first = version_definition(policy.current_version).levels[0]
        people = [one for one in first.targets if one.kind is not TargetKind.POLICY]
        return self.resolve(people, team=team, skills=skills)

    def _look_up(self, target: TargetDef, team: Team) -> Iterable[Recipient]:
        match target.kind:
            case TargetKind.USER:
                return [
                    Recipient(user, {"kind": "user"})
                    for user in _active(User.objects.filter(_reference(target, "username")))
                ]
            case TargetKind.TEAM:
                return self._members(self._team(target, team), lead_only=False)
            case TargetKind.TEAM_LEAD:
                return self._members(self._team(target, team), lead_only=True)
            case TargetKind.MANAGER:
                return self._managers(self._team(target, team), up=target.up)
            case TargetKind.SERVICE_OWNER:
                return self._owners(team)
            case TargetKind.FUNCTIONAL_TEAM:
                return self._specialists(self._team(target, team))
            case TargetKind.CHAT_CHANNEL | TargetKind.WEBHOOK:
                return []
            case TargetKind.POLICY:
                raise AssertionError("policies are followed")  # ``_of`` sends them elsewhere.
            case TargetKind.SCHEDULE:
                raise AssertionError("schedules are read together")  # ``_of`` sends them elsewhere.

    def _team(self, target: TargetDef, team: Team) -> Team | None:
        return team if target.ref is None else Team.objects.filter(_reference(target, "slug")).first()

    def _members(self, team: Team | None, *, lead_only: bool) -> list[Recipient]:
        if team is None:
            return []
        members = Membership.objects.filter(team=team, user__is_active=True).select_related("user").order_by("pk")
        if lead_only:
            members = members.filter(role=Membership.Role.LEAD)
        kind = "team_lead" if lead_only else "team"
        return [Recipient(member.user, {"kind": kind, "name": team.name}) for member in members]

    def _owners(self, team: Team) -> list[Recipient]:
        """Whoever answers for the team that owns the service: its lead, or the manager where it has none."""
        return self._members(team, lead_only=True) or self._managers(team)

    def _specialists(self, team: Team | None) -> list[Recipient]:
        """Whoever is on call in the team or, where nobody is, its lead."""
        if team is None:
            return []
        schedules = list(Schedule.objects.filter(team=team).order_by("pk"))
        selections = selections_at(schedules=schedules, at=self.at) if schedules else {}
        found = {one.user.pk: _holder(schedule, one) for schedule in schedules for one in selections[schedule.pk].paged}
        return list(found.values()) or self._members(team, lead_only=True)

    def _managers(self, team: Team | None, *, up: int = 0) -> list[Recipient]:
        """The managers in the team or, where it has none, in the nearest team above it that has; with ``up`` those so
        many steps further up the line, nobody where it ends before.
        """
        seen: set[int] = set()
        # Two teams that name each other as parents are a slip that must not stop the engine.
        while team is not None and team.pk not in seen:
            seen.add(team.pk)
            managers = list(_active(User.objects.filter(memberships__team=team, role=User.Role.MANAGER)))
            if managers and not up:
                return [Recipient(user, {"kind": "manager", "name": team.name}) for user in managers]
            up -= bool(managers)
            team = self._parent(team)
        return []

    def _parent(self, team: Team) -> Team | None:
        if self._teams is None:
            self._teams = Team.objects.in_bulk()
        return self._teams.get(team.parent_id) if team.parent_id else None


def schedules_named(targets: Sequence[TargetDef]) -> dict[str | int, Schedule]:
    """The schedules these targets name, by slug and by primary key: one query."""
    numbers = [target.ref for target in targets if isinstance(target.ref, int)]
    slugs = [target.ref for target in targets if isinstance(target.ref, str)]
    if not numbers and not slugs:
        return {}
    found: dict[str | int, Schedule] = {}
    for schedule in Schedule.objects.filter(Q(pk__in=numbers) | Q(slug__in=slugs)):
        found |= {schedule.slug: schedule, schedule.pk: schedule}
    return found


def _named_of(targets: Sequence[TargetDef], loaded: Mapping[int, Loaded]) -> dict[str | int, Schedule]:
    """As ``schedules_named``, of those at hand."""
    wanted = {target.ref for target in targets}
    every = {name: item.schedule for item in loaded.values() for name in (item.schedule.slug, item.schedule.pk)}
    named = [schedule for name, schedule in every.items() if name in wanted]
    return {name: schedule for schedule in named for name in (schedule.slug, schedule.pk)}


def _on_call(target: TargetDef, schedule: Schedule, selection: Selection) -> Resolution:
    return Resolution(
        tuple(_holder(schedule, one) for one in selection.paged if target.role in (None, one.role)),
        tuple(one for one in selection.skipped if target.role in (None, one.role)),
    )


def _holder(schedule: Schedule, one: Paged) -> Recipient:
    return Recipient(
        one.user,
        {
            "kind": "schedule",
            "name": schedule.name,
            "role": one.role,
            "because": one.why,
            "until": one.until.isoformat() if one.until else None,
        },
    )


def _skilled(people: tuple[Recipient, ...], skills: Skills) -> Resolution:
    """Those who hold all of ``skills``; the others with what they lack."""
    if not skills:
        return Resolution(people)
    held = _skills_of([person.user.pk for person in people])
    lacking = skill_reasons([person.user.pk for person in people], required=skills, held=held)
    return Resolution(
        tuple(person for person in people if person.user.pk not in lacking),
        tuple(Skipped(person.user, "", lacking[person.user.pk]) for person in people if person.user.pk in lacking),
    )


def _skills_of(user_ids: Collection[int]) -> dict[int, list[str]]:
    held: dict[int, list[str]] = {pk: [] for pk in user_ids}
    for user_id, slug in User.skills.through.objects.filter(user__in=user_ids).values_list("user_id", "skill__slug"):
        held[user_id].append(slug)
    return held


def _reference(target: TargetDef, slug_field: str) -> Q:
    """``ref`` is a primary key or a name that people write."""
    return Q(pk=target.ref) if isinstance(target.ref, int) else Q(**{slug_field: target.ref})


def _active(users: Any) -> Any:
    return users.filter(is_active=True).order_by("pk")
