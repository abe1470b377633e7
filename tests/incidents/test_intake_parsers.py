"""What monitors send is untrusted: whatever comes, a parser gives alerts in one shape or says Unreadable, never anything else."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.intake import alertmanager, pagerduty, reading
from incidents.intake.values import MAX_KEY, MAX_SUMMARY, AlertValue, Unreadable

KEY = "0123456789abcdef0123456789abcdef"
ZERO_TIME = "0001-01-01T00:00:00Z"

# Text as JSON can carry it: everything but half a surrogate pair. Big integers are sent by real clients as well.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts
odd = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
instants = st.datetimes().map(lambda at: at.isoformat() + "Z") | st.sampled_from(
    [ZERO_TIME, "9999-12-31T23:59:59-14:00", "2015-07-17T08:42:58.315+0000", "1970-01-01T00:00:00+14:00", "now"]
)


def shuffled(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which each field may be as it should, odd, or missing."""
    return st.fixed_dictionaries({}, optional={name: good | odd for name, good in fields.items()})


alertmanager_messages = shuffled(
    groupKey=texts,
    alerts=st.lists(
        shuffled(
            status=st.sampled_from(["firing", "resolved"]),
            labels=st.dictionaries(texts, texts | odd, max_size=4),
            annotations=shuffled(summary=texts, description=texts),
            fingerprint=texts,
            startsAt=instants,
            generatorURL=texts,
        )
        | odd,
        max_size=4,
    ),
)
pagerduty_events = shuffled(
    routing_key=st.just(KEY),
    event_action=st.sampled_from(["trigger", "acknowledge", "resolve"]),
    dedup_key=texts,
    payload=shuffled(
        summary=texts,
        source=texts,
        severity=st.sampled_from(pagerduty.SEVERITIES),
        timestamp=instants,
        component=texts,
        custom_details=odd,
    ),
    links=st.lists(shuffled(href=texts, text=texts) | odd, max_size=3),
    client=texts,
    client_url=texts,
)


def usable(value: AlertValue) -> bool:
    """Whether both databases can store every part of the value."""
    stored = orjson.dumps([value.dedup_key, value.summary, value.labels, value.details, value.link])
    return (
        0 < len(value.dedup_key) <= MAX_KEY
        and len(value.summary) <= MAX_SUMMARY
        and len(value.severity_word) <= 60
        and len(value.link) <= 2000
        and b"\\u0000" not in stored
        and (value.started_at is None or value.started_at.utcoffset() == timedelta(0))
    )


@given(alertmanager_messages)
def test_whatever_alertmanager_could_send_gives_usable_alerts_or_unreadable(message: dict[str, Any]) -> None:
    try:
        values = alertmanager.parse(orjson.dumps(message))
    except Unreadable:
        return
    assert all(usable(value) for value in values)


@given(pagerduty_events)
def test_whatever_an_events_client_could_send_gives_usable_alerts_or_unreadable(event: dict[str, Any]) -> None:
    try:
        values = pagerduty.parse(orjson.dumps(event))
    except Unreadable:
        return
    # The severity of what is no trigger is never stored.
    assert all(usable(value) or value.action != "trigger" for value in values)


@given(st.binary(max_size=200) | odd.map(orjson.dumps))
def test_whatever_bytes_come_a_parser_says_unreadable_at_worst(body: bytes) -> None:
    for parse in (alertmanager.parse, pagerduty.parse):
        with contextlib.suppress(Unreadable):
            parse(body)


@given(odd)
def test_the_reading_helpers_take_any_value(value: Any) -> None:
    assert "\x00" not in reading.text(value)
    assert all("\x00" not in name + item for name, item in reading.texts(value).items())
    assert reading.web_link(value) == "" or reading.web_link(value).startswith(("http://", "https://"))
    at = reading.instant(value)
    assert at is None or at.tzinfo is UTC
    assert b"\\u0000" not in orjson.dumps(reading.plain(value))


@given(instants)
def test_an_instant_is_in_utc_or_absent(text: str) -> None:
    at = reading.instant(text)
    assert at is None or (at.tzinfo is UTC and at.year >= 1969)


@given(texts, texts)
def test_two_keys_stay_two_however_long_they_are(one: str, other: str) -> None:
    beginning = "k" * MAX_KEY
    keys = {reading.key(beginning + one), reading.key(beginning + other)}
    assert len(keys) == len({one, other})
    assert all(len(key) <= MAX_KEY for key in keys)


# --- Alertmanager, case by case


def alert(**fields: Any) -> AlertValue:
    """The one alert of a message with these fields."""
    item = {"status": "firing", "labels": {"alertname": "Down"}, "fingerprint": "f1", **fields}
    (value,) = alertmanager.parse(orjson.dumps({"alerts": [item]}))
    return value


@pytest.mark.parametrize("message", [{}, {"alerts": None}, {"alerts": {}}, {"alerts": "x"}, [], None, 5])
def test_a_message_without_a_list_of_alerts_is_unreadable(message: Any) -> None:
    with pytest.raises(Unreadable):
        alertmanager.parse(orjson.dumps(message))


@pytest.mark.parametrize("item", [None, 5, "x", [], {}, {"labels": None}, {"fingerprint": None, "labels": []}])
def test_an_alert_that_nothing_tells_apart_is_unreadable_and_named(item: Any) -> None:
    good = {"fingerprint": "f1", "labels": {"alertname": "Down"}}
    with pytest.raises(Unreadable, match=r"alerts\[1\]"):
        alertmanager.parse(orjson.dumps({"alerts": [good, item]}))


