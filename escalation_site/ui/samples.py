"""Sample values for the design page: one of each kind of row, field, chart and person."""

from datetime import datetime
from typing import Any


def everything(at: datetime) -> dict[str, Any]:
    """Context of ``site/design.html`` as of ``at``."""
    return {}
