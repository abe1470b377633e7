"""Prometheus measurements of this process, and room for gauges that are read from the database when asked.

An application above adds its own with `gauge_register(...)` in its `AppConfig.ready`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

Sample = tuple[tuple[str, ...], float]

# A second series for each, holding when it began: nobody reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client is untyped
_REQUESTS = Counter("watchbell_http_requests", "Requests answered.", ("method", "route", "status"))
_SECONDS = Histogram(
    "watchbell_http_request_seconds",
    "Seconds from the first middleware to the response.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_observed(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. ``route`` is the URL pattern, never the address itself: labels must stay few."""
    shown = route or "unmatched"
    _REQUESTS.labels(method if method in _METHODS else "other", shown, str(status)).inc()
    _SECONDS.labels(shown).observe(seconds)


@dataclass(frozen=True, slots=True)
class _Gauge:
    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Sample]]


class _Gauges(Collector):
    """Asks each registered function when Prometheus asks."""

    def __init__(self) -> None:
        self.registered: dict[str, _Gauge] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauge in self.registered.values():
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for labels, value in gauge.read():
                family.add_metric(labels, value)
            yield family


_gauges = _Gauges()


def gauge_register(name: str, help: str, read: Callable[[], Iterable[Sample]], *, labels: tuple[str, ...] = ()) -> None:
    """Show what ``read`` returns, pairs of (label values, number), at each scrape. Registering a name again replaces
    it.

    ``read`` may use the database: it runs in the request that asks for /metrics, nowhere else.
    """
    _gauges.registered[name] = _Gauge(name, help, labels, read)


def exposition() -> bytes:
    """Everything in Prometheus' text format. With several web processes, request counts are summed over all of them."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # prometheus_client is untyped
    else:
        counted = REGISTRY
    asked = CollectorRegistry()
    asked.register(_gauges)
    return generate_latest(counted) + generate_latest(asked)
