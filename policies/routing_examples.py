"""Routing rules that are shipped: to begin with, and to show how one is written.

Each takes the names of things in the organisation, so that it fits any; where there is none of a kind, what would name it
is left to choose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from policies.definition import TargetDef, TargetKind, target_dump
from policies.routing import RoutingRule, routing_parse

Document = dict[str, Any]
MANAGER = TargetDef(TargetKind.MANAGER)
LEAD = TargetDef(TargetKind.TEAM_LEAD)
OWNER = TargetDef(TargetKind.SERVICE_OWNER)


@dataclass(frozen=True, slots=True)
class Place:
    """What examples are about here: short names of a service, of a team of specialists; "" where there is none."""

    service: str = ""
    specialists: str = ""

    @property
    def expert(self) -> Document:
        """Whom to call in: the specialists on call, or the owner of the service."""
        return target_dump(TargetDef(TargetKind.FUNCTIONAL_TEAM, self.specialists) if self.specialists else OWNER)

    @property
    def here(self) -> list[Document]:
        return [{"fact": "service", "operator": "is", "value": self.service}] if self.service else []


@dataclass(frozen=True, slots=True)
class Example:
    """`name` and `reason` are those of the rule; `use` says what it is good for."""

    key: str
    name: str | Promise
    use: str | Promise
    reason: str | Promise
    when: Callable[[Place], Document]
    then: Callable[[Place], Document]


def example_rule(example: Example, place: Place) -> RoutingRule:
    """The rule an example is, in the words of the active language."""
    document = {
        "key": example.key,
        "name": str(example.name),
        "reason": str(example.reason),
        "when": example.when(place),
        "then": example.then(place),
    }
    return routing_parse({"rules": [document]}).rules[0]


def _is(fact: str, **check: Any) -> Callable[[Place], Document]:
    return lambda _place: {"fact": fact, **check}


def _then(**effect: Any) -> Callable[[Place], Document]:
    return lambda _place: effect


def _strict(severity: str, **more: Any) -> Callable[[Place], Document]:
    """A criterion that is not negotiable: it escalates whatever a later rule says, and only owners silence it."""
    return _then(severity_at_least=severity, escalate=True, protected=True, **more)


def _serious(place: Place) -> Document:
    """What is worst goes to specialists at once, whatever later rules say."""
    return {"severity_at_least": "SEV-1", "escalate": True, "straight_to": [place.expert]}


EXAMPLES = (
    Example(
        "full-outage",
        gettext_lazy("A service is down"),
        gettext_lazy("The worst severity at once, and specialists are paged with the first level."),
        gettext_lazy("A service is down: specialists are called in at once."),
        _is("outage"),
        _serious,
    ),
    Example(
        "payment-gateway",
        gettext_lazy("The payment gateway fails"),
        gettext_lazy("The worst severity at once, and specialists are paged with the first level."),
        gettext_lazy("Payments fail: specialists are called in at once."),
        _is("payment_failure"),
        _serious,
    ),
    Example(
        "severe-degradation",
        gettext_lazy("Many users or a core system are slow"),
        gettext_lazy(
            "A thousand customers, or a service of the first tier that is degraded: at least SEV-2, with specialists."
        ),
        gettext_lazy("It is severely degraded for many users, or in a core system."),
        lambda _place: {
            "any": [
                {"fact": "affected_customers", "operator": "ge", "value": 1000},
                {
                    "all": [
                        {"fact": "tier", "operator": "is", "value": 1},
                        {"fact": "text", "operator": "keyword", "value": ["degraded", "degradation", "timeouts"]},
                    ]
                },
            ]
        },
        lambda place: {**_serious(place), "severity_at_least": "SEV-2"},
    ),
    Example(
        "payments-vip",
        gettext_lazy("VIP customers cannot pay"),
        gettext_lazy("The worst severity at once, starting at the second level, and the manager knows."),
        gettext_lazy("A VIP customer cannot pay."),
        lambda place: {"all": [*place.here, {"fact": "vip"}, {"fact": "payment_failure"}]},
        _then(severity_at_least="SEV-1", start_level=2, tell=[target_dump(MANAGER)]),
    ),
    Example(
        "security",
        gettext_lazy("Security goes to specialists"),
        gettext_lazy("Specialists are paged at once, automation keeps its hands off, and only owners may silence it."),
        gettext_lazy("It concerns security: specialists look at it first."),
        lambda _place: {
            "any": [{"fact": "security"}, {"fact": "text", "operator": "keyword", "value": ["breach", "data leak"]}]
        },
        lambda place: {
            "severity_at_least": "SEV-2",
            "straight_to": [place.expert],
            "guarded": True,
            "protected": True,
        },
    ),
    Example(
        "sandbox",
        gettext_lazy("The sandbox pages nobody"),
        gettext_lazy("Incidents are kept and shown, and nobody is woken."),
        gettext_lazy("Nobody depends on the sandbox."),
        _is("environment", operator="one_of", value=["sandbox", "development"]),
        lambda _place: {"escalate": False},
    ),
    Example(
        "weekend",
        gettext_lazy("Serious ones at the weekend go to the manager too"),
        gettext_lazy("On Saturday and Sunday a senior person is paged with the first level."),
        gettext_lazy("Few people are around at the weekend: the manager hears of it at once."),
        lambda _place: {
            "all": [
                {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
                {"fact": "weekday", "operator": "one_of", "value": ["sat", "sun"]},
            ]
        },
        _then(straight_to=[target_dump(MANAGER)]),
    ),
    Example(
        "holiday",
        gettext_lazy("Holidays wait half as long"),
        gettext_lazy("Whoever is on call on a holiday is the only one there: the next level is told sooner."),
        gettext_lazy("On a holiday the next level is told after half the time."),
        _is("holiday"),
        _then(timers_percent=50),
    ),
    Example(
        "again-and-again",
        gettext_lazy("The third time in a day is serious"),
        gettext_lazy("Three similar incidents within 24 hours are at least SEV-2, and a problem record is proposed."),
        gettext_lazy("It happened three times within 24 hours: something beneath it is broken."),
        # What was before is counted without the incident at hand: two before it make it the third.
        _is("similar_incidents", operator="ge", value=2, within="24h"),
        _then(severity_at_least="SEV-2", problem=True),
    ),
    Example(
        "same-subsystem",
        gettext_lazy("The fourth of a subsystem in a day goes faster"),
        gettext_lazy(
            "After three incidents of one subsystem within 24 hours every time is halved, and a problem record is proposed."
        ),
        gettext_lazy("The same subsystem fails again and again: something beneath it is broken."),
        _is("component_incidents", operator="ge", value=3, within="24h"),
        _then(timers_percent=50, problem=True),
    ),
    Example(
        "slo-burn",
        gettext_lazy("The error budget burns"),
        gettext_lazy("An SLO that is spent in two days counts as SEV-2 and escalates; only owners may silence it."),
        gettext_lazy("At this rate the error budget of a month is gone in two days."),
        _is("slo_burn", operator="ge", value=14.4),
        _strict("SEV-2"),
    ),
    Example(
        "anomaly",
        gettext_lazy("A measured anomaly"),
        gettext_lazy(
            "A spike far outside of what is usual is at least SEV-3 and escalates; only owners may silence it."
        ),
        gettext_lazy("The measurement is far outside of what is usual."),
        _is("anomaly", operator="ge", value=3),
        _strict("SEV-3"),
    ),
    Example(
        "first-tier-customer",
        gettext_lazy("A customer of the first tier"),
        gettext_lazy(
            "What hurts the most important customers is at least SEV-2 and escalates; only owners may silence it."
        ),
        gettext_lazy("A customer of the first tier is affected."),
        _is("customer_tier", operator="is", value=1),
        _strict("SEV-2", tell=[target_dump(OWNER)]),
    ),
    Example(
        "regulated",
        gettext_lazy("Regulated flows need a person"),
        gettext_lazy(
            "It escalates, automation waits for a person’s word, and only owners may silence it. The manager is told: put whoever "
            "answers for compliance there."
        ),
        gettext_lazy("The service is regulated: a person confirms what automation would do."),
        _is("regulated"),
        _then(escalate=True, guarded=True, protected=True, tell=[target_dump(MANAGER)]),
    ),
    Example(
        "mailbox",
        gettext_lazy("Unclear mail asks a person first"),
        gettext_lazy("The lead decides within ten minutes whether to escalate; without an answer it escalates."),
        gettext_lazy("A mail rarely says how bad it is: a person decides first."),
        _is("source", operator="is", value="mailbox"),
        _then(ask={"targets": [target_dump(LEAD)], "within": "10m", "otherwise": "proceed"}),
    ),
    Example(
        "major",
        gettext_lazy("An outage of a revenue flow is a major incident"),
        gettext_lazy("Declared at once, before anybody has to think of it."),
        gettext_lazy("A service through which revenue flows is down."),
        lambda _place: {"all": [{"fact": "outage"}, {"fact": "revenue_flow"}]},
        _then(severity_at_least="SEV-1", major=True),
    ),
)
