"""Prometheus Alertmanager's webhook, version "4" (PROTOCOLS: captured from 0.25.0; Grafana sends the same shape as version "1").

A message is a group; each ``alerts[]`` item is taken by its own status, keyed by its fingerprint. What is missing from a message is
not resolved: with ``max_alerts`` items are cut, and a resolved alert is reported once and then vanishes.
"""

from typing import Any

from incidents.intake import reading
from incidents.intake.values import MAX_SUMMARY, AlertValue, Unreadable


def parse(body: bytes) -> list[AlertValue]:
    """The alerts of one message. Raises Unreadable when there is no list of alerts in it."""
    message = reading.json_object(body)
    items = message.get("alerts")
    if not isinstance(items, list):
        raise Unreadable("alerts: must be a list")
    group = reading.text(message.get("groupKey"))
    return [_alert(item, index, group) for index, item in enumerate(items)]


def _alert(item: Any, index: int, group: str) -> AlertValue:
    if not isinstance(item, dict):
        raise Unreadable(f"alerts[{index}]: must be an object")
    labels = reading.texts(item.get("labels"))
    annotations = reading.texts(item.get("annotations"))
    fingerprint = reading.text(item.get("fingerprint")) or _fingerprint(labels)
    if not fingerprint:
        raise Unreadable(f"alerts[{index}]: neither a fingerprint nor labels to tell it by")
    summary = (
        annotations.get("summary")
        or annotations.get("message")
        or annotations.get("description")
        or labels.get("alertname", "")
    )
    details: dict[str, object] = {"annotations": annotations}
    if group:
        details["group"] = group
    return AlertValue(
        action="resolve" if item.get("status") == "resolved" else "trigger",
        dedup_key=reading.key(fingerprint),
        summary=(summary or fingerprint)[:MAX_SUMMARY],
        severity_word=labels.get("severity", "")[:60],
        labels=labels,
        details=details,
        link=reading.web_link(item.get("generatorURL")),
        started_at=reading.instant(item.get("startsAt")),
    )


def _fingerprint(labels: dict[str, str]) -> str:
    """For senders that leave it out: the sorted labels themselves tell one alert from another."""
    return ";".join(f"{name}={value}" for name, value in sorted(labels.items()))
