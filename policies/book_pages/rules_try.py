"""Trying the routing rules on an incident somebody makes up: which rule holds and why, the route, and the walk that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall.models import Team, User
from policies.book_pages.names import HouseNames
from policies.calendars import calendars_by_name
from policies.conditions import (
    ALWAYS,
    VOCABULARY,
    Condition,
    ConditionText,
    Facts,
    all_of,
    condition_parse,
    facts_of,
    trace_text,
)
from policies.definition import severity_name
from policies.models import WorkCalendar
from policies.pages import TargetNames
from policies.routing import RouteTrace, RoutingDef, route_sentences
from policies.simulation import Routed, Served, Simulation, served, simulate_route
from policies.simulation.forms import ROWS, ActForm
from policies.simulation.page import people_acting
from policies.simulation.words import StepText, end_text, steps_text
from policies.workbench import FactsForm

_ALWAYS_ASKED = (
    {"fact": "service", "operator": "known"},
    {"fact": "severity", "operator": "known"},
    {"fact": "business_hours"},
)
"""What the form asks for whatever the rules look at: the walk needs it."""
_OF_SERVICE = {
    "tier": "services__tier",
    "revenue_flow": "services__revenue_flow",
    "high_risk": "services__high_risk",
    "regulated": "services__regulated",
    "environment": "services__environment",
    "region": "services__region",
    "team": "slug",
}
"""Facts that the service says, by the way there from its team."""


def asked_by(routing: RoutingDef) -> Condition:
    """A condition that asks for everything the rules look at, and for what the walk needs."""
    rest = [condition_parse(one) for one in _ALWAYS_ASKED]
    return all_of(*rest, *(rule.when for rule in routing.rules if rule.enabled and rule.when != ALWAYS))


class RulesFactsForm(FactsForm):
    """A made-up incident. What is left empty is what the service says, or not known."""

    def __init__(self, routing: RoutingDef, names: HouseNames, data: QueryDict | None, *, at: datetime) -> None:
        super().__init__(asked_by(routing), data, prefix="facts", initial={"at": timezone.localtime(at)})
        for fact, blank in (("service", ""), ("team", _("That of the service")), ("source", _("Not known"))):
            if fact in self.fields:
                self._choose(fact, names, blank)
        self.fields["service"].required = True
        self.fields["at"].help_text = gettext_lazy("On your clock. Weekdays and hours count as the rules say.")
        self.order_fields(["service", "severity", "at"])

    def _choose(self, fact: str, names: HouseNames, blank: str) -> None:
        old = self.fields[fact]
        choices = [("", blank)] if blank else []
        offered = [*choices, *names.offers[fact]]
        self.fields[fact] = forms.ChoiceField(label=old.label, required=False, choices=offered)

    @property
    def at(self) -> datetime | None:
        found: datetime | None = self.cleaned_data.get("at")
        return found

    def facts_on(self, service: Served, *, at: datetime) -> Facts:
        """The facts as intake would gather them: clocks and calendars as the engine has them, the service's own values."""
        own = _service_facts(self.cleaned_data["service"])
        house = calendars_by_name()
        slug = WorkCalendar.objects.filter(pk=service.calendar_id or 0).values_list("slug", flat=True).first() or ""
        calendars = {**house, "": house[slug]} if slug in house else house
        zone = settings.TIME_ZONE
        return facts_of({**own, **self._given(self.cleaned_data)}, at=at, zone=zone, calendars=calendars)


def _service_facts(slug: str) -> dict[str, Any]:
    row = Team.objects.filter(services__slug=slug).values(*_OF_SERVICE.values()).first() or {}
    return {fact: row[way] for fact, way in _OF_SERVICE.items() if row.get(way) not in (None, "")}


@dataclass(frozen=True, slots=True)
class RuleTried:
    """One rule: whether it held and why. `passed_over`: a rule before it stopped the walk."""

    number: int
    name: str
    key: str
    matched: bool
    enabled: bool
    passed_over: bool
    trace: ConditionText


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the made-up incident, in words."""

    severity: str
    held: str
    decided: tuple[tuple[str, str], ...]
    rules: tuple[RuleTried, ...]
    routed: Routed
    steps: tuple[StepText, ...]
    end: str
    simulation: Simulation | None

    @property
    def matched(self) -> int:
        return sum(rule.matched for rule in self.rules)


@dataclass(frozen=True, slots=True)
class TryPage:
    """`tried` is None where nothing was asked yet, or something asked is wrong."""

    facts: RulesFactsForm
    acts: tuple[ActForm, ...]
    tried: Tried | None
    valid: bool


def try_page(routing: RoutingDef, names: HouseNames, data: QueryDict | None, *, at: datetime) -> TryPage:
    """`data` is what was sent; None shows the fields and tries nothing."""
    if data is not None and not data.get("facts-at"):
        data = data.copy()
        data["facts-at"] = timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")
    form = RulesFactsForm(routing, names, data, at=at)
    people = people_acting()
    acts = tuple(ActForm(data, people=people, prefix=f"act{row}") for row in range(ROWS))
    if data is None:
        return TryPage(form, acts, None, True)
    if not all([form.is_valid(), *(one.is_valid() for one in acts)]):
        return TryPage(form, acts, None, False)
    service = served(form.cleaned_data["service"])
    if service is None:
        return TryPage(form, acts, None, False)
    instant = form.at or at
    routed = simulate_route(
        routing,
        form.facts_on(service, at=instant),
        service=service,
        at=instant,
        acts=tuple(act for one in acts if (act := one.act) is not None),
        unreachable=frozenset(pk for one in acts if (pk := one.unreachable) is not None),
    )
    return TryPage(form, acts, _tried(routing, routed, names, people), True)


def _tried(routing: RoutingDef, routed: Routed, names: HouseNames, people: Mapping[int, User]) -> Tried:
    route, simulation = routed.route, routed.simulation
    targets = TargetNames.of([*route.straight_to, *route.tell, *(route.ask.targets if route.ask else ())])
    acting = {pk: user.name for pk, user in people.items()}
    return Tried(
        severity=severity_name(routed.severity) if routed.severity else "",
        held=severity_name(routed.held_severity) if routed.held_severity else "",
        decided=route_sentences(route, routing, targets, name=names),
        rules=_rules(routed.trace, names),
        routed=routed,
        steps=steps_text(simulation, acting) if simulation else (),
        end=end_text(simulation) if simulation else "",
        simulation=simulation,
    )


def _rules(trace: RouteTrace, names: HouseNames) -> tuple[RuleTried, ...]:
    found = []
    stopped = False
    for number, one in enumerate(trace.rules, 1):
        rule = one.rule.then
        counts = one.matched and not stopped
        words = trace_text(one.trace, vocabulary=VOCABULARY, name=names)
        found.append(RuleTried(number, rule.name, rule.key, counts, rule.enabled, stopped, words))
        stopped = stopped or (counts and rule.stop)
    return tuple(found)
