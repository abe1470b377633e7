"""Digests: what is told regularly to a team, its managers, the auditors."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Flag, Reference, Scope, Zone
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.destinations import KIND as DESTINATIONS
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from escalation_site.configuration.problems import did_you_mean
from escalation_site.configuration.regular import TimeOfDay, time_text, whole
from oncall.models import Team
from reports.digests.services import digest_set
from reports.models import Digest

_DEFAULTS: Fields = {"time_zone": None, "destination": None, "active": True}


def _called(digest: Digest) -> str:
    return f"{digest.kind}.{digest.team.slug}" if digest.team else str(digest.kind)


class Digests(Kind):
    section = "digests"
    help = (
        "What is told regularly, by kind and team: “standup.payments”, “week.payments”; without a team it is about the whole "
        "house: “month” (for auditors) always is."
    )
    model = Digest
    name_pattern = rf"({'|'.join(Digest.Kind.values)})(\.[-a-zA-Z0-9_]+)?"
    name_length = 80
    after = ("teams", "destinations")
    fields = (
        TimeOfDay("send_at", "When, on the clock of its zone: every morning, on Mondays, on the first.", required=True),
        Zone("time_zone", "On whose clock; the team's own unless said.", empty=None),
        Reference("destination", "Chat channel in which a stand-up is posted too.", section="destinations"),
        Flag("active", "false: it is not sent.", empty=True),
    )

    def names(self) -> set[str]:
        return set(self.current())

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        _kind, _dot, team = str(item.keys[-1]).partition(".")
        if team and not scope.knows("teams", team):
            known = [*scope.in_file.get("teams", ()), *scope.in_database("teams")]
            item.wrong(
                _("“%(name)s” is not among the %(section)s.") % {"name": team, "section": "teams"}
                + did_you_mean(team, known)
            )
        return super().read(item, scope, exists=exists)

    def current(self) -> dict[str, Fields]:
        return {
            _called(digest): {
                "send_at": time_text(digest.send_at),
                "time_zone": digest.time_zone or None,
                "destination": digest.destination.slug if digest.destination else None,
                "active": digest.active,
            }
            for digest in Digest.objects.select_related("team", "destination")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Digest:
        kind, _dot, slug = name.partition(".")
        team: Team | None = writing.row(TEAMS, slug or None)
        values = whole(self.current().get(name, {}), changed, _DEFAULTS)
        return digest_set(
            kind=kind,
            team=team,
            send_at=time.fromisoformat(values["send_at"]),
            time_zone=values["time_zone"] or "",
            destination=writing.row(DESTINATIONS, values["destination"]),
            active=values["active"],
            actor=writing.user,
            at=writing.at,
        )


KIND = Digests()
