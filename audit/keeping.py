"""Handing signed checkpoints to keepers outside: by e-mail, to a webhook, to a witness who signs them too.

Each sending is claimed in the keeper's row before anything leaves, and is on record however it ended. A checkpoint that arrives twice
does no harm, so that one whose answer was lost is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit.models import Keeper, KeeperSending, LedgerSeal
from audit.proofs.merkle import consistency_proof
from audit.proofs.notes import BadNote, Note, note_read, verifier_read
from audit.proofs.witness import SIZE_TYPE, Addition, cosignature_read, size_read
from audit.proving import newest_seal
from audit.rows import row_set
from audit.services import entry_append
from audit.tiles import Tiles
from audit.values import Actor, EntryValue
from escalation_site.kernel.outbound import Answer, OutboundFailed, fetch

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
"""How long a sending that was begun is left to whoever began it."""
SOONEST = timedelta(minutes=1)
"""The first retry of what failed; each further one waits twice as long, up to the keeper's own time."""
FAILS = 3
"""So many failures in a row need somebody: one or two are the weather."""
_MOST_ANSWER = 16_384
_ACTOR = Actor.system("sealer")
Fetch = Callable[..., Answer]


class NotKept(Exception):
    """The keeper has it not; the text says why."""


@transaction.atomic
def keeper_set(
    *, keeper: Keeper, values: Mapping[str, Any], actor: Actor | None, at: datetime, user: models.Model | None = None
) -> Keeper:
    """Give ``keeper``, new or stored, these values. Raises ValidationError for what the model refuses."""
    row_set(keeper, values, noun="keeper", at=at, actor=actor, user=user)
    return keeper


def keepers_send(*, at: datetime, ask: Fetch = fetch) -> int:
    """Send the newest checkpoint to every keeper who is due and has not got it; returns how many got it."""
    newest = newest_seal()
    if newest is None:
        return 0
    due = Keeper.objects.filter(Q(next_at=None) | Q(next_at__lte=at), enabled=True, sent_size__lt=newest.size)
    return sum(_send(keeper, newest, at, ask) for keeper in due.order_by("pk"))


def _send(keeper: Keeper, newest: LedgerSeal, at: datetime, ask: Fetch) -> bool:
    claimed = Keeper.objects.filter(pk=keeper.pk, next_at=keeper.next_at).update(next_at=at + LEASE)
    if not claimed:
        return False
    try:
        cosigned_note = _SENDERS[keeper.kind](keeper, newest, ask)
    except (NotKept, OutboundFailed, BadNote, LookupError) as error:
        _failed(keeper, newest, getattr(error, "message", "") or str(error), at)
        return False
    except Exception as error:
        # A mail server says no in many ways; none of them may keep the next keeper from its checkpoint.
        log.exception("ledger_keeper.failed", keeper=keeper.slug)
        _failed(keeper, newest, f"{type(error).__name__}: {error}", at)
        return False
    _kept(keeper, newest, cosigned_note, at)
    return True


def _mail(keeper: Keeper, newest: LedgerSeal, _ask: Fetch) -> str:
    with override(settings.LANGUAGE_CODE):
        subject = _("Checkpoint of the ledger of %(house)s: %(size)d leaves") % {
            "house": settings.ORGANISATION_NAME,
            "size": newest.size,
        }
        body = _(
            "Please keep this. It says how many entries the ledger had and what they come to; a later one that does "
            "not continue it shows that the ledger was written anew."
        )
    message = EmailMessage(subject[:200], f"{body}\n\n{newest.note}", settings.DEFAULT_FROM_EMAIL, [keeper.address])
    message.attach(f"checkpoint-{newest.size}.txt", newest.note, "text/plain")
    message.send()
    return ""


def _webhook(keeper: Keeper, newest: LedgerSeal, ask: Fetch) -> str:
    answer = ask(
        keeper.address,
        method="POST",
        headers={"Content-Type": "text/plain; charset=utf-8"},
        content=newest.note.encode(),
        most_bytes=_MOST_ANSWER,
    )
    if not 200 <= answer.status < 300:
        raise NotKept(_("It answered %(status)d.") % {"status": answer.status})
    return ""


