"""The durable inbox: accepting a signal is one INSERT."""

from collections.abc import Sequence
from datetime import datetime

from escalation_site.kernel.rows import rows_insert
from escalation_site.kernel.waking import work_written
from incidents.models import InboxSignal


def signals_accept(*, signals: Sequence[tuple[int, bytes]], at: datetime) -> None:
    """Store raw signals, each (integration id, body), in one statement. When this returns they are on disk and are never lost."""
    rows_insert([InboxSignal(integration_id=integration, received_at=at, body=body) for integration, body in signals])
    work_written()
