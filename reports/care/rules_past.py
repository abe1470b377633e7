"""What a draft of the routing rules would have done to the incidents there were, beside the rules in force.

Facts are gathered as intake does, for the instant each began; what changed since (its severity, its state) is as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.models import Incident
from incidents.routing import Subject, facts_gather
from oncall.models import User
from policies.book_pages.names import HouseNames
from policies.conditions import Needs
from policies.routing import Route, Routing, RoutingDef, route_sentences

MOST = 200


@dataclass(frozen=True, slots=True)
class Differing:
    """An incident that the draft would send another way: what each decides, in sentences."""

    incident: Incident
    now: tuple[str, ...]
    then: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """`asked` incidents were held against both; of those that differ, `paged` would page somebody only under the draft, and
    `silenced` only under the rules in force."""

    asked: int
    differing: tuple[Differing, ...]
    paged: int
    silenced: int


def past_of(draft: RoutingDef, in_force: RoutingDef, *, reader: User, most: int = MOST) -> Past:
    """The newest incidents that the reader may see, tests left out. Queries grow with the incidents only where a rule
    asks what was before or for business hours."""
    incidents = list(
        Incident.objects.visible_to(reader)
        .filter(is_test=False)
        .select_related("service__team", "service__policy", "team", "stage", "integration")
        .order_by("-started_at", "-pk")[:most]
    )
    old, new = Routing(in_force), Routing(draft)
    asked = _both(old.needs, new.needs)
    names = HouseNames([draft, in_force])
    differing = []
    paged = silenced = 0
    for incident in incidents:
        (facts,) = facts_gather([Subject(incident)], asked, at=incident.started_at)
        before, after = old.route(facts), new.route(facts)
        now, then = _said(before, in_force, names), _said(after, draft, names)
        if now != then:
            differing.append(Differing(incident, now, then))
            paged += after.escalate and not before.escalate
            silenced += before.escalate and not after.escalate
    return Past(len(incidents), tuple(differing), paged, silenced)


def _both(one: Needs, other: Needs) -> Needs:
    history = {
        name: max(one.history.get(name, 0), other.history.get(name, 0)) for name in {*one.history, *other.history}
    }
    return Needs(one.facts | other.facts, history)


def _said(route: Route, routing: RoutingDef, names: HouseNames) -> tuple[str, ...]:
    """What is decided; by which rule does not count."""
    decided: Sequence[tuple[str, str]] = route_sentences(route, routing, names.target, name=names)
    return tuple(sentence for sentence, _who in decided)
