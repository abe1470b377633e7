"""The ledger looks after itself: verified each hour in what came last and each night as a whole, and it says where sealing stands.

A verification takes a minute for a million entries, and a task must end: a long one stops after some seconds, keeps in its row how far
it came, and the next task goes on from there. That it may be interleaved with sealing does no harm, for what is sealed stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min

from audit.beside import rows_beside
from audit.findings import KEPT, Finding
from audit.keeping import FAILS
from audit.leaves import ENTRIES
from audit.models import Keeper, LedgerBeat, LedgerCheck, LedgerSeal
from audit.proofs.notes import BadNote
from audit.proving import entries_waiting, newest_seal
from audit.sealing import ledger_seal
from audit.services import entry_append
from audit.values import Actor, EntryValue
from audit.verifying import Verdict, cosigned_kept, ledger_verify, sent_kept

log = structlog.get_logger(__name__)

SEALING = "sealing"
SEAL_LATE = timedelta(minutes=5)
"""Sealing runs each minute, and the scheduler may be half a minute late."""
RECENT_EVERY = timedelta(hours=1)
NIGHT = 2
"""From this hour on, on the clock of the house, the whole is verified once a day."""
SLICE_SECONDS = 60.0
"""A task may take twice as long (settings.Q_CLUSTER)."""
SEAL_SECONDS = 20.0
"""Sealing shares its task with others (settings.EACH_MINUTE). After an upgrade it may have a million rows to take in at first."""
_NAMED = 100
"""Findings that a verification keeps; it counts the rest."""
_ACTOR = Actor.system("verifier")


def seal_and_tell(*, at: datetime, seconds: float = SEAL_SECONDS, clock: Callable[[], float] = monotonic) -> int:
    """Seal what is committed, and note that it was done, or why it was not. Raises what sealing raised.

    After ``seconds`` of the ``clock`` the rest is left to the next call: a task that is ended half-way would be ended each time.
    """
    until = clock() + seconds
    try:
        sealed = ledger_seal(at=at, stop=lambda: clock() > until)
    except Exception as error:
        LedgerBeat.objects.update_or_create(
            name=SEALING, defaults={"failed_at": at, "error": f"{type(error).__name__}: {error}"[:300]}
        )
        raise
    LedgerBeat.objects.update_or_create(name=SEALING, defaults={"at": at, "error": ""})
    return sealed


def ledger_check(*, at: datetime, seconds: float = SLICE_SECONDS, clock: Callable[[], float] = monotonic) -> int:
    """Go on with the verification under way, or begin the one that is due; returns how many leaves were looked at.

    ``clock`` counts seconds; after ``seconds`` of them the rest is left to the next call.
    """
    check = _open_check(at)
    if check is None:
        return 0
    until = clock() + seconds
    kept, told = _kept()
    verdict = ledger_verify(since=check.reached, kept=kept, stop=lambda: clock() > until)
    _note(check, verdict, told, at)
    return verdict.leaves


def _kept() -> tuple[Sequence[Any], Sequence[Finding]]:
    """What witnesses have signed, and what was sent to keepers, as checkpoints that were kept elsewhere."""
    try:
        return [*cosigned_kept(), *sent_kept()], ()
    except (BadNote, KeyError) as error:
        return sent_kept(), (Finding(KEPT, detail=str(error)),)


def _open_check(at: datetime) -> LedgerCheck | None:
    """The verification under way, or a new one where one is due; the whole comes first."""
    newest = newest_seal()
    if newest is None:
        return None
    found = LedgerCheck.objects.filter(ended_at=None).order_by("-scope").first()
    if found is not None:
        return found
    last = {scope: _last(scope) for scope in LedgerCheck.Scope.values}
    whole, recent = last[LedgerCheck.Scope.WHOLE], last[LedgerCheck.Scope.RECENT]
    if whole is None or _night(at) > whole.begun_at:
        return _begin(LedgerCheck.Scope.WHOLE, 0, at)
    reached = max(one.reached for one in (whole, recent) if one is not None)
    looked = max(one.begun_at for one in (whole, recent) if one is not None)
    if at - looked >= RECENT_EVERY and reached < newest.size:
        return _begin(LedgerCheck.Scope.RECENT, reached, at)
    return None


def _last(scope: str) -> LedgerCheck | None:
    return LedgerCheck.objects.filter(scope=scope).order_by("-id").first()


def _night(at: datetime) -> datetime:
    """The last time it was two o'clock on the clock of the house."""
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    night = local.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return night if night <= local else night - timedelta(days=1)


