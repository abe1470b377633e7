"""Runs that begin on given terms, as a routing rule would have them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import Incident, Stage
from incidents.services.escalator import Escalator, RunStart
from policies.services import policy_publish
from tests.world.harness import World


def level(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A level", "targets": list(targets), "ack_timeout": "10m", **more}


def publish(world: World, *levels: dict[str, Any], **more: Any) -> None:
    definition = {"levels": list(levels), **more}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()


def begun(world: World, *, severity: int = 1, sla_due_at: datetime | None = None, **terms: Any) -> Incident:
    """An incident whose run begins on these terms, with everything settled."""
    service = world.cast.gateway
    incident = Incident(
        title="Case",
        severity=severity,
        service=service,
        team=service.team,
        stage=Stage.objects.get(key="new"),
        source=Incident.Source.PERSON,
        started_at=world.now,
        sla_due_at=sla_due_at,
    )
    with transaction.atomic():
        rows_insert([incident])
        changes = Changes(at=world.now)
        escalator = Escalator(changes)
        version = world.cast.policy.versions.order_by("-number").first()
        assert version is not None
        escalator.start([RunStart(incident, version, **terms)])
        escalator.settle()
        changes.write()
    world.settle()
    return incident
