"""What rules call by a short name, as people know it: services, teams, policies, and whom a rule pages or tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils.translation import gettext as _

from oncall.models import Team
from policies import ports
from policies.conditions_form import Offers
from policies.definition import TargetDef
from policies.lint import Finding, House, lint_rules
from policies.models import EscalationPolicy
from policies.pages import TargetNames
from policies.reading import Problem
from policies.routing import Effect, RoutingDef

Options = Sequence[tuple[str, str]]


class HouseNames:
    """Names by fact and short name, read in six queries, and those of the targets that ``routings`` mention."""

    def __init__(self, routings: Iterable[RoutingDef] = ()) -> None:
        self.own = ports.own_names()
        self.policies: dict[str | int, str] = {}
        self.teams: dict[str | int, str] = {}
        for pk, slug, name in EscalationPolicy.objects.order_by("name").values_list("pk", "slug", "name"):
            self.policies |= {slug: name, pk: name}
        for pk, slug, name in Team.objects.order_by("name").values_list("pk", "slug", "name"):
            self.teams |= {slug: name, pk: name}
        # Services and their doors belong to the app above: they are reached by the relation of their team.
        owned = Team.objects.exclude(services=None)
        self.services: dict[str | int, str] = dict(
            owned.order_by("services__name").values_list("services__slug", "services__name")
        )
        doors = Team.objects.exclude(services__integrations=None).order_by("services__integrations__name")
        self.sources: dict[str | int, str] = dict(
            doors.values_list("services__integrations__slug", "services__integrations__name")
        )
        self.target = TargetNames.of(target for routing in routings for target in targets_of(routing))

    def __call__(self, fact: str, value: str) -> str:
        """The name of a value of that fact, as conditions and effects ask for it; itself where nobody has that name."""
        named: Mapping[str, Mapping[str | int, str]] = {
            "service": self.services,
            "team": self.teams,
            "policy": self.policies,
            "source": self.sources,
        }
        if fact in self.own:
            return self.own[fact].get(value, value)
        known = named.get(fact, {})
        return known.get(value) or (known.get(int(value), value) if value.isascii() and value.isdecimal() else value)

    @property
    def offers(self) -> Offers:
        """What may be chosen in a condition."""
        return {
            "service": tuple(self.offered(self.services)),
            "team": tuple(self.offered(self.teams)),
            "source": tuple(self.offered(self.sources)),
            **{fact: tuple(names.items()) for fact, names in self.own.items()},
        }

    @staticmethod
    def offered(names: Mapping[str | int, str]) -> Iterator[tuple[str, str]]:
        """Slugs with names, once each."""
        return ((ref, name) for ref, name in names.items() if isinstance(ref, str))


def effects_of(routing: RoutingDef) -> Iterator[tuple[tuple[str | int, ...], Effect]]:
    """Every effect with the keys that lead to it in the document."""
    for index, rule in enumerate(routing.rules):
        yield ("rules", index, "then"), rule.then
    yield ("otherwise",), routing.otherwise


def targets_of(routing: RoutingDef) -> Iterator[TargetDef]:
    for _keys, effect in effects_of(routing):
        yield from (target for _where, target in effect_targets(effect))


def effect_targets(effect: Effect) -> Iterator[tuple[tuple[str | int, ...], TargetDef]]:
    """The targets of an effect with the keys that lead to them."""
    for field in ("straight_to", "tell"):
        for row, target in enumerate(getattr(effect, field)):
            yield (field, row), target
    for row, target in enumerate(effect.ask.targets if effect.ask else ()):
        yield ("ask", "targets", row), target


def gone(routing: RoutingDef, names: HouseNames | None = None) -> tuple[Problem, ...]:
    """What the rules name and what does not exist: policies, teams, and whom they page, tell or ask."""
    names = names or HouseNames([routing])
    return tuple(
        Problem((*keys, *where), message)
        for keys, effect in effects_of(routing)
        for where, message in _gone_of(effect, names)
    )


def _gone_of(effect: Effect, names: HouseNames) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if effect.policy is not None and effect.policy not in names.policies:
        yield ("policy",), _("there is no such policy: %(name)s") % {"name": effect.policy}
    if effect.team is not None and effect.team not in names.teams:
        yield ("team",), _("there is no such team: %(name)s") % {"name": effect.team}
    for where, target in effect_targets(effect):
        if not names.target.knows(target):
            places = {"kind": target.kind.value, "ref": target.ref}
            yield where, _("there is no such target: %(kind)s %(ref)s") % places


def rules_findings(routing: RoutingDef, names: HouseNames) -> list[Finding]:
    """What the linter says of the rules. `names` has read what they mention: no query."""
    absent: dict[int, list[str]] = {}
    for keys, effect in effects_of(routing):
        place = int(keys[1]) if len(keys) > 1 else -1
        absent[place] = [str(one) for one in _absent(effect, names)]
    slugs = {ref for ref in names.teams if isinstance(ref, str)}
    return lint_rules(routing, House({str(ref) for ref in names.services}, slugs, absent))


def _absent(effect: Effect, names: HouseNames) -> Iterator[str | int]:
    if effect.policy is not None and effect.policy not in names.policies:
        yield effect.policy
    if effect.team is not None and effect.team not in names.teams:
        yield effect.team
    yield from (target.ref or "" for _where, target in effect_targets(effect) if not names.target.knows(target))