def _begin(scope: str, begins: int, at: datetime) -> LedgerCheck:
    return LedgerCheck.objects.create(scope=scope, begun_at=at, worked_at=at, begins=begins, reached=begins)


@transaction.atomic
def _note(check: LedgerCheck, verdict: Verdict, told: Sequence[Finding], at: datetime) -> None:
    """Keep how far it came and what it found. Who comes second with the same stretch leaves it."""
    mine = LedgerCheck.objects.select_for_update().filter(pk=check.pk, reached=check.reached, ended_at=None).first()
    if mine is None:
        return
    newest = newest_seal()
    ends = newest is None or verdict.size >= newest.size or not verdict.leaves
    findings = list(verdict.findings)
    undone = verdict.undone
    if ends and mine.scope == LedgerCheck.Scope.WHOLE:
        findings += told
        if check.reached:
            beside = rows_beside()
            findings += beside.findings
            undone = beside.undone
    mine.findings += [_plain(one) for one in findings[: _NAMED - len(mine.findings)]]
    mine.found += len(findings)
    mine.beyond, mine.undone = mine.beyond + verdict.beyond, undone
    mine.reached, mine.worked_at, mine.ended_at = verdict.size, at, at if ends else None
    mine.save()
    if ends and mine.found:
        log.error("ledger_proof.broken", found=mine.found)
        _enter(mine, at)


def _plain(one: Finding) -> dict[str, Any]:
    return {**asdict(one), "seal": one.seal.isoformat() if one.seal else None}


def _enter(check: LedgerCheck, at: datetime) -> None:
    entry_append(
        EntryValue(
            at=at,
            action="ledger.find_broken",
            object_type="ledger",
            object_id=str(check.pk),
            actor=_ACTOR,
            source="cluster",
            data={"found": check.found, "first": check.findings[:3]},
        )
    )


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """What is known of the ledger: the last verifications that ended, and the one that found something and was not followed
    by a whole one that found nothing."""

    whole: LedgerCheck | None
    recent: LedgerCheck | None
    broken: LedgerCheck | None
    sealer: LedgerBeat | None
    failing: Sequence[Keeper]

    def sealing_late(self, at: datetime) -> timedelta | None:
        """For how long nothing could be sealed, where that is too long."""
        if self.sealer is None or self.sealer.at is None or at - self.sealer.at <= SEAL_LATE:
            return None
        return at - self.sealer.at

    @property
    def verified_size(self) -> int:
        """How many leaves the last verifications have found in order; nought while something is broken."""
        return 0 if self.broken else max((one.reached for one in (self.whole, self.recent) if one), default=0)


def ledger_health() -> LedgerHealth:
    """Five small queries."""
    ended = LedgerCheck.objects.filter(ended_at__isnull=False).order_by("-id")
    whole = ended.filter(scope=LedgerCheck.Scope.WHOLE).first()
    recent = ended.filter(scope=LedgerCheck.Scope.RECENT).first()
    broken = ended.filter(found__gt=0, pk__gte=whole.pk if whole else 0).first()
    return LedgerHealth(
        whole=whole,
        recent=recent,
        broken=broken,
        sealer=LedgerBeat.objects.filter(name=SEALING).first(),
        failing=list(Keeper.objects.filter(enabled=True, failures__gte=FAILS).order_by("name", "pk")),
    )


@dataclass(frozen=True, slots=True)
class EntryStates:
    """Where some entries stand: those that the next seal will take, those that were verified since they were sealed, and those
    that are not as they were sealed. The rest is sealed."""

    waiting: Collection[int]
    verified: Collection[int]
    broken: Collection[int]


def entry_states(numbers: Collection[int], *, health: LedgerHealth) -> EntryStates:
    """At most two queries."""
    waiting = entries_waiting(numbers)
    named = {one["row"] for one in (health.broken.findings if health.broken else ()) if one["table"] == ENTRIES}
    broken = named & set(numbers)
    verified: set[int] = set()
    if health.verified_size:
        # What a later seal has may be of any number above its lowest; the next hour's verification looks at it.
        later = LedgerSeal.objects.filter(begins__gte=health.verified_size).aggregate(lowest=Min("lowest"))["lowest"]
        verified = {number for number in numbers if later is None or number < later} - waiting - broken
    return EntryStates(waiting, verified, broken)
