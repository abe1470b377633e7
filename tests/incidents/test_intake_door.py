"""What a sender hears, and that "accepted" means stored. The answers of /v2/enqueue are those of PagerDuty's Events API."""

import asyncio
from typing import Any

import orjson
import pytest
from django.db import OperationalError

from incidents.intake import door, fast
from incidents.intake.door import MAX_BODY, keys
from incidents.intake.fast import Arrival, IntakeDoor, store_arrivals
from incidents.models import InboxSignal, Incident
from tests.world.cast import ALERTMANAGER_KEY, PAGERDUTY_KEY
from tests.world.harness import World

EVENT: dict[str, Any] = {
    "routing_key": PAGERDUTY_KEY,
    "event_action": "trigger",
    "dedup_key": "disk-full",
    "payload": {"summary": "Disk full", "source": "host", "severity": "critical"},
}
WEBHOOK = f"/integrations/alertmanager/{ALERTMANAGER_KEY}/"
GROUP = {"alerts": [{"status": "firing", "fingerprint": "f1", "labels": {"alertname": "Down"}}]}


def enqueue(world: World, path: str = "/v2/enqueue", /, **fields: Any) -> tuple[int, Any]:
    answer = world.post(path, {**EVENT, **fields})
    return answer.status_code, answer.json()


def invalid(*errors: str) -> dict[str, Any]:
    return {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}


@pytest.mark.parametrize("path", ["/v2/enqueue", "/v2/enqueue/"])
def test_when_an_event_is_accepted_then_it_is_stored_and_its_key_is_echoed(world: World, path: str) -> None:
    answer = enqueue(world, path)

    assert answer == (202, {"status": "success", "message": "Event processed", "dedup_key": "disk-full"})
    assert InboxSignal.objects.count() == 1


def test_when_a_trigger_has_no_key_then_the_answer_holds_the_one_it_was_given_and_it_closes_it(world: World) -> None:
    _status, body = enqueue(world, dedup_key=None)
    world.settle()
    world.expect_page("marta", level=1)
    enqueue(world, event_action="resolve", dedup_key=body["dedup_key"])
    world.settle()

    assert world.incident.dedup_key == body["dedup_key"]
    assert world.incident.state == "resolved"


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"routing_key": None}, ["'routing_key' is missing or blank"]),
        ({"payload": None}, ["'payload' is missing or blank"]),
        (
            {"event_action": "resolve", "dedup_key": ""},
            ["'dedup_key' is missing or blank"],
        ),
        (
            {"event_action": ["trigger"]},
            ["'event_action' is invalid (must be one of the following: trigger, acknowledge or resolve)"],
        ),
        (
            {"payload": {"summary": "x", "source": "y", "severity": "bad"}},
            ["'payload.severity' is invalid (must be one of the following: critical, warning, error or info)"],
        ),
        ({"routing_key": "f" * 32}, ["'routing_key' is not known here"]),
        ({"routing_key": ALERTMANAGER_KEY}, ["'routing_key' is not known here"]),
    ],
)
def test_when_an_event_is_refused_then_the_answer_names_what_is_wrong_and_nothing_is_stored(
    world: World, fields: dict[str, Any], errors: list[str]
) -> None:
    assert enqueue(world, **fields) == (400, invalid(*errors))
    assert not InboxSignal.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a": NaN}', b"\xff\xfe"])
def test_when_the_body_is_no_json_object_then_the_answer_is_pagerduty_s(world: World, body: bytes) -> None:
    answer = world.post("/v2/enqueue", body)

    assert answer.status_code == 400
    assert answer.json() == {
        "status": "Unrecognized object",
        "message": "Event object format is unrecognized",
        "errors": ["JSON parse error"],
    }


def test_when_an_event_is_nested_beyond_what_can_be_stored_then_it_is_refused_by_name(world: World) -> None:
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    body = orjson.dumps(EVENT).replace(b'"critical"', b'"critical","custom_details":' + deep)
    answer = world.post("/v2/enqueue", body)

    assert (answer.status_code, answer.json()) == (400, invalid("The event is nested too deeply"))


def test_when_the_body_is_larger_than_allowed_then_it_is_refused_and_at_the_limit_it_is_not(world: World) -> None:
    def of_size(size: int) -> bytes:
        body = orjson.dumps({**EVENT, "client": ""})
        return body.replace(b'"client":""', b'"client":"' + b"x" * (size - len(body)) + b'"')

    assert world.post("/v2/enqueue", of_size(600 * 1024)).status_code == 413
    assert world.post("/v2/enqueue", of_size(MAX_BODY + 1)).json()["status"] == "invalid event"
    assert world.post(WEBHOOK, b"[" + b" " * 600 * 1024 + b"]").status_code == 413
    assert not InboxSignal.objects.exists()
    assert world.post("/v2/enqueue", of_size(MAX_BODY)).status_code == 202