def test_null_in_every_place_means_absent() -> None:
    value = alert(annotations=None, startsAt=None, endsAt=None, generatorURL=None, status=None)
    assert (value.action, value.summary, value.severity_word, value.link) == ("trigger", "Down", "", "")
    assert value.started_at is None


def test_without_a_fingerprint_the_labels_tell_alerts_apart_in_any_order() -> None:
    one = alert(fingerprint=None, labels={"a": "1", "b": "2"})
    same = alert(fingerprint="", labels={"b": "2", "a": "1"})
    other = alert(fingerprint=None, labels={"a": "1", "b": "3"})
    assert one.dedup_key == same.dedup_key != other.dedup_key


def test_go_s_zero_time_is_no_time() -> None:
    assert alert(startsAt=ZERO_TIME).started_at is None
    assert alert(startsAt="2026-11-22T03:09:00+01:00").started_at == datetime(2026, 11, 22, 2, 9, tzinfo=UTC)


def test_a_year_that_has_no_utc_is_no_time() -> None:
    assert alert(startsAt="9999-12-31T23:59:59-14:00").started_at is None


def test_nul_bytes_are_dropped_wherever_they_are() -> None:
    value = alert(
        labels={"alert\x00name": "Do\x00wn", "severity": "cri\x00tical"},
        annotations={"summary": "It is\x00 down"},
        fingerprint="f\x001",
    )
    assert value.labels == {"alertname": "Down", "severity": "critical"}
    assert (value.summary, value.dedup_key) == ("It is down", "f1")


def test_text_of_every_script_is_kept() -> None:
    value = alert(annotations={"summary": "支払い停止 🔥 Zahlungsausfall"}, labels={"städte": "Zürich"})
    assert value.summary == "支払い停止 🔥 Zahlungsausfall"
    assert value.labels == {"städte": "Zürich"}


def test_half_a_surrogate_pair_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        alertmanager.parse(b'{"alerts": [{"fingerprint": "\\ud800"}]}')


def test_long_values_keep_their_beginning() -> None:
    value = alert(annotations={"summary": "s" * 5000}, labels={"severity": "x" * 500, "long": "y" * 5000})
    assert len(value.summary) == MAX_SUMMARY
    assert len(value.severity_word) == 60
    assert len(value.labels["long"]) == 2000


def test_a_link_that_is_no_web_address_is_dropped() -> None:
    assert alert(generatorURL="javascript:alert(1)").link == ""
    assert alert(generatorURL="http://prometheus.example/graph").link == "http://prometheus.example/graph"


def test_an_alert_takes_its_own_status_whatever_the_group_s() -> None:
    items = [{"fingerprint": "1", "status": "firing"}, {"fingerprint": "2", "status": "resolved"}]
    values = alertmanager.parse(orjson.dumps({"status": "firing", "alerts": items}))
    assert [value.action for value in values] == ["trigger", "resolve"]


# --- PagerDuty's events, case by case


def event(**fields: Any) -> bytes:
    payload = {"summary": "Down", "source": "host", "severity": "critical"}
    return orjson.dumps({"routing_key": KEY, "event_action": "trigger", "dedup_key": "k", "payload": payload, **fields})


@pytest.mark.parametrize("action", [None, 5, [], {}, "", "TRIGGER", "fire", ["trigger"]])
def test_an_action_that_is_none_is_named_as_the_fault(action: Any) -> None:
    (error,) = pagerduty.read(event(event_action=action)).errors
    assert error.startswith("'event_action' is invalid")


def test_every_fault_of_a_payload_is_named() -> None:
    errors = pagerduty.read(event(payload={"summary": " ", "source": None, "severity": "page"})).errors
    assert [error.split("'")[1] for error in errors] == ["payload.summary", "payload.source", "payload.severity"]
    assert pagerduty.read(event(payload=[])).errors == ("'payload' is missing or blank",)


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_an_acknowledgement_and_a_recovery_need_no_payload_but_a_key(action: str) -> None:
    (value,) = pagerduty.parse(event(event_action=action, payload=None))
    assert (value.action, value.dedup_key) == (action, "k")
    assert pagerduty.read(event(event_action=action, dedup_key=None)).errors == ("'dedup_key' is missing or blank",)


def test_a_trigger_without_a_key_is_given_one_of_its_own() -> None:
    keys = {pagerduty.read(event(dedup_key=None)).dedup_key for _turn in range(3)}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("links", [None, 5, True, {}, "x", [None, 5, {"href": "javascript:x"}, {}]])
def test_links_that_are_none_are_left_out(links: Any) -> None:
    (value,) = pagerduty.parse(event(links=links))
    assert value.details["links"] == []


@pytest.mark.parametrize(
    ("custom", "kept"),
    [
        (None, {}),
        ("as text", {"text": "as text"}),
        (5, {"text": "5"}),
        ([], {}),
        ({"a\x00b": ["c\x00d", {"e": "\x00"}]}, {"ab": ["cd", {"e": ""}]}),
    ],
)
def test_custom_details_are_kept_in_whatever_form_they_come(custom: Any, kept: Any) -> None:
    payload = {"summary": "Down", "source": "host", "severity": "info", "custom_details": custom}
    (value,) = pagerduty.parse(event(payload=payload))
    assert value.details["custom_details"] == kept


@pytest.mark.parametrize("written", ["2015-07-17T08:42:58.315+0000", "2015-07-17T08:42:58.315Z"])
def test_the_spellings_of_instants_that_clients_use_are_read(written: str) -> None:
    payload = {"summary": "Down", "source": "host", "severity": "info", "timestamp": written}
    (value,) = pagerduty.parse(event(payload=payload))
    assert value.started_at == datetime(2015, 7, 17, 8, 42, 58, 315_000, tzinfo=UTC)
