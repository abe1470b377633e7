"""Rules of the house for tests: written as people write them, published, and incidents to hold them against."""

from typing import Any

from incidents.models import Incident, Service
from incidents.services.lifecycle import incident_open
from policies.books import ROUTING, book_publish
from policies.models import BookVersion, EscalationPolicy
from policies.services import policy_publish
from tests.world.harness import World

MARTA: dict[str, Any] = {"kind": "schedule", "ref": "payments", "role": "primary"}
JONAS: dict[str, Any] = {"kind": "user", "ref": "jonas"}
ELENA: dict[str, Any] = {"kind": "user", "ref": "elena"}
TOMAS: dict[str, Any] = {"kind": "user", "ref": "tomas"}
NILS: dict[str, Any] = {"kind": "user", "ref": "nils"}
ALWAYS: dict[str, Any] = {"all": []}


def rule(key: str, when: dict[str, Any], reason: str = "", *, stop: bool = False, **then: Any) -> dict[str, Any]:
    return {"key": key, "name": key.capitalize(), "when": when, "then": then, "reason": reason, "stop": stop}


def is_(fact: str, value: object) -> dict[str, Any]:
    return {"fact": fact, "operator": "is", "value": value}


def publish(world: World, *rules: dict[str, Any], **otherwise: Any) -> BookVersion:
    definition = {"rules": list(rules), "otherwise": otherwise}
    return book_publish(shape=ROUTING, definition=definition, author=world.cast.hugo, at=world.now)


def policy(world: World, slug: str, *levels: list[dict[str, Any]], **more: Any) -> EscalationPolicy:
    """A policy with these levels, each passing on after five minutes."""
    made = EscalationPolicy.objects.create(name=slug.capitalize(), slug=slug, team=world.cast.platform)
    rungs = [
        {"name": f"Level {number}", "targets": targets, "ack_timeout": "5m"} for number, targets in enumerate(levels, 1)
    ]
    policy_publish(policy=made, definition={"levels": rungs, **more}, author=world.cast.hugo, at=world.now)
    return made


def filed(world: World, title: str = "Something is wrong", **values: Any) -> Incident:
    """Sofie files it, SEV-3 unless said otherwise, and the engine does what is due."""
    given: dict[str, Any] = {
        "title": title,
        "summary": "",
        "severity": 3,
        "service": Service.objects.get(pk=world.cast.gateway.pk),
        "reporter": world.cast.sofie,
        "at": world.now,
        **values,
    }
    incident = incident_open(**given)
    world.settle()
    return incident


def lines(incident: Incident, kind: str) -> list[dict[str, Any]]:
    """The data of the incident's timeline lines of that kind."""
    return list(incident.timeline.filter(kind=kind).values_list("data", flat=True))


def told(world: World) -> list[str]:
    """Who has got a notice since the last expected message."""
    return [name for name, _subject in world.notices()]