def test_when_the_secret_is_in_the_body_then_it_is_not_stored(world: World) -> None:
    enqueue(world)

    assert PAGERDUTY_KEY.encode() not in bytes(InboxSignal.objects.get().body)


def test_when_a_webhook_s_key_is_unknown_or_of_another_kind_then_it_is_not_found(world: World) -> None:
    for path in (f"/integrations/pagerduty/{ALERTMANAGER_KEY}/", "/integrations/alertmanager/nobody/"):
        assert world.post(path, GROUP).status_code == 404
    assert world.client.get(WEBHOOK).status_code == 405


def test_when_an_integration_is_switched_off_then_its_signals_are_refused(world: World) -> None:
    door_ = world.cast.alertmanager
    assert world.post(WEBHOOK, GROUP).status_code == 202
    door_.enabled = False
    door_.save()
    keys.forget()

    assert world.post(WEBHOOK, GROUP).status_code == 404
    world.settle()
    world.expect_page("marta", level=1)  # what was accepted before counts


def test_when_a_key_was_just_used_then_the_database_is_not_asked_again(
    world: World, django_assert_num_queries: Any
) -> None:
    world.post(WEBHOOK, GROUP)
    with django_assert_num_queries(0):
        assert door.keys.find(ALERTMANAGER_KEY, "alertmanager") == world.cast.alertmanager.pk


def test_when_alertmanager_s_message_is_unreadable_then_the_answer_names_the_field(world: World) -> None:
    answer = world.post(WEBHOOK, {"alerts": [None]})

    assert (answer.status_code, answer.json()) == (400, {"error": "alerts[0]: must be an object"})


# --- many at once


def test_when_one_of_many_makes_our_own_reading_fail_then_only_that_one_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(body: bytes) -> list[Any]:
        if b"poison" in body:
            raise ZeroDivisionError
        return []

    monkeypatch.setitem(door.PARSERS, "alertmanager", parse)
    bodies = [b"one", b"poison", b"two"]
    answers = store_arrivals([Arrival("alertmanager", ALERTMANAGER_KEY, body) for body in bodies])

    assert [answer.status for answer in answers] == [202, 400, 202]
    assert [bytes(signal.body) for signal in InboxSignal.objects.order_by("id")] == [b"one", b"two"]


def test_when_the_database_does_not_answer_then_every_sender_is_asked_to_send_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Connection:
        def close(self) -> None:
            pass

    def away(**_arguments: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(fast, "signals_accept", away)
    monkeypatch.setattr(fast, "connection", Connection())
    answers = store_arrivals([Arrival("", "", orjson.dumps(EVENT))] * 3)

    # 503 and not 429: Alertmanager takes every 4xx as final.
    assert [answer.status for answer in answers] == [503] * 3


def test_when_requests_come_by_the_fast_way_then_each_gets_its_own_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []

    def store(arrivals: list[Arrival]) -> list[door.Answer]:
        batches.append(len(arrivals))
        return [door.Answer(202, {"size": len(arrival.body)}) for arrival in arrivals]

    monkeypatch.setattr(fast, "store_arrivals", store)

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299})

    intake = IntakeDoor(elsewhere)

    async def request(path: str, *chunks: bytes, method: str = "POST") -> list[Any]:
        sent: list[Any] = []
        coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        coming.append({"type": "http.request", "body": b""})

        async def receive() -> Any:
            return coming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await intake({"type": "http", "method": method, "path": path}, receive, send)
        return sent

    async def all_at_once() -> tuple[list[Any], ...]:
        return await asyncio.gather(
            request("/v2/enqueue", b"abc"),
            request("/v2/enqueue/", b"ab", b"cde"),
            request("/integrations/alertmanager/key", b""),
            request("/v2/enqueue", method="GET"),
            request("/incidents/"),
        )

    answers = asyncio.run(all_at_once())
    assert [sent[0]["status"] for sent in answers] == [202, 202, 202, 299, 299]
    assert [orjson.loads(sent[1]["body"]) for sent in answers[:3]] == [{"size": 3}, {"size": 5}, {"size": 0}]
    assert sum(batches) == 3


def test_when_nothing_was_accepted_then_nothing_happens(world: World) -> None:
    world.post("/v2/enqueue", b"{")
    world.settle()

    assert not Incident.objects.exists()
