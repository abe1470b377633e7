"""What django-q2 runs about exports. Each only calls a service, and may come late, twice or not at all without harm."""

from escalation_site.kernel.instants import now
from reports.exports import services


def exports_check() -> dict[str, int]:
    """Every minute: what is due, what was left half made, what is to be deleted."""
    return services.exports_check(at=now())


def export_make(export_id: int) -> str:
    """Make one file that was asked for; its state afterwards."""
    row = services.export_make(export_id=export_id, at=now())
    return row.state if row else "taken"
