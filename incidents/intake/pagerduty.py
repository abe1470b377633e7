"""PagerDuty's Events API v2, inbound: ``POST /v2/enqueue`` (PROTOCOLS §1; seen from Alertmanager, pdpyras, Zabbix and others).

The secret is ``routing_key`` in the body. Acknowledge and resolve may come with nothing but the keys, or with a whole payload.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from incidents.intake import reading
from incidents.intake.values import MAX_SUMMARY, Action, AlertValue, Unreadable

SEVERITIES = ("critical", "error", "warning", "info")
_ACTIONS: dict[str, Action] = {"trigger": "trigger", "acknowledge": "acknowledge", "resolve": "resolve"}


@dataclass(frozen=True, slots=True)
class Event:
    """A valid event, or what is wrong with it in the words its clients expect."""

    routing_key: str
    dedup_key: str
    errors: tuple[str, ...]
    body: dict[str, Any]


def read(body: bytes) -> Event:
    """Check an event at the door, where its sender still listens. Raises Unreadable where it is no JSON object.

    A trigger without a dedup key is given one, which goes back in the answer.
    """
    message = reading.json_object(body)
    routing_key = reading.text(message.get("routing_key"))
    dedup_key = reading.text(message.get("dedup_key"))
    action = message.get("event_action")
    errors = []
    if not routing_key:
        errors.append("'routing_key' is missing or blank")
    if not isinstance(action, str) or action not in _ACTIONS:
        errors.append("'event_action' is invalid (must be one of the following: trigger, acknowledge or resolve)")
    elif action == "trigger":
        errors += _payload_errors(message.get("payload"))
        dedup_key = dedup_key or uuid.uuid4().hex
    elif not dedup_key:
        errors.append("'dedup_key' is missing or blank")
    message["dedup_key"] = dedup_key
    return Event(routing_key, dedup_key, tuple(errors), message)


def _payload_errors(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    errors = [
        f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not reading.text(payload.get(name))
    ]
    if payload.get("severity") not in SEVERITIES:
        errors.append("'payload.severity' is invalid (must be one of the following: critical, warning, error or info)")
    return errors


def parse(body: bytes) -> list[AlertValue]:
    """The one alert of a stored event. Raises Unreadable; events that were refused at the door are never stored."""
    event = read(body)
    if event.errors:
        raise Unreadable("; ".join(event.errors))
    payload = reading.mapping(event.body.get("payload"))
    custom = reading.plain(payload.get("custom_details"))
    links = event.body.get("links")
    labels = {name: reading.text(payload.get(name)) for name in ("source", "component", "group", "class")}
    return [
        AlertValue(
            action=_ACTIONS[event.body["event_action"]],
            dedup_key=reading.key(event.dedup_key),
            summary=reading.text(payload.get("summary"))[:MAX_SUMMARY],
            severity_word=reading.text(payload.get("severity")),
            labels={name: value for name, value in labels.items() if value},
            details={
                "custom_details": custom
                if isinstance(custom, dict)
                else {"text": reading.text(custom)}
                if custom
                else {},
                "client": reading.text(event.body.get("client")),
                "links": [
                    {"href": reading.web_link(item.get("href")), "text": reading.text(item.get("text"))}
                    for item in (links if isinstance(links, list) else [])
                    if isinstance(item, dict) and reading.web_link(item.get("href"))
                ],
            },
            link=reading.web_link(event.body.get("client_url")),
            started_at=reading.instant(payload.get("timestamp")),
        )
    ]
