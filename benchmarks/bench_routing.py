"""What routing rules cost an alert: `python -m benchmarks.bench_routing [sqlite] [postgresql]`.

Thousands of alerts of one service in batches of 500, from the stored signal to the queued page: once without rules, once
with a hundred of which two match, and once with a rule among them that counts what was before, as in a storm. Processor
time of this process per alert, and the ratio to the run without rules, which does everything else alike.
"""

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from benchmarks.figures import heading, judged
from benchmarks.site import ROOT, site

ALERTS, BATCH, RULES = 5_000, 500, 100
MOST_RATIO = 1.5
"""A hundred rules must not cost half as much again as all the rest of an alert's way."""


def main() -> None:
    asked = [name for name in ("sqlite", "postgresql") if name in sys.argv[1:]] or ["sqlite", "postgresql"]
    for database in asked:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            bench.python("-m", "benchmarks.organisation")
            command = [sys.executable, "-m", "benchmarks.bench_routing", "inside"]
            done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=True, capture_output=True, text=True)
        heading(f"routing rules, {ALERTS} alerts in batches of {BATCH}, {database}")
        print(done.stdout.strip())


def inside() -> None:
    """In the environment of a throw-away site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()
    import logging

    logging.disable(logging.INFO)
    from escalation_site.kernel.memory import memory_settle

    memory_settle()
    wave("warm", BATCH)
    without = wave("none", ALERTS)
    publish([written(number) for number in range(RULES)])
    wave("warm2", BATCH)
    rules = wave("rules", ALERTS)
    publish([*(written(number) for number in range(RULES - 1)), counting()])
    wave("warm3", BATCH)
    history = wave("history", ALERTS)
    print(f"without rules      {without:8.3f} ms an alert")
    print(f"{RULES} rules          {rules:8.3f} ms   ratio {rules / without:.2f}   ", end="")
    print(judged(rules / without, MOST_RATIO, at_most=True))
    print(f"and with history   {history:8.3f} ms   ratio {history / without:.2f}")


def written(number: int) -> dict[str, Any]:
    """A rule as sites write them: three checks; one rule in fifty matches these alerts."""
    service = "gateway" if number % 50 == 0 else f"service-{number}"
    when: list[dict[str, Any]] = [
        {"fact": "service", "value": service},
        {"fact": "severity", "operator": "at_least", "value": 3},
        {"none": [{"fact": "labels.job", "value": f"job-{number}"}]},
    ]
    return rule(number, when, severity_at_least="SEV-3")


def counting() -> dict[str, Any]:
    when = [{"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"}]
    return rule(RULES, when, protected=True)


def rule(number: int, when: list[dict[str, Any]], **then: Any) -> dict[str, Any]:
    return {"key": f"rule-{number}", "name": f"Rule {number}", "when": {"all": when}, "then": then}


def publish(rules: list[dict[str, Any]]) -> None:
    from escalation_site.kernel.instants import now
    from policies.books import ROUTING, book_publish

    book_publish(shape=ROUTING, definition={"rules": rules}, author=None, at=now())


def wave(name: str, count: int) -> float:
    """Milliseconds of processor time for each of `count` new alerts."""
    from benchmarks.load import body
    from escalation_site.kernel.instants import now
    from incidents.models import InboxSignal, Incident, Integration
    from incidents.services.inbox import signals_accept
    from incidents.services.intake import inbox_process

    door = Integration.objects.get()
    at = now() - timedelta(hours=1)
    known = Incident.objects.count()
    shift = known + 1_000_000
    signals_accept(signals=[(door.pk, body(shift + number)) for number in range(count)], at=at)
    begun = time.process_time()
    while InboxSignal.objects.filter(processed_at=None, set_aside_at=None).exists():
        inbox_process(at=at, limit=BATCH)
    taken = time.process_time() - begun
    if Incident.objects.count() != known + count:
        raise SystemExit(f"{name}: alerts are missing")
    return taken / count * 1000


if __name__ == "__main__":
    inside() if "inside" in sys.argv[1:] else main()
