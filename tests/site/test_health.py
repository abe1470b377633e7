"""/healthz, /readyz and /metrics."""

import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from escalation_site import health, metrics
from escalation_site.kernel.instants import now
from escalation_site.supervisor.beats import newest_beat
from incidents.models import ProcessBeat


def beat(name: str, *, at: datetime, pid: int = 1, host: str = "") -> None:
    ProcessBeat.objects.create(name=name, host=host or socket.gethostname(), pid=pid, started_at=at, beat_at=at)


@pytest.fixture(autouse=True)
def _no_remembered_migrations() -> Iterator[None]:
    health._migrated.clear()
    yield
    health._migrated.clear()


def test_when_the_process_serves_then_healthz_says_so_without_the_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_when_the_engine_beats_then_it_is_ready(client: Client) -> None:
    beat("engine", at=now())

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "engine": "ok"}}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_when_the_engine_never_ran_then_it_is_not_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["engine"] == "never started"


@pytest.mark.django_db
def test_when_the_engine_is_silent_then_it_is_not_ready(client: Client) -> None:
    beat("engine", at=now() - timedelta(minutes=10))

    checks = client.get("/readyz").json()["checks"]

    assert checks["engine"].startswith("silent for 6")


@pytest.mark.django_db
def test_when_a_migration_is_missing_then_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrations_missing", lambda: 2)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "migrations": "2 not applied", "engine": "not checked"}


@pytest.mark.django_db
def test_when_the_database_is_away_then_the_answer_names_no_host(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise OperationalError("connection to server at db.internal failed")

    monkeypatch.setattr(connection, "cursor", refuse)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "unreachable (OperationalError)"


@pytest.mark.django_db
def test_when_beats_are_read_for_a_group_then_only_its_living_processes_on_this_host_count() -> None:
    at = now()
    beat("engine", at=at - timedelta(seconds=5), pid=os.getpid())
    beat("engine", at=at, pid=1)
    beat("engine", at=at, pid=os.getpid(), host="elsewhere")
    beat("cluster", at=at, pid=os.getpid())

    assert newest_beat("engine", group=os.getpgid(0)) == at - timedelta(seconds=5)
    assert newest_beat("engine") == at
    assert newest_beat("web") is None


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_when_anything_is_posted_then_it_is_refused(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_when_this_machine_asks_then_metrics_are_shown(client: Client) -> None:
    client.get("/healthz")

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert 'watchbell_http_requests_total{method="GET",route="healthz",status="200"}' in answer.content.decode()


@pytest.mark.parametrize(
    "headers", [{"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}]
)
def test_when_another_machine_asks_then_metrics_are_refused(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/metrics", **headers).status_code == 403  # type: ignore[arg-type]


@pytest.mark.django_db
def test_when_another_machine_brings_the_token_then_metrics_are_shown(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "a-token-of-some-length"

    right = client.get("/metrics", REMOTE_ADDR="192.0.2.7", HTTP_AUTHORIZATION="Bearer a-token-of-some-length")
    wrong = client.get("/metrics", REMOTE_ADDR="192.0.2.7", HTTP_AUTHORIZATION="Bearer another")

    assert (right.status_code, wrong.status_code) == (200, 403)


@pytest.mark.django_db
def test_when_an_application_registers_a_gauge_then_each_scrape_asks_it(client: Client) -> None:
    answers = iter([[(("triggered",), 2.0)], [(("triggered",), 3.0)]])
    metrics.gauge_register("watchbell_example", "An example.", lambda: next(answers), labels=("state",))
    try:
        first, second = client.get("/metrics").content, client.get("/metrics").content
    finally:
        del metrics._gauges.registered["watchbell_example"]

    assert b'watchbell_example{state="triggered"} 2.0' in first
    assert b'watchbell_example{state="triggered"} 3.0' in second