def _witness(keeper: Keeper, newest: LedgerSeal, ask: Fetch) -> str:
    """c2sp.org/tlog-witness. It may know another size than we think (a restored backup, an answer that was lost): it says
    which, and is asked once more from there."""
    tiles = Tiles()
    answer = _addition(keeper, newest, keeper.sent_size, tiles, ask)
    if answer.status == 409:
        answer = _addition(keeper, newest, _size_told(answer, newest.size), tiles, ask)
    if answer.status == 409:
        raise NotKept(_("The witness has another tree of that size: the log was forked, or written anew."))
    if answer.status == 422:
        raise NotKept(_("The witness says that our tree does not continue what it has seen: the log was forked."))
    if answer.status != 200:
        raise NotKept(_("It answered %(status)d.") % {"status": answer.status})
    line, _at = cosignature_read(answer.content, note_read(newest.note), verifier_read(keeper.public_key))
    return newest.note + line


def _addition(keeper: Keeper, newest: LedgerSeal, old: int, tiles: Tiles, ask: Fetch) -> Answer:
    steps = tuple(consistency_proof(tiles, old, newest.size))
    return ask(
        f"{keeper.address.rstrip('/')}/add-checkpoint",
        method="POST",
        headers={"Content-Type": "text/plain; charset=utf-8"},
        content=Addition(old, steps, newest.note).encoded(),
        most_bytes=_MOST_ANSWER,
    )


def _size_told(answer: Answer, ours: int) -> int:
    if not answer.headers.get("content-type", "").startswith(SIZE_TYPE):
        raise NotKept(_("The witness refuses the size and does not say which one it has."))
    told = size_read(answer.content.decode("ascii", "replace"))
    if told > ours:
        raise NotKept(
            _("The witness has signed %(theirs)d leaves, and the ledger has %(ours)d: it was cut, or written anew.")
            % {"theirs": told, "ours": ours}
        )
    return told


# Each gives the checkpoint with the line of a witness, or nothing.
_SENDERS: Mapping[str, Callable[[Keeper, LedgerSeal, Fetch], str]] = {
    Keeper.Kind.EMAIL: _mail,
    Keeper.Kind.WEBHOOK: _webhook,
    Keeper.Kind.WITNESS: _witness,
}


@transaction.atomic
def _kept(keeper: Keeper, newest: LedgerSeal, cosigned_note: str, at: datetime) -> None:
    _record(keeper, newest, KeeperSending.Outcome.SENT, at, cosigned=cosigned_note)
    Keeper.objects.filter(pk=keeper.pk).update(
        next_at=at + timedelta(minutes=keeper.every_minutes),
        sent_size=newest.size,
        sent_at=at,
        failures=0,
        last_error="",
    )
    if keeper.failures:
        _enter(keeper, "keeper.recover", at)


@transaction.atomic
def _failed(keeper: Keeper, newest: LedgerSeal, why: str, at: datetime) -> None:
    why = why[:300]
    _record(keeper, newest, KeeperSending.Outcome.FAILED, at, detail=why)
    waits = min(SOONEST * 2 ** min(keeper.failures, 20), timedelta(minutes=keeper.every_minutes))
    Keeper.objects.filter(pk=keeper.pk).update(next_at=at + waits, failures=F("failures") + 1, last_error=why)
    # Only the first of a row: each entry makes the ledger grow, and what grew is sent again.
    if not keeper.failures:
        _enter(keeper, "keeper.fail", at, why=why)


def _record(keeper: Keeper, newest: LedgerSeal, outcome: str, at: datetime, **more: str) -> None:
    KeeperSending.objects.create(
        keeper=keeper, at=at, size=newest.size, root=bytes(newest.root), outcome=outcome, **more
    )


def _enter(keeper: Keeper, action: str, at: datetime, **data: Any) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="keeper",
            object_id=str(keeper.pk),
            object_label=keeper.name,
            subject=f"keeper:{keeper.pk}",
            actor=_ACTOR,
            source="cluster",
            data=data or None,
        )
    )


def cosigned(*, size: int | None = None) -> Note | None:
    """The newest checkpoint that a witness has signed too, or that of ``size``, with the lines of all who did; None where
    there is none. Two queries."""
    found = KeeperSending.objects.exclude(cosigned="")
    if size is None:
        size = found.order_by("-size").values_list("size", flat=True).first()
    if size is None:
        return None
    notes = [note_read(text) for text in found.filter(size=size).order_by("pk").values_list("cosigned", flat=True)]
    if not notes:
        return None
    lines = dict.fromkeys(line for note in notes if note.text == notes[0].text for line in note.signatures)
    return Note(notes[0].text, tuple(lines))
