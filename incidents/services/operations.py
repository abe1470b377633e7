"""What administrators do beside the ordinary path: put right what was set aside, and correct an incident's description."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import EntryValue, entries_append
from escalation_site.kernel.errors import Conflict
from incidents.changes import actor_of
from incidents.models import EscalationRun, InboxSignal, Incident
from incidents.services.working import working
from oncall.models import User

DESCRIPTION = ("title", "summary", "customer_impact", "environment", "resolution", "restricted", "is_test")
"""The fields of an incident that say something and move nothing: no clock, page or owner hangs on them."""


@transaction.atomic
def signals_retry(*, signal_ids: Collection[int], actor: User, at: datetime, source: str = "") -> int:
    """Let the engine read these set-aside signals again; returns how many. Others among them stay as they are."""
    aside = InboxSignal.objects.select_for_update(of=("self",)).filter(
        pk__in=signal_ids, set_aside_at__isnull=False, processed_at=None
    )
    signals = list(aside.select_related("integration"))
    entries_append(
        [
            EntryValue(
                at=at,
                action="signal.retry",
                object_type="signal",
                object_id=str(signal.pk),
                object_label=f"{signal.integration.name} {signal.received_at:%Y-%m-%d %H:%M:%S}",
                subject=f"integration:{signal.integration_id}",
                actor=actor_of(actor),
                source=source,
                before={"error": signal.error},
                after={"error": ""},
            )
            for signal in signals
        ]
    )
    return InboxSignal.objects.filter(pk__in=[signal.pk for signal in signals]).update(set_aside_at=None, error="")


def run_retry(*, run: EscalationRun, actor: User, at: datetime, source: str = "") -> EscalationRun:
    """Let the engine step this set-aside run again, at once where its step was due meanwhile.

    Raises Conflict where it is not set aside, or where its incident is over or got a newer run.
    """
    with working(run.incident_id, actor=actor, at=at, source=source) as work:
        current = work.run
        if current is None or current.pk != run.pk or not work.incident.is_open:
            raise Conflict(_("The incident is over, or got a newer escalation run."))
        if current.set_aside_at is None:
            raise Conflict(_("It is not set aside."))
        work.changes.ledger(
            work.incident,
            "escalation.retry",
            object_type="run",
            object_id=str(current.pk),
            before={"error": current.error},
            after={"error": ""},
            actor=work.changes.actor,
        )
        if work.incident.exhausted_at is not None and current.next_due_at is not None:
            # The watchdog had flagged it for want of a next step; now it has one again.
            work.changes.set(work.incident, "incident.unstall", exhausted_at=None)
        current.set_aside_at, current.error = None, ""
        current.save(update_fields=["set_aside_at", "error"])
    return current


def incident_describe(
    *, incident_id: int, values: Mapping[str, Any], actor: User, at: datetime, source: str = "web"
) -> Incident:
    """Correct what an incident says; ``values`` hold fields of ``DESCRIPTION`` only. No difference, no entry."""
    unknown = values.keys() - set(DESCRIPTION)
    if unknown:
        raise ValueError(f"not part of the description: {sorted(unknown)}")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        if any(getattr(work.incident, name) != value for name, value in values.items()):
            work.changes.set(work.incident, "incident.describe", **values)
    return work.incident
