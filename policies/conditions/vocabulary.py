"""The facts conditions speak about: one table for routing, suppression, automation, exceptions and channel criteria.

A fact may be absent; it is then *unknown*. A check on an unknown fact does not hold, whatever its operator ("is not"
neither), but for the operator `unknown`. A group only combines what its parts answer: `none` of a check on an unknown
fact therefore holds. Whoever means "not production, or nobody said" writes `none`; whoever means "known to be another
one" writes `is_not`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from policies.conditions.kinds import Kind
from policies.severity import Severity

Words = str | Promise
_REMEMBERED = 2_000
"""Labels whose definitions are kept: the same ones come with every alert."""


@dataclass(frozen=True, slots=True)
class FactDef:
    """One fact. `label` names it in forms, `subject` in sentences ("the severity"), `heading` groups it in pickers.

    `choices` are the values of a RANK, from 1 up, or the keys of a CHOICE, with their words. A FLAG and a CALENDAR carry
    whole sentences for both answers instead of a subject. A name that ends in ".*" stands for every name that begins
    so; `subject` then has a place for the rest. `written` is what documents put before a rank: "SEV-" gives "SEV-2".
    """

    name: str
    kind: Kind
    heading: Words
    label: Words
    subject: Words = ""
    choices: tuple[tuple[int | str, Words], ...] = ()
    yes: Words = ""
    no: Words = ""
    unit: Words = ""
    written: str = ""

    def rank_of(self, raw: object) -> int | None:
        """The rank that a document or a fact means: 2, or "SEV-2" where ranks are written so; None for anything else."""
        prefix = self.written.casefold()
        if prefix and isinstance(raw, str) and raw.casefold().startswith(prefix):
            digit = raw[len(prefix) :]
            raw = int(digit) if len(digit) == 1 and digit in "123456789" else None
        if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= len(self.choices):
            return int(raw)
        return None

    @property
    def is_open(self) -> bool:
        return self.name.endswith(".*")


class Vocabulary:
    """Facts by name. `extended` is another vocabulary with more facts; `declare` gives this one the house's own."""

    def __init__(self, facts: Iterable[FactDef]) -> None:
        self._built_in = tuple(facts)
        self.stamp: object = None
        self._take(())

    def _take(self, own: tuple[FactDef, ...]) -> None:
        self._facts = {fact.name: fact for fact in (*self._built_in, *own)}
        self._open = {name.removesuffix(".*"): fact for name, fact in self._facts.items() if fact.is_open}
        self._found: dict[str, FactDef] = {}

    def declare(self, own: Iterable[FactDef], *, stamp: object = None) -> None:
        """Speak of the house's ``own`` facts from now on, and of none declared before. ``stamp`` says which state of them
        this is: whatever was read or compiled by another one is read anew (`policies.own_facts`)."""
        self._take(tuple(own))
        self.stamp = stamp

    def __iter__(self) -> Iterator[FactDef]:
        return iter(self._facts.values())

    def find(self, name: str) -> FactDef | None:
        """The fact of that name; for "labels.team" that of "labels.*", under the name asked for. None: no such fact."""
        known = self._facts.get(name) or self._found.get(name)
        if known is None:
            known = self._member(name)
            if known is not None and len(self._found) < _REMEMBERED:
                self._found[name] = known
        return None if known is None or known.is_open else known

    def _member(self, name: str) -> FactDef | None:
        family, dot, rest = name.partition(".")
        kin = self._open.get(family) if dot else None
        return replace(kin, name=name) if kin is not None and 0 < len(rest.strip()) == len(rest) else None

    @property
    def names(self) -> Mapping[str, FactDef]:
        """The declared facts, open ones under their own names: "labels.*"."""
        return self._facts

    def extended(self, *facts: FactDef) -> Vocabulary:
        return Vocabulary((*self._facts.values(), *facts))

    @property
    def families(self) -> KeysView[str]:
        """The first parts of open names: "labels", "custom"."""
        return self._open.keys()


_IMPACT = gettext_lazy("How bad it is")
_WHERE = gettext_lazy("What is affected")
_WHO = gettext_lazy("Whom it affects")
_ORIGIN = gettext_lazy("Where it comes from")
_SAID = gettext_lazy("What it says")
_WHEN = gettext_lazy("When")
_BEFORE = gettext_lazy("What happened before")
_SIGNALS = gettext_lazy("Measured signals")
_COURSE = gettext_lazy("How it is going")

_SCALE: tuple[tuple[int | str, Words], ...] = (
    (1, gettext_lazy("1 (highest)")),
    (2, gettext_lazy("2 (high)")),
    (3, gettext_lazy("3 (medium)")),
    (4, gettext_lazy("4 (low)")),
    (5, gettext_lazy("5 (lowest)")),
)
_TIERS: tuple[tuple[int | str, Words], ...] = (
    (1, gettext_lazy("tier 1")),
    (2, gettext_lazy("tier 2")),
    (3, gettext_lazy("tier 3")),
)

