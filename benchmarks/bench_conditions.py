"""Figures of the conditions, in one run: `python -m benchmarks.bench_conditions`.

Pure computation, no database, one core. The limit is that of the project's issue: 10,000 evaluations a second of a set of
100 rules, gathered facts included. The same rules are asked three ways: by the product, one after the other without its
index, and by a plain walk through the stored documents, which is the baseline.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

from policies.conditions import (
    Condition,
    Facts,
    Rule,
    RuleSet,
    checks,
    condition_compile,
    condition_dump,
    condition_parse,
    facts_of,
)
from tests.policies.condition_worlds import AT, document_holds

RULES = 100
INCIDENTS = 500
LIMIT = 10_000
SECONDS = 1.0

SERVICES = tuple(f"service-{number}" for number in range(40))
REGIONS = ("eu-west", "eu-south", "us-east", "ap-east")
TITLES = (
    "High latency on checkout",
    "Disk almost full",
    "Payment errors above 5 %",
    "Certificate expires",
    "Node down",
)


def written_rules(chance: random.Random) -> list[Condition]:
    """What a site writes: three checks to a rule, most for one service or team, some on words, history and hours."""
    return [condition_parse({"all": [_place(chance, number), *_more(chance)]}) for number in range(RULES)]


def _place(chance: random.Random, number: int) -> Mapping[str, Any]:
    if number % 10 == 9:
        return {"fact": "segment", "value": "external"}
    if number % 3 == 0:
        return {"fact": "team", "value": f"team-{number % 12}"}
    return {"fact": "service", "operator": "one_of", "value": chance.sample(SERVICES, 2)}


def _more(chance: random.Random) -> list[Mapping[str, Any]]:
    return chance.sample(
        [
            {"fact": "severity", "operator": "at_least", "value": chance.randint(1, 3)},
            {"any": [{"fact": "vip"}, {"fact": "region", "value": chance.choice(REGIONS)}]},
            {"fact": "text", "operator": "contains", "value": chance.choice(["latency", "payment", "disk"])},
            {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "1d"},
            {"none": [{"fact": "environment", "value": "staging"}]},
            {"fact": "labels.cpu", "operator": "gt", "value": 90},
        ],
        2,
    )


def incidents(chance: random.Random) -> list[dict[str, Any]]:
    """What is known of incidents, as it would be gathered: twenty facts each."""
    return [
        {
            "severity": chance.randint(1, 5),
            "service": chance.choice(SERVICES),
            "team": f"team-{chance.randrange(12)}",
            "tier": chance.randint(1, 3),
            "revenue_flow": chance.random() < 0.3,
            "high_risk": False,
            "regulated": False,
            "environment": chance.choice(["production", "staging"]),
            "region": chance.choice(REGIONS),
            "segment": chance.choice(["internal", "external"]),
            "vip": chance.random() < 0.1,
            "source": "prometheus",
            "rule": "HighLatency",
            "title": chance.choice(TITLES),
            "description": "The 99th percentile is above two seconds for five minutes.",
            "labels": {"cpu": str(chance.randint(1, 100)), "job": "api", "instance": "10.0.0.1:9100"},
            "similar_incidents": [chance.randrange(200_000) for _incident in range(3)],
            "slo_burn": chance.random() * 20,
        }
        for _number in range(INCIDENTS)
    ]


def per_second(work: Callable[[], object]) -> float:
    """How often `work` is done in a second of processor time."""
    work()
    done, begun = 0, time.process_time()
    while (taken := time.process_time() - begun) < SECONDS:
        for _again in range(20):
            work()
        done += 20
    return done / taken


def main() -> None:
    """Measure and print; exit with 1 when the limit is broken."""
    chance = random.Random(42)
    conditions = written_rules(chance)
    known = incidents(chance)
    rule_set = RuleSet(Rule(str(number), when, number) for number, when in enumerate(conditions))
    compiled = [condition_compile(condition) for condition in conditions]
    _agree(rule_set, conditions, known)

    data, gathered = cycle(known), cycle([facts_of(one, at=AT) for one in known])
    documents = [condition_dump(condition) for condition in conditions]
    total = sum(1 for condition in conditions for _check in checks(condition))
    figures = {
        "facts read, all matching rules": per_second(lambda: rule_set.all_matches(facts_of(next(data), at=AT))),
        "all matching rules": per_second(lambda: rule_set.all_matches(next(gathered))),
        "first matching rule": per_second(lambda: rule_set.first_match(next(gathered))),
        "without the index, all rules": per_second(lambda: _in_turn(compiled, gathered)),
        "every rule explained in full": per_second(lambda: rule_set.explain(next(gathered))),
        "baseline: documents walked": per_second(lambda: _walked(documents, next(data))),
    }
    print(f"{RULES} rules of {total} checks, {INCIDENTS} incidents of 20 facts")
    for title, figure in figures.items():
        print(f"{title:<34}{figure:>12,.0f} rule sets/s{figure * RULES:>14,.0f} conditions/s")
    met = figures["facts read, all matching rules"] >= LIMIT
    print(f"limit {LIMIT:,} rule sets/s with facts read: {'ok' if met else 'BROKEN'}")
    if not met:
        raise SystemExit(1)


def _agree(rule_set: RuleSet[int], conditions: list[Condition], known: list[dict[str, Any]]) -> None:
    """Figures of something that answers wrongly are worth nothing."""
    for one in known[:100]:
        expected = [
            number for number, condition in enumerate(conditions) if document_holds(condition_dump(condition), one)
        ]
        assert [rule.then for rule in rule_set.all_matches(facts_of(one, at=AT))] == expected


def _in_turn(compiled: list[Any], gathered: Iterator[Facts]) -> list[bool]:
    facts = next(gathered)
    return [one.holds(facts) for one in compiled]


def _walked(documents: list[dict[str, Any]], data: Mapping[str, Any]) -> list[bool]:
    return [document_holds(document, data) for document in documents]


if __name__ == "__main__":
    main()
