"""What django-q2 runs for the ledger. It may come late, twice or not at all without harm: the next one does the more."""

from audit import checking, keeping
from escalation_site.kernel.instants import now


def ledger_seal() -> int:
    """Every minute: what was committed since goes into the tree. Returns how many rows."""
    return checking.seal_and_tell(at=now())


def ledger_check() -> int:
    """Every few minutes: goes on with the verification under way, or begins the one that is due."""
    return checking.ledger_check(at=now())


def keepers_send() -> int:
    """Every minute: the newest checkpoint to every keeper who is due. Returns how many got it."""
    return keeping.keepers_send(at=now())
