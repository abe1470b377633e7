"""Debian's Prometheus Alertmanager against a running server: by its webhook, and by its PagerDuty receiver pointed at us."""

import http.client
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from escalation_site.kernel.instants import now
from tests.peers.alerts import incidents, webhook
from tests.peers.ports import free_port, until
from tests.peers.site import RunningSite
from tests.world.cast import ALERTMANAGER_KEY, PAGERDUTY_KEY

pytestmark = pytest.mark.sqlite  # what differs between databases lies behind the door

CONFIGURATION = """
global:
  pagerduty_url: {address}/v2/enqueue
route:
  receiver: webhook
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1s
  routes:
    - matchers: [door="events"]
      receiver: events
receivers:
  - name: webhook
    webhook_configs:
      - url: {address}{webhook}
  - name: events
    pagerduty_configs:
      - routing_key: {routing_key}
"""


class Alertmanager:
    """The real one. ``fire`` and ``recover`` are what Prometheus tells it."""

    def __init__(self, folder: Path, site: RunningSite) -> None:
        self.port = free_port()
        configuration = CONFIGURATION.format(
            address=site.address, webhook=webhook(ALERTMANAGER_KEY), routing_key=PAGERDUTY_KEY
        )
        (folder / "alertmanager.yml").write_text(configuration, encoding="utf-8")
        command = [
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        with (folder / "alertmanager.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)

    def ready(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self._ask("/-/ready") == 200
        return False

    def fire(self, name: str, door: str) -> None:
        self._tell(name, door, lasts=timedelta(hours=1))

    def recover(self, name: str, door: str) -> None:
        self._tell(name, door, lasts=timedelta(0))

    def _tell(self, name: str, door: str, *, lasts: timedelta) -> None:
        at = now()
        alert = {
            "labels": {"alertname": name, "severity": "critical", "door": door},
            "annotations": {"summary": name},
            "startsAt": (at - timedelta(minutes=1)).isoformat(),
            "endsAt": (at + lasts).isoformat(),
        }
        assert self._ask("/api/v2/alerts", json.dumps([alert]).encode()) == 200

    def _ask(self, path: str, body: bytes | None = None) -> int:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return int(answer.status)


@pytest.fixture(scope="module")
def alertmanager(running_site: RunningSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    started = Alertmanager(tmp_path_factory.mktemp("alertmanager"), running_site)
    try:
        until(started.ready, "Alertmanager")
        yield started
    finally:
        started.process.terminate()
        started.process.wait(10)


@pytest.mark.requirement("R020")
@pytest.mark.requirement("R026")
@pytest.mark.parametrize("door", ["webhook", "events"])
def test_when_alertmanager_fires_repeats_recovers_and_fires_again_then_two_incidents_with_one_page_each_result(
    running_site: RunningSite, alertmanager: Alertmanager, door: str
) -> None:
    name = f"Fires_{door}"
    alertmanager.fire(name, door)
    [mail] = until(lambda: running_site.mailbox.about(name), f"the page's mail\n{running_site.log('web')}")
    assert mail.to == "marta@brightquay.example"
    until(lambda: incidents(running_site, name)[0][2] >= 3, "three deliveries of the same alert")
    assert [state for _number, state, _count in incidents(running_site, name)] == ["triggered"]
    assert running_site.mailbox.about(name) == [mail]

    alertmanager.recover(name, door)
    until(lambda: incidents(running_site, name)[0][1] == "resolved", "the recovery")

    alertmanager.fire(name, door)
    until(lambda: len(running_site.mailbox.about(name)) == 2, "the page of the second incident")
    assert [state for _number, state, _count in incidents(running_site, name)] == ["resolved", "triggered"]
    alertmanager.recover(name, door)
    until(lambda: {state for _number, state, _count in incidents(running_site, name)} == {"resolved"}, "the end")
