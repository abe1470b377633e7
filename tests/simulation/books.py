"""The books of the house, made by chance: routing rules that decide anything a rule may, and what the SLA promises."""

from datetime import datetime
from random import Random
from typing import Any

from incidents.checkpoint_words import START
from oncall.models import User
from policies.books import ROUTING, SLA, book_publish
from policies.reading import DefinitionInvalid
from tests.simulation.asking import rows

_ON_CALL: dict[str, Any] = {"kind": "schedule", "ref": "payments"}
_TOMAS: dict[str, Any] = {"kind": "user", "ref": "tomas"}
_UNREACHED: dict[str, Any] = {"kind": "user", "ref": "nils"}
_GONE: dict[str, Any] = {"kind": "user", "ref": "left-long-ago"}

_WHEN: tuple[dict[str, Any], ...] = (
    {"all": []},
    {"all": []},
    {"fact": "severity", "operator": "at_least", "value": 2},
    {"fact": "title", "operator": "contains", "value": "disk-full"},
    {"fact": "title", "operator": "contains", "value": "odd"},
    {"fact": "service", "value": "ledger"},
    {"fact": "service", "value": "orphan"},
    {"fact": "business_hours"},
    {"fact": "impact_class", "value": "customer-facing"},
    {"fact": "impact", "operator": "at_least", "value": 2},
    {"fact": "refires", "operator": "at_least", "value": 2},
)
_THEN: tuple[dict[str, Any], ...] = (
    {"severity_at_least": "SEV-2"},
    {"severity": "SEV-4"},
    {"policy": "ledger-policy"},
    {"policy": "search-policy", "timers_percent": 50},
    {"team": "platform"},
    {"start_level": 2},
    {"timers_percent": 50},
    {"straight_to": [_TOMAS, _GONE]},
    {"tell": [_ON_CALL]},
    {"escalate": False},
    {"ask": {"targets": [_ON_CALL], "within": "10m", "otherwise": "proceed"}},
    {"ask": {"targets": [_ON_CALL], "within": "4h", "otherwise": "proceed"}},
    {"ask": {"targets": [_ON_CALL, _TOMAS], "within": "12h", "otherwise": "leave"}},
    {"ask": {"targets": [_UNREACHED], "within": "10m", "otherwise": "proceed"}},
    {"ask": {"targets": [_GONE], "within": "10m", "otherwise": "leave"}},
    {"guarded": True},
    {"guarded": True, "protected": True},
)


def books_renew(chance: Random, *, author: User, at: datetime) -> None:
    """Publish other rules and other promises; now and then none."""
    while True:
        try:
            book_publish(shape=ROUTING, definition=_rules(chance), author=author, at=at)
        except DefinitionInvalid:
            continue  # chance made a rule that asks whether to escalate and says that nobody is paged
        break
    book_publish(shape=SLA, definition={"targets": _targets(chance)}, author=author, at=at)


def _rules(chance: Random) -> dict[str, Any]:
    rules = [] if chance.random() < 0.1 else [_rule(chance, number) for number in range(chance.choice((2, 3, 5)))]
    return {"rules": rules, "otherwise": {}}


def _rule(chance: Random, number: int) -> dict[str, Any]:
    return {
        "key": f"rule-{number}",
        "name": f"Rule {number}",
        "when": chance.choice(_WHEN),
        "then": chance.choice(_THEN) | chance.choice(_THEN),
        "reason": "The dice say so.",
        "stop": chance.random() < 0.2,
    }


def _targets(chance: Random) -> list[dict[str, Any]]:
    """What a story's policies may count back from; a severity that no target names has no SLA."""
    every = (
        {"name": "Outages", "severity": ["SEV-1"], "acknowledge": "5m", "resolve": chance.choice(("30m", "4h"))},
        {"name": "The rest", "resolve": chance.choice(("1h", "10h")), "hours": chance.choice(("all", "business"))},
    )
    return [target for target in every if chance.random() < 0.7]


def nobody_is_to_be_paged() -> set[int]:
    """The incidents for which a rule, or whoever was asked, or their silence, said that nobody is called."""
    ruled = rows("SELECT incident_id FROM incidents_timelineevent WHERE kind = 'routing.page_nobody'")
    said = rows(
        "SELECT incident_id FROM incidents_checkpoint WHERE action = %s AND (outcome = 'declined' "
        "OR (outcome = 'timed_out' AND fallback = 'leave' AND decided_at >= due_at))",
        START,
    )
    return {incident for (incident,) in (*ruled, *said)}
