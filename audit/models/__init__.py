"""The ledger, what proves it, and who outside keeps that."""

from audit.models.care import LedgerBeat, LedgerCheck, LedgerSegment
from audit.models.keeping import Keeper, KeeperSending
from audit.models.ledger import (
    USUAL_OBJECTS,
    USUAL_SOURCES,
    LedgerDigest,
    LedgerEntry,
    LedgerHorizon,
    LedgerKey,
    LedgerSalt,
    LedgerSeal,
    LedgerTile,
)

__all__ = [
    "USUAL_OBJECTS",
    "USUAL_SOURCES",
    "Keeper",
    "KeeperSending",
    "LedgerBeat",
    "LedgerCheck",
    "LedgerDigest",
    "LedgerEntry",
    "LedgerHorizon",
    "LedgerKey",
    "LedgerSalt",
    "LedgerSeal",
    "LedgerSegment",
    "LedgerTile",
]
