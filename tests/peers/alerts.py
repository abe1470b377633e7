"""What a monitor posts, and where an incident stands."""

from typing import Any

from escalation_site.kernel.instants import now
from tests.peers.site import RunningSite
from tests.world.harness import fingerprint


def webhook(key: str) -> str:
    return f"/integrations/alertmanager/{key}/"


def alert(name: str, *, status: str = "firing", **labels: str) -> dict[str, Any]:
    """A message of Alertmanager's webhook with one alert; its title is its name."""
    merged = {"alertname": name, "severity": "critical", **labels}
    one = {
        "status": status,
        "labels": merged,
        "annotations": {"summary": name},
        "startsAt": now().isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint(merged),
    }
    return {"version": "4", "status": status, "groupKey": f'{{}}:{{alertname="{name}"}}', "alerts": [one]}


def incidents(site: RunningSite, title: str) -> list[tuple[int, str, int]]:
    """(number, state, alert count) of the incidents whose title holds ``title``, oldest first."""
    return site.rows(
        "SELECT id, state, alert_count FROM incidents_incident WHERE title LIKE %s ORDER BY id", f"%{title}%"
    )
