"""Dashboards that are shared: cards in an order, under a name, with whom they are shared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Choice, Field, Reference, Scope
from escalation_site.configuration.kind import Fields, Writing
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from escalation_site.configuration.problems import did_you_mean
from escalation_site.configuration.regular import Filters, OwnedKind, whole
from reports.boards import NOUN
from reports.cards import (
    BY,
    COUNTED,
    FIRST,
    GROUPED,
    MOST,
    ONLY,
    TOLD,
    CardInvalid,
    Drawn,
    card_parse,
    cards_dump,
    cards_parse,
)
from reports.figures.definitions import METRICS
from reports.models import Dashboard

_CHOICES = {
    "kind": tuple(str(one) for one in Drawn),
    "metric": (*COUNTED, *METRICS, *TOLD),
    "dimension": (*BY, *ONLY),
}
_GROUPED = ", ".join(str(one) for one in GROUPED)


@dataclass(frozen=True, slots=True)
class Cards(Field):
    """What stands on it, in its order."""

    empty: Any = field(default_factory=lambda: cards_dump(FIRST))

    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "metric"],
                "properties": {
                    **{name: {"type": "string", "enum": list(values)} for name, values in _CHOICES.items()},
                    "wide": {"type": "boolean", "default": False},
                },
            },
        }

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list) or len(item.data) > MOST:
            item.wrong(_("must be a list of at most %(most)d cards") % {"most": MOST})
            return UNUSABLE
        drawn = [_is_card(entry) for entry in item.entries]  # Each is looked at: every mistake is told at once.
        if not all(drawn):
            return UNUSABLE
        return cards_dump(cards_parse(item.data))


def _is_card(entry: Item) -> bool:
    """Whether it can be drawn; what is wrong with it is noted."""
    if not isinstance(entry.data, dict):
        entry.wrong(_("must be a mapping of fields"))
        return False
    unknown = [name for name in entry.members if name not in (*_CHOICES, "wide")]
    for name in unknown:
        entry.members[name].wrong(_("is not a known field.") + did_you_mean(name, (*_CHOICES, "wide")))
    try:
        card = card_parse(entry.data)
    except CardInvalid as error:
        known = _CHOICES[error.field]
        given = str(entry.data.get(error.field, ""))
        entry.wrong_at(
            (error.field,),
            _("cannot be drawn so (known: %(known)s)") % {"known": ", ".join(known)} + did_you_mean(given, known),
        )
        return False
    if entry.data.get("dimension") and not card.dimension:
        entry.wrong_at(("dimension",), _("is for cards of these kinds only: %(kinds)s") % {"kinds": _GROUPED})
        return False
    return not unknown


class Dashboards(OwnedKind):
    section = "dashboards"
    help = "Dashboards, by owner and name: “elena/Nights”. The owner may change them."
    model = Dashboard
    after = ("users", "teams")
    fields = (
        Filters("filters", "What they count, as in the address of a report: period=28d&severity=1."),
        Cards("cards", "What stands on it, in its order; the usual cards unless said. docs/metrics.md names the metrics."),
        Choice("shared", "Who sees it; everybody unless said.", empty="everybody", choices=tuple(Dashboard.Shared.values)),
        Reference("team", "The team it is shared with.", section="teams"),
    )  # fmt: skip

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        shared = given.get("shared")
        if shared == Dashboard.Shared.TEAM and not given.get("team") and not exists:
            item.wrong_at(("team",), _("“%(field)s” is missing") % {"field": "team"})
        if given.get("team") and (shared or (None if exists else "everybody")) not in (Dashboard.Shared.TEAM, None):
            item.wrong_at(("team",), _("goes with “shared: team” only"))
        return given

    def current(self) -> dict[str, Fields]:
        return {
            f"{board.owner.username}/{board.name}": {
                "filters": board.query,
                "cards": board.cards,
                "shared": board.shared,
                "team": board.team.slug if board.team else None,
            }
            for board in Dashboard.objects.select_related("owner", "team")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Dashboard:
        owner, label = self.owner(writing, name)
        usual: Fields = {"filters": "", "cards": cards_dump(FIRST), "shared": "everybody", "team": None}
        values = whole(self.current().get(name, {}), changed, usual)
        board = Dashboard.objects.filter(owner=owner, name=label).first() or Dashboard(
            owner=owner, name=label, created_at=writing.at
        )
        with_team = values["shared"] == Dashboard.Shared.TEAM
        fields = {
            "name": label,
            "query": values["filters"],
            "cards": values["cards"],
            "shared": values["shared"],
            "team": writing.row(TEAMS, values["team"]) if with_team else None,
        }
        row_set(board, fields, noun=NOUN, at=writing.at, actor=writing.actor, user=writing.user)
        return board


KIND = Dashboards()
