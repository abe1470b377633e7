"""From a level's targets to people, at the moment the level is entered (R040): never earlier, so that a handoff counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from oncall.models import Membership, Schedule, Team, User
from oncall.selectors import holders_at
from policies.definition import TargetDef, TargetKind


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to page, and why: names copied at the time, for the page, the timeline and the ledger."""

    user: User
    why: dict[str, Any] = field(default_factory=dict)


class TargetResolver:
    """Answers "who is that now?" for one instant; each distinct target is looked up once, however many levels ask for it."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at
        self._known: dict[tuple[TargetDef, int | None], tuple[Recipient, ...]] = {}
        self._teams: dict[int, Team] | None = None
        self._administrators: list[User] | None = None

    def recipients(self, targets: Iterable[TargetDef], *, team: Team) -> tuple[Recipient, ...]:
        """The people of all ``targets``, each once, in order. ``team`` owns the incident's service."""
        found: dict[int, Recipient] = {}
        for target in targets:
            for recipient in self._of(target, team):
                found.setdefault(recipient.user.pk, recipient)
        return tuple(found.values())

    def administrators(self) -> list[User]:
        """Those who are told when nobody else can be."""
        if self._administrators is None:
            self._administrators = list(_active(User.objects.filter(role=User.Role.ADMINISTRATOR)))
        return self._administrators

    def _of(self, target: TargetDef, team: Team) -> tuple[Recipient, ...]:
        # Only a target without a reference depends on whose incident it is.
        key = (target, team.pk if target.ref is None else None)
        if key not in self._known:
            self._known[key] = tuple(self._look_up(target, team))
        return self._known[key]

    def _look_up(self, target: TargetDef, team: Team) -> Iterable[Recipient]:
        match target.kind:
            case TargetKind.SCHEDULE:
                return self._on_call(target)
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
                return self._managers(self._team(target, team))

    def _on_call(self, target: TargetDef) -> list[Recipient]:
        schedule = Schedule.objects.filter(_reference(target, "slug")).first()
        if schedule is None:
            return []
        holders = holders_at(schedules=[schedule], at=self.at)[schedule.pk]
        return [
            Recipient(
                holder.user,
                {
                    "kind": "schedule",
                    "name": schedule.name,
                    "role": holder.role,
                    "because": holder.why,
                    "until": holder.until.isoformat() if holder.until else None,
                },
            )
            for holder in holders
            if target.role is None or holder.role == target.role
        ]

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

    def _managers(self, team: Team | None) -> list[Recipient]:
        """The managers in the team or, where it has none, in the nearest team above it that has."""
        seen: set[int] = set()
        # Two teams that name each other as parents are a slip that must not stop the engine.
        while team is not None and team.pk not in seen:
            seen.add(team.pk)
            managers = list(_active(User.objects.filter(memberships__team=team, role=User.Role.MANAGER)))
            if managers:
                return [Recipient(user, {"kind": "manager", "name": team.name}) for user in managers]
            team = self._parent(team)
        return []

    def _parent(self, team: Team) -> Team | None:
        if self._teams is None:
            self._teams = Team.objects.in_bulk()
        return self._teams.get(team.parent_id) if team.parent_id else None


def _reference(target: TargetDef, slug_field: str) -> Q:
    """``ref`` is a primary key or a name that people write."""
    return Q(pk=target.ref) if isinstance(target.ref, int) else Q(**{slug_field: target.ref})


def _active(users: Any) -> Any:
    return users.filter(is_active=True).order_by("pk")
