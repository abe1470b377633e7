"""The instant at which the site that is looked at lives: the same one in every run, so that a night, a Sunday, the end of a month or a
change to summer time of the real calendar shows nothing else. From there on its clock runs as every clock does.

SITE_AT=2026-03-29T00:55Z chooses another, to see what the pages make of it. The pages' scripts follow the server's clock.
"""

import os
from datetime import UTC, datetime

# A Wednesday, late in the morning in Rome.
AT = datetime.fromisoformat(os.environ.get("SITE_AT") or "2026-11-18T10:00:00Z")
SHIFT = "SITE_SHIFT"
"""The variable by which the site's programs are told how many seconds their clock goes ahead of the machine's."""

# One shift for all programs of a run.
shift = AT - datetime.now(UTC)


def now() -> datetime:
    """The present instant of the site, aware, in UTC."""
    return datetime.now(UTC) + shift
