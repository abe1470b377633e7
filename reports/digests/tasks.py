"""What django-q2 runs about digests. It only calls a service, and may come late, twice or not at all without harm."""

from escalation_site.kernel.instants import now
from reports.digests import services


def digests_check() -> int:
    """Every minute: send what is due."""
    return services.digests_check(at=now())
