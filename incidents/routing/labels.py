"""What the labels of alerts mean as facts: one table, kept apart from those who read by it. Pure.

A label says a fact where its name is in the table and its value is one of the fact's kind; anything else stays a label,
which rules reach as `labels.<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.conditions import VOCABULARY, FactDef, Kind
from policies.conditions.facts import number_of
from policies.conditions.values import MAX_WORD

WELL_KNOWN: Mapping[str, tuple[str, ...]] = {
    "rule": ("alertname", "alert_rule", "rulename", "class"),
    "component": ("component", "subsystem"),
    "domain": ("domain",),
    "region": ("region",),
    "customer": ("customer", "tenant"),
    "customer_tier": ("customer_tier",),
    "segment": ("segment",),
    "vip": ("vip",),
    "affected_customers": ("affected_customers",),
    "impact": ("impact",),
    "urgency": ("urgency",),
    "impact_class": ("impact_class",),
    "outage": ("outage",),
    "payment_failure": ("payment_failure",),
    "authentication_failure": ("authentication_failure",),
    "data_corruption": ("data_corruption",),
    "security": ("security",),
    "tags": ("tags",),
    "slo_burn": ("slo_burn", "burn_rate"),
    "anomaly": ("anomaly", "anomaly_score"),
}
"""Facts, and the labels that say them, the plainest first."""

_MEANT = {label: (fact, place) for fact, names in WELL_KNOWN.items() for place, label in enumerate(names)}
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


def alert_facts(labels: Mapping[str, str], details: Mapping[str, object]) -> dict[str, Any]:
    """The facts that an alert states, by name. Labels go before what a tool put in its details or annotations."""
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    for rank, source in enumerate((labels, details.get("custom_details"), details.get("annotations"))):
        if not isinstance(source, Mapping):
            continue
        for label, raw in source.items():
            known = _MEANT.get(label)
            if known is None or places.get(known[0], 1_000) <= rank * 10 + known[1]:
                continue
            value = fact_read(known[0], raw)
            if value is not None:
                found[known[0]], places[known[0]] = value, rank * 10 + known[1]
    return found


def fact_read(name: str, raw: object) -> Any:
    """The value of the fact `name` that a label means; None where it is none. Of a fact nobody declared it is `raw` itself."""
    fact = VOCABULARY.find(name)
    if fact is None:
        return None
    if fact.kind is Kind.OPEN:
        return raw
    if isinstance(raw, str):
        return _in_text(fact, raw.strip()[:MAX_WORD])
    if fact.kind is Kind.FLAG:
        return raw if isinstance(raw, bool) else None
    if fact.kind is Kind.RANK:
        return fact.rank_of(raw)
    if fact.kind is Kind.WORDS and isinstance(raw, list):
        return [str(word)[:MAX_WORD] for word in raw if isinstance(word, str)] or None
    return number_of(raw) if fact.kind is Kind.NUMBER else None


def _in_text(fact: FactDef, text: str) -> Any:
    word = text.casefold()
    match fact.kind:
        case Kind.RANK:
            return fact.rank_of(int(text) if text.isascii() and text.isdigit() else text)
        case Kind.FLAG:
            return True if word in _YES else False if word in _NO else None
        case Kind.NUMBER:
            return _number(text)
        case Kind.WORDS:
            return [part.strip() for part in text.split(",") if part.strip()] or None
        case Kind.CHOICE:
            return word if any(word == key for key, _words in fact.choices) else None
        case _:
            return text or None


def _number(text: str) -> float | None:
    try:
        return number_of(float(text))
    except ValueError:
        return None
