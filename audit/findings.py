"""What verification can find, and how one finding is told."""

from dataclasses import dataclass
from datetime import datetime

CHANGED, GONE, ADDED, TILES, SEAL, KEPT, SALT = "changed", "gone", "added", "tiles", "seal", "kept", "salt"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed. ``table`` and ``row`` name the row, ``leaf`` its place in the tree."""

    kind: str
    table: str = ""
    row: int | None = None
    leaf: int | None = None
    seal: datetime | None = None
    detail: str = ""