_FACTS = (
    FactDef(
        "severity",
        Kind.RANK,
        _IMPACT,
        gettext_lazy("Severity"),
        gettext_lazy("the severity"),
        choices=tuple((severity.value, severity.label) for severity in Severity),
        written="SEV-",
    ),
    FactDef("impact", Kind.RANK, _IMPACT, gettext_lazy("Impact"), gettext_lazy("the impact"), choices=_SCALE),
    FactDef("urgency", Kind.RANK, _IMPACT, gettext_lazy("Urgency"), gettext_lazy("the urgency"), choices=_SCALE),
    FactDef(
        "priority",
        Kind.RANK,
        _IMPACT,
        gettext_lazy("Priority"),
        gettext_lazy("the priority"),
        choices=tuple((number, f"P{number}") for number in range(1, 6)),
        written="P",
    ),
    FactDef("impact_class", Kind.WORD, _IMPACT, gettext_lazy("Impact class"), gettext_lazy("the impact class")),
    FactDef(
        "outage",
        Kind.FLAG,
        _IMPACT,
        gettext_lazy("Outage"),
        yes=gettext_lazy("a service is down"),
        no=gettext_lazy("no service is down"),
    ),
    FactDef(
        "payment_failure",
        Kind.FLAG,
        _IMPACT,
        gettext_lazy("Payments fail"),
        yes=gettext_lazy("payments fail"),
        no=gettext_lazy("payments work"),
    ),
    FactDef(
        "authentication_failure",
        Kind.FLAG,
        _IMPACT,
        gettext_lazy("Signing in fails"),
        yes=gettext_lazy("signing in fails"),
        no=gettext_lazy("signing in works"),
    ),
    FactDef(
        "data_corruption",
        Kind.FLAG,
        _IMPACT,
        gettext_lazy("Data damaged"),
        yes=gettext_lazy("data is damaged or lost"),
        no=gettext_lazy("no data is damaged or lost"),
    ),
    FactDef(
        "security",
        Kind.FLAG,
        _IMPACT,
        gettext_lazy("Security"),
        yes=gettext_lazy("it concerns security"),
        no=gettext_lazy("it does not concern security"),
    ),
    FactDef("service", Kind.NAME, _WHERE, gettext_lazy("Service"), gettext_lazy("the service")),
    FactDef(
        "tier",
        Kind.RANK,
        _WHERE,
        gettext_lazy("Tier of the service"),
        gettext_lazy("the tier of the service"),
        choices=_TIERS,
    ),
    FactDef(
        "revenue_flow",
        Kind.FLAG,
        _WHERE,
        gettext_lazy("Revenue flow"),
        yes=gettext_lazy("revenue flows through the service"),
        no=gettext_lazy("no revenue flows through the service"),
    ),
    FactDef(
        "high_risk",
        Kind.FLAG,
        _WHERE,
        gettext_lazy("High risk"),
        yes=gettext_lazy("the service is of high risk"),
        no=gettext_lazy("the service is not of high risk"),
    ),
    FactDef(
        "regulated",
        Kind.FLAG,
        _WHERE,
        gettext_lazy("Regulated"),
        yes=gettext_lazy("the service is regulated"),
        no=gettext_lazy("the service is not regulated"),
    ),
    FactDef("team", Kind.NAME, _WHERE, gettext_lazy("Owner (team)"), gettext_lazy("the owning team")),
    FactDef(
        "category",
        Kind.WORDS,
        _WHERE,
        gettext_lazy("Category and what it is part of"),
        gettext_lazy("the category with what it is part of"),
    ),
    FactDef("component", Kind.WORD, _WHERE, gettext_lazy("Subsystem"), gettext_lazy("the subsystem")),
    FactDef("domain", Kind.WORD, _WHERE, gettext_lazy("Domain"), gettext_lazy("the domain")),
    FactDef("environment", Kind.WORD, _WHERE, gettext_lazy("Environment"), gettext_lazy("the environment")),
    FactDef("region", Kind.WORD, _WHERE, gettext_lazy("Region"), gettext_lazy("the region")),
    FactDef("customer", Kind.NAME, _WHO, gettext_lazy("Customer"), gettext_lazy("the customer")),
    FactDef(
        "segment",
        Kind.CHOICE,
        _WHO,
        gettext_lazy("Segment"),
        gettext_lazy("the segment"),
        choices=(("internal", gettext_lazy("internal")), ("external", gettext_lazy("external"))),
    ),
    FactDef(
        "vip",
        Kind.FLAG,
        _WHO,
        gettext_lazy("VIP customer"),
        yes=gettext_lazy("a VIP customer is affected"),
        no=gettext_lazy("no VIP customer is affected"),
    ),
    FactDef(
        "customer_tier",
        Kind.RANK,
        _WHO,
        gettext_lazy("Tier of the customer"),
        gettext_lazy("the tier of the customer"),
        choices=_TIERS,
    ),
    FactDef(
        "affected_customers",
        Kind.NUMBER,
        _WHO,
        gettext_lazy("Customers affected"),
        gettext_lazy("the number of customers affected"),
    ),
    FactDef(
        "origin",
        Kind.CHOICE,
        _ORIGIN,
        gettext_lazy("Origin"),
        gettext_lazy("the origin"),
        choices=(
            ("monitoring", gettext_lazy("monitoring")),
            ("person", gettext_lazy("a person")),
            ("api", gettext_lazy("the API")),
        ),
    ),
    FactDef("source", Kind.NAME, _ORIGIN, gettext_lazy("Tool"), gettext_lazy("the tool")),
    FactDef("rule", Kind.NAME, _ORIGIN, gettext_lazy("Alert rule"), gettext_lazy("the alert rule")),
    FactDef(
        "labels.*",
        Kind.OPEN,
        _ORIGIN,
        gettext_lazy("Label"),
        # Translators: %(name)s is the key of a label, as monitoring tools write it.
        gettext_lazy("the label “%(name)s”"),
    ),
    FactDef("tags", Kind.WORDS, _ORIGIN, gettext_lazy("Tags"), gettext_lazy("the tags")),
    FactDef(
        "custom.*",
        Kind.OPEN,
        _ORIGIN,
        gettext_lazy("Custom field"),
        gettext_lazy("the field “%(name)s”"),
    ),
    FactDef("text", Kind.TEXT, _SAID, gettext_lazy("Title or description"), gettext_lazy("the title or description")),
    FactDef("title", Kind.TEXT, _SAID, gettext_lazy("Title"), gettext_lazy("the title")),
    FactDef("description", Kind.TEXT, _SAID, gettext_lazy("Description"), gettext_lazy("the description")),
    FactDef(
        "weekday",
        Kind.WEEKDAY,
        _WHEN,
        gettext_lazy("Weekday"),
        gettext_lazy("the day"),
        choices=(
            ("mon", gettext_lazy("Monday")),
            ("tue", gettext_lazy("Tuesday")),
            ("wed", gettext_lazy("Wednesday")),
            ("thu", gettext_lazy("Thursday")),
            ("fri", gettext_lazy("Friday")),
            ("sat", gettext_lazy("Saturday")),
            ("sun", gettext_lazy("Sunday")),
        ),
    ),
    FactDef("time", Kind.TIME, _WHEN, gettext_lazy("Time"), gettext_lazy("the time")),
    FactDef(
        "holiday",
        Kind.CALENDAR,
        _WHEN,
        gettext_lazy("Holiday"),
        yes=gettext_lazy("it is a holiday"),
        no=gettext_lazy("it is no holiday"),
    ),
    FactDef(
        "business_hours",
        Kind.CALENDAR,
        _WHEN,
        gettext_lazy("Business hours"),
        yes=gettext_lazy("it is within business hours"),
        no=gettext_lazy("it is outside business hours"),
    ),
    FactDef(
        "similar_incidents",
        Kind.HISTORY,
        _BEFORE,
        gettext_lazy("Similar incidents"),
        gettext_lazy("the number of similar incidents"),
    ),
    FactDef(
        "service_incidents",
        Kind.HISTORY,
        _BEFORE,
        gettext_lazy("Incidents of the service"),
        gettext_lazy("the number of incidents of the service"),
    ),
    FactDef(
        "component_incidents",
        Kind.HISTORY,
        _BEFORE,
        gettext_lazy("Incidents of the subsystem"),
        gettext_lazy("the number of incidents of the subsystem"),
    ),
    FactDef(
        "refires",
        Kind.HISTORY,
        _BEFORE,
        gettext_lazy("Repeats of the alert"),
        gettext_lazy("the number of times the alert came again"),
    ),
    FactDef(
        "slo_burn",
        Kind.NUMBER,
        _SIGNALS,
        gettext_lazy("SLO burn rate"),
        gettext_lazy("the SLO burn rate"),
        unit="×",
    ),
    FactDef("anomaly", Kind.NUMBER, _SIGNALS, gettext_lazy("Anomaly score"), gettext_lazy("the anomaly score")),
    FactDef(
        "state",
        Kind.CHOICE,
        _COURSE,
        gettext_lazy("State"),
        gettext_lazy("the state"),
        choices=(
            ("triggered", gettext_lazy("triggered")),
            ("acknowledged", gettext_lazy("acknowledged")),
            ("resolved", gettext_lazy("resolved")),
        ),
    ),
    FactDef("stage", Kind.NAME, _COURSE, gettext_lazy("Stage"), gettext_lazy("the stage")),
    FactDef(
        "time_in_state",
        Kind.DURATION,
        _COURSE,
        gettext_lazy("Time in this state"),
        gettext_lazy("the time in this state"),
    ),
    FactDef(
        "age", Kind.DURATION, _COURSE, gettext_lazy("Time since it began"), gettext_lazy("the time since it began")
    ),
)

VOCABULARY = Vocabulary(_FACTS)
"""What every site has.

History counts what was before and not the incident at hand: `similar_incidents` are those of the same service and alert
rule. `refires` are later signals of the same alert. `slo_burn` is the rate at which the error budget is spent (1: all of
it exactly by the end of the period), `anomaly` the score as the tool reports it.
"""
