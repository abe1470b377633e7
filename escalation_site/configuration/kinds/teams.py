"""Teams, their place under other teams, and who is in them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import EntryValue, entry_append
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Field, Flag, Missing, Reference, Scope, Text, Zone
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.users import KIND as USERS
from oncall.models import Membership, Team

_PLAIN = ("name", "description", "time_zone", "approves_absences", "approves_swaps")


@dataclass(frozen=True, slots=True)
class People(Field):
    """A list of user names, each once."""

    empty: Any = field(default_factory=list)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list):
            item.wrong(_("must be a list of user names"))
            return UNUSABLE
        names: list[str | Missing] = []
        for entry in item.entries:
            name = scope.reference(entry, "users")
            if name is not UNUSABLE and name in names:
                entry.wrong(_("is listed twice"))
            names.append(name)
        return UNUSABLE if UNUSABLE in names else sorted(str(name) for name in names)


class Teams(Kind):
    section = "teams"
    help = "Teams, by slug. A sub-team names its parent."
    model = Team
    after = ("users",)
    own_reference = "parent"
    fields = (
        Text("name", "Name, unique among teams.", required=True, most=100),
        Text("description", "What the team answers for.", most=5000),
        Reference("parent", "The team it is part of.", section="teams"),
        Zone("time_zone", "The team's time zone (IANA name); UTC unless said.", empty="UTC"),
        Flag("approves_absences", "true: a planned absence counts once a manager approves it."),
        Flag("approves_swaps", "true: an accepted swap counts once a manager approves it."),
        People("members", "Everybody in the team who is not a lead; replaces what was there."),
        People("leads", "Who leads it; replaces what was there."),
    )

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        for name in sorted(set(given.get("members", ())) & set(given.get("leads", ()))):
            item.members["leads"].wrong(
                _("“%(name)s” is among the members too; a lead is listed once, under leads") % {"name": name}
            )
        return given

    def current(self) -> dict[str, Fields]:
        people: dict[tuple[int, str], list[str]] = defaultdict(list)
        for membership in Membership.objects.select_related("user").order_by("user__username"):
            people[membership.team_id, membership.role].append(membership.user.username)
        return {
            team.slug: {
                "parent": team.parent.slug if team.parent else None,
                **{name: getattr(team, name) for name in _PLAIN},
                "members": sorted(people[team.pk, Membership.Role.MEMBER]),
                "leads": sorted(people[team.pk, Membership.Role.LEAD]),
            }
            for team in Team.objects.select_related("parent")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Team:
        team = Team.objects.filter(slug=name).first() or Team(slug=name)
        values = {field: changed[field] for field in _PLAIN if field in changed}
        if "parent" in changed:
            values["parent"] = writing.row(self, changed["parent"])
        row_set(team, values, noun="team", at=writing.at, actor=writing.actor, user=writing.user)
        if "members" in changed or "leads" in changed:
            _people_set(writing, team, wanted)
        return team


def _people_set(writing: Writing, team: Team, wanted: Fields) -> None:
    """Make the team's people those of the file; a list the file does not give keeps whoever the other does not
    claim.
    """
    existing = {membership.user.username: membership for membership in team.memberships.select_related("user")}
    before: dict[str, str] = {name: membership.role for name, membership in existing.items()}
    lists: dict[str, str] = {"members": Membership.Role.MEMBER.value, "leads": Membership.Role.LEAD.value}
    given = {field_name: role for field_name, role in lists.items() if field_name in wanted}
    after = {name: role for name, role in before.items() if role not in given.values()}
    for field_name, role in given.items():
        after |= dict.fromkeys(wanted[field_name], role)
    for name in before.keys() - after.keys():
        _dated(existing[name], writing.at).delete()
    for name, role in after.items():
        membership = existing.get(name) or Membership(team=team, user=writing.row(USERS, name), role="")
        if membership.role != role:
            membership.role = role
            _dated(membership, writing.at).save()
    if after != before:
        entry_append(
            EntryValue(
                at=writing.at,
                action="team.members",
                object_type="team",
                object_id=str(team.pk),
                object_label=team.name,
                subject=f"team:{team.pk}",
                actor=writing.actor,
                before={name: role for name, role in before.items() if after.get(name) != role},
                after={name: role for name, role in after.items() if before.get(name) != role},
            )
        )


def _dated(membership: Membership, at: datetime) -> Membership:
    history: Any = membership
    history._history_date = at
    return membership


KIND = Teams()
