"""Keepers: who outside gets the ledger's signed checkpoints."""

from collections.abc import Mapping
from typing import Any

from audit.keeping import keeper_set
from audit.models import Keeper
from escalation_site.configuration.fields import Choice, Flag, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing

_PLAIN = ("name", "kind", "address", "public_key", "every_minutes", "enabled")


class Keepers(Kind):
    section = "keepers"
    help = "Who outside gets the ledger's signed checkpoints, by key."
    model = Keeper
    fields = (
        Text("name", "Name.", required=True, most=120),
        Choice("kind", "How it gets them.", required=True, choices=tuple(Keeper.Kind.values)),
        Text(
            "address",
            "An e-mail address, a webhook's address, or that below which a witness has add-checkpoint.",
            required=True,
            most=500,
        ),
        Text("public_key", "Of a witness: name+id+key, as it publishes it.", most=200),
        Whole("every_minutes", "Minutes between two; 60 unless said.", empty=60, least=1, most=1_000_000),
        Flag("enabled", "false: nothing is sent.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {keeper.slug: {name: getattr(keeper, name) for name in _PLAIN} for keeper in Keeper.objects.all()}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Keeper:
        keeper = Keeper.objects.filter(slug=name).first() or Keeper(slug=name)
        values = {field: changed[field] for field in _PLAIN if field in changed}
        return keeper_set(keeper=keeper, values=values, actor=writing.actor, at=writing.at, user=writing.user)


KIND = Keepers()
