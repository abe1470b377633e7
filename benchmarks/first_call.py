"""From the accepted alert to the first call of a provider.

    python -m benchmarks.first_call [short|long] [sqlite] [postgresql]

Alerts are posted one by one at a steady pace over HTTP; a channel that does nothing writes down when it was called. Once with two alerts
a second, as on a quiet night, and once with fifty. What an hour costs in which nothing happens: ``benchmarks.idle``.
"""

import http.client
import re
import sys
import time

from benchmarks.figures import heading, judged, percentile
from benchmarks.lateness import ENGINES
from benchmarks.load import body
from benchmarks.site import KEY, Site, site

WEBHOOK = f"/integrations/alertmanager/{KEY}/"
# alerts a second, seconds of "short" and "long", most seconds to the call (p95)
PACES = ((2.0, 20.0, 60.0, 1.0), (50.0, 10.0, 40.0, 3.0))
PATIENCE_SECONDS = 60.0
_NUMBER = re.compile(r"host-(\d+)")


def posted(bench: Site, first: int, pace: float, seconds: float) -> dict[int, float]:
    """When each alert was answered 202, by its number. Who falls behind the pace posts the next at once."""
    client = http.client.HTTPConnection("127.0.0.1", bench.port)
    accepted: dict[int, float] = {}
    begun = time.time()
    for number in range(first, first + int(pace * seconds)):
        time.sleep(max(begun + (number - first) / pace - time.time(), 0))
        client.request("POST", WEBHOOK, body(number), {"Content-Type": "application/json"})
        answer = client.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"answered {answer.status}")
        accepted[number] = time.time()
    client.close()
    return accepted


def called(bench: Site) -> dict[int, float]:
    """When the channel was called, by the alert's number."""
    found = {}
    for line in (bench.folder / "calls").read_text().splitlines():
        instant, _blank, subject = line.partition(" ")
        if number := _NUMBER.search(subject):
            found[int(number[1])] = float(instant)
    return found


def delays(bench: Site, first: int, pace: float, seconds: float) -> list[float]:
    accepted = posted(bench, first, pace, seconds)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not accepted.keys() <= (calls := called(bench)).keys():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(accepted.keys() - calls.keys())} of {len(accepted)} alerts reached no provider")
        time.sleep(0.2)
    return [max(calls[number] - at, 0.0) for number, at in accepted.items()]


def report(database: str, profile: str) -> None:
    with site(database) as bench:
        bench.prepare()
        bench.web()
        bench.engine(null=bench.folder / "calls")
        posted(bench, 1, 10, 1)
        first = 1_000
        for pace, short, long, goal in PACES:
            seconds = long if profile == "long" else short
            late = delays(bench, first, pace, seconds)
            first += 100_000
            heading(
                f"{database}: accepted alert to the first provider call, {pace:.0f} alerts a second for {seconds:.0f} s"
            )
            points = ((0.5, "p50"), (0.95, "p95"), (1.0, "max"))
            print("  " + "   ".join(f"{name} {percentile(late, share) * 1000:5.0f} ms" for share, name in points))
            print(f"  p95: {judged(percentile(late, 0.95), goal, at_most=True)}")


def main(arguments: list[str]) -> None:
    for database in [name for name in ENGINES if name in arguments] or list(ENGINES):
        report(database, "long" if "long" in arguments else "short")


if __name__ == "__main__":
    main(sys.argv[1:])
