"""What real clients sent when they were listened to, byte for byte (hosts renamed), replayed against the door."""

import json
from pathlib import Path

import pytest

from tests.peers.alerts import webhook
from tests.peers.organisation import CAPTURED_KEY
from tests.peers.ports import until
from tests.peers.site import RunningSite
from tests.world.cast import ALERTMANAGER_KEY, PAGERDUTY_KEY

pytestmark = pytest.mark.sqlite  # what differs between databases lies behind the door

CAPTURES = Path(__file__).parent / "captures"
EVENTS = "/v2/enqueue"

# client, address, (dedup key, times received) of each alert in the order it began; every one of them recovered in the end.
REPLAYS = [
    pytest.param(
        "am-webhook",
        webhook(ALERTMANAGER_KEY),
        [("0e515131d71cd46d", 4), ("25ba12d4ab9574da", 1), ("f0ccb4452a4cc48d", 3)],
        id="Alertmanager 0.25 webhook: a group that grows, shrinks and ends; one sent three times",
    ),
    pytest.param(
        "am-pagerduty-url",
        EVENTS,
        [
            ("f3e958eab3ffae819decdd91564312ed0654e14e968524fd4826301788eb975a", 3),
            ("f1d2ffe1109bdeed1efe2dd4afd2848f7a352a078f907fa2078ebba4523753cd", 4),
        ],
        id="Alertmanager 0.25 PagerDuty receiver: a resolve with a whole payload",
    ),
    pytest.param("py-pdpyras5", EVENTS, [("k1", 1)], id="pdpyras 5: acknowledge and resolve with keys only"),
    pytest.param("nagios-script", EVENTS, [("web01/disk", 1)] * 4, id="Nagios: four problems of one disk in turn"),
]


@pytest.mark.requirement("R326")
@pytest.mark.parametrize(("client", "address", "expected"), REPLAYS)
def test_when_captured_messages_are_replayed_then_each_is_answered_as_its_client_expects_and_alerts_result(
    running_site: RunningSite, client: str, address: str, expected: list[tuple[str, int]]
) -> None:
    for path in sorted((CAPTURES / client).glob("*.body")):
        body = path.read_bytes()
        answer = running_site.post(address, body)
        said = json.loads(body)
        wanted = (
            {"status": "success", "message": "Event processed", "dedup_key": said["dedup_key"]}
            if address == EVENTS
            else {"status": "accepted", "alerts": len(said["alerts"])}
        )
        assert (answer.status, answer.json) == (202, wanted), path.name
    until(
        lambda: running_site.value("SELECT COUNT(*) FROM incidents_inboxsignal WHERE processed_at IS NULL") == 0,
        "reading",
    )
    keys = tuple({key for key, _count in expected})
    alerts = running_site.rows(
        "SELECT dedup_key, count, resolved_at FROM incidents_alert "  # noqa: S608  marks, not values
        f"WHERE dedup_key IN ({', '.join(['%s'] * len(keys))}) ORDER BY id",
        *keys,
    )
    assert [(key, count) for key, count, _resolved in alerts] == expected
    assert all(resolved for _key, _count, resolved in alerts)


def test_what_alertmanager_said_of_an_alert_is_kept_with_its_letters_and_links(running_site: RunningSite) -> None:
    body = (CAPTURES / "am-webhook" / "001.body").read_bytes()
    assert running_site.post(webhook(ALERTMANAGER_KEY), body).status == 202
    query = (
        "SELECT a.labels, a.link, i.title, i.summary FROM incidents_alert a JOIN incidents_incident i ON i.id = a.incident_id "
        "WHERE a.dedup_key = '0e515131d71cd46d' AND a.resolved_at IS NULL"
    )
    [(labels, link, title, summary)] = until(lambda: running_site.rows(query), "the alert")
    assert json.loads(labels)["disk"] == "sda"
    assert link.startswith("http://monitor.example:47090/graph?")
    assert (title, summary) == ("Disk sda bad", 'Value 1 "quoted" é 漢 <b>&')


@pytest.mark.parametrize(
    ("key", "body", "status", "words"),
    [
        pytest.param(PAGERDUTY_KEY, b"{", 400, "JSON parse error", id="no JSON"),
        pytest.param("nobody's", None, 400, "'routing_key' is not known here", id="an unknown key"),
        pytest.param(CAPTURED_KEY, {"event_action": "page"}, 400, "'event_action' is invalid", id="an unknown action"),
    ],
)
def test_an_event_that_cannot_be_taken_is_refused_in_the_words_its_clients_read(
    running_site: RunningSite, key: str, body: bytes | dict[str, str] | None, status: int, words: str
) -> None:
    event = {"routing_key": key, "event_action": "resolve", "dedup_key": "k"}
    answer = running_site.post(EVENTS, body if isinstance(body, bytes) else {**event, **(body or {})})
    assert answer.status == status
    assert any(error.startswith(words) for error in answer.json["errors"]), answer.json
