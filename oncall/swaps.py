"""Swaps: a window of one's own offered to others, or exchanged for one of theirs; the first to accept gets it."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, NotAllowed
from oncall import permissions, ports, swap_words
from oncall.models import Override, Schedule, Swap, SwapAsk, Team, User
from oncall.notices import shifts_watched
from oncall.services import actor_of, override_create
from oncall.swap_rules import holds, next_reminder, require_asked, require_return, require_window

logger = logging.getLogger(__name__)

LIFETIME = timedelta(days=7)
"""An open swap expires when its shift begins, and after this long at the latest."""
LIVE = (Swap.State.OPEN, Swap.State.WAITING)


@transaction.atomic
def swap_create(
    *,
    schedule: Schedule,
    role: str,
    requester: User,
    start: datetime,
    end: datetime,
    asked: Collection[User],
    at: datetime,
    return_start: datetime | None = None,
    return_end: datetime | None = None,
    note: str = "",
) -> Swap:
    """Ask ``asked`` to take the window of ``requester``; with a return window, to exchange it for one of theirs.

    A window that has begun counts from now on. Raises DomainError naming the field at fault, Conflict where the same
    time is on offer already.
    """
    if not permissions.may_ask_swap(requester, schedule):
        raise NotAllowed(_("Only responders swap shifts."))
    start = max(start, at)
    require_window(schedule, role, requester, start, end, at=at)
    people = require_asked(schedule, requester, asked)
    require_return(schedule, role, people, start, return_start, return_end, at=at)
    live = Swap.objects.filter(schedule=schedule, role=role, requester=requester, state__in=LIVE)
    if live.filter(start__lt=end, end__gt=start).exists():
        raise Conflict(_("You have asked for a swap of that time already."), field="start")
    expires_at = min(start if start > at else end, at + LIFETIME)
    swap = Swap.objects.create(
        schedule=schedule,
        role=role,
        requester=requester,
        start=start,
        end=end,
        return_start=return_start,
        return_end=return_end,
        note=note,
        created_at=at,
        expires_at=expires_at,
        remind_at=next_reminder(created_at=at, start=start, expires_at=expires_at, after=at),
    )
    asks = SwapAsk.objects.bulk_create([SwapAsk(swap=swap, user=user, asked_at=at) for user in people])
    entry_append(_entry(swap, "swap.create", actor=requester, at=at, asked=[user.name for user in people]))
    ports.tell(swap_words.asking(swap, asks, at=at), at=at)
    return swap


# --- answering


@transaction.atomic
def swap_accept(*, swap_id: int, user: User, at: datetime) -> Swap:
    """``user``, who was asked, takes it: the first one gets it. Where the team says so, it waits for a manager then.

    Raises NotAllowed, and Conflict where it is taken, withdrawn or expired, or a shift is no longer whose it was.
    """
    swap = _locked(swap_id)
    ask = _ask_of(swap, user)
    if swap.state == Swap.State.WAITING and swap.accepted_by_id == user.pk:
        return swap
    _require_open(swap, user, at=at)
    _require_held(swap, user, at=at)
    ask.answer, ask.answered_at = SwapAsk.Answer.ACCEPTED, at
    ask.save(update_fields=["answer", "answered_at"])
    swap.accepted_by = user
    if _needs_word(swap):
        return _wait(swap, user, at=at)
    entry_append(_entry(swap, "swap.accept", actor=user, at=at))
    return _settle(swap, actor=user, at=at)


@transaction.atomic
def swap_refuse(*, swap_id: int, user: User, at: datetime) -> Swap:
    """``user``, who was asked, cannot. Once nobody is left who could say yes, whoever asked is told."""
    swap = _locked(swap_id)
    ask = _ask_of(swap, user)
    _require_open(swap, user, at=at)
    if ask.answer == SwapAsk.Answer.DECLINED:
        return swap
    ask.answer, ask.answered_at = SwapAsk.Answer.DECLINED, at
    ask.save(update_fields=["answer", "answered_at"])
    entry_append(_entry(swap, "swap.refuse", actor=user, at=at))
    if swap.asks.exclude(answer=SwapAsk.Answer.DECLINED).exists():
        return swap
    _end(swap, Swap.State.DECLINED, at=at)
    entry_append(_entry(swap, "swap.decline", actor=user, at=at))
    ports.tell(swap_words.refused_by_all(swap, at=at), at=at)
    return swap


@transaction.atomic
def swap_cancel(*, swap_id: int, actor: User, at: datetime) -> Swap:
    """Whoever asked takes it back, as long as it has not been settled. Raises NotAllowed, Conflict."""
    swap = _locked(swap_id)
    if not permissions.may_cancel_swap(actor, swap):
        raise NotAllowed(_("Only whoever asked takes it back."))
    if swap.state not in LIVE:
        raise Conflict(_("It is settled already."))
    return _withdraw(swap, actor=actor, at=at)


def _withdraw(swap: Swap, *, actor: User | None, at: datetime) -> Swap:
    _end(swap, Swap.State.CANCELLED, at=at)
    entry_append(_entry(swap, "swap.cancel", actor=actor, at=at))
    people = [ask.user for ask in swap.asks.all() if ask.answer != SwapAsk.Answer.DECLINED]
    if actor is not None and actor.pk != swap.requester_id:
        people.append(swap.requester)
    ports.tell(swap_words.cancelled(swap, people, at=at), at=at)
    return swap


@transaction.atomic
def swap_approve(*, swap_id: int, actor: User, at: datetime) -> Swap:
    """A manager lets an accepted swap count. Raises NotAllowed, and Conflict where it does not wait any more."""
    swap = _waiting(swap_id, actor, at=at)
    if swap.accepted_by is None:
        raise Conflict(_("Nobody has accepted it."))
    _require_held(swap, swap.accepted_by, at=at)
    swap.decided_by = actor
    entry_append(_entry(swap, "swap.approve", actor=actor, at=at))
    return _settle(swap, actor=actor, at=at)


@transaction.atomic
def swap_decline(*, swap_id: int, actor: User, at: datetime) -> Swap:
    """A manager refuses an accepted swap; everything stays as it was, and both are told. Raises NotAllowed, Conflict."""
    swap = _waiting(swap_id, actor, at=at)
    swap.decided_by = actor
    _end(swap, Swap.State.DECLINED, at=at)
    entry_append(_entry(swap, "swap.decline", actor=actor, at=at))
    ports.tell(swap_words.declined_by_manager(swap, at=at), at=at)
    return swap


def _locked(swap_id: int) -> Swap:
    """The row, locked: of two who accept at once, the second finds it taken."""
    asks = Prefetch("asks", SwapAsk.objects.select_related("user"))
    return (
        Swap.objects.select_for_update(of=("self",))
        .select_related("schedule__team", "requester", "accepted_by", "decided_by")
        .prefetch_related(asks)
        .get(pk=swap_id)
    )


def _ask_of(swap: Swap, user: User) -> SwapAsk:
    ask = next((ask for ask in swap.asks.all() if permissions.may_answer_swap(user, ask)), None)
    if ask is None:
        raise NotAllowed(_("You were not asked."))
    return ask


def _require_open(swap: Swap, user: User, *, at: datetime) -> None:
    if swap.state in (Swap.State.DONE, Swap.State.WAITING):
        if swap.accepted_by_id == user.pk:
            raise Conflict(_("You have accepted it already."))
        taker = {"name": swap.accepted_by.name if swap.accepted_by else ""}
        raise Conflict(_("%(name)s was faster: the shift is taken.") % taker)
    if swap.state == Swap.State.CANCELLED:
        raise Conflict(_("It is not needed any more."))
    if swap.state != Swap.State.OPEN or swap.expires_at <= at:
        raise Conflict(_("It is too late: this request is no longer open."))


def _require_held(swap: Swap, taker: User, *, at: datetime) -> None:
    """Both shifts must still be whose they were; somebody may have taken over meanwhile."""
    if swap.end <= at:
        raise Conflict(_("That shift is over."))
    if not holds(swap.schedule, swap.role, swap.requester, max(swap.start, at), swap.end):
        name = {"name": swap.requester.name}
        raise Conflict(_("The shift is no longer that of %(name)s.") % name)
    if swap.return_start and swap.return_end:
        if swap.return_start < at:
            raise Conflict(_("What was offered in return has begun."))
        if not holds(swap.schedule, swap.role, taker, swap.return_start, swap.return_end):
            raise Conflict(_("The shift in return is no longer that of %(name)s.") % {"name": taker.name})


def _needs_word(swap: Swap) -> bool:
    team = swap.schedule.team
    return team is not None and team.approves_swaps


def _teams(swap: Swap) -> list[Team]:
    return [swap.schedule.team] if swap.schedule.team else []


def _wait(swap: Swap, user: User, *, at: datetime) -> Swap:
    swap.state = Swap.State.WAITING
    swap.remind_at = next_reminder(created_at=at, start=swap.start, expires_at=swap.expires_at, after=at)
    swap.save(update_fields=["state", "accepted_by", "remind_at"])
    entry_append(_entry(swap, "swap.accept", actor=user, at=at))
    ports.tell(
        [*swap_words.accepted_waits(swap, at=at), *swap_words.waiting(swap, _managers(swap), at=at)],
        at=at,
    )
    return swap


def _managers(swap: Swap) -> list[User]:
    return [user for user in permissions.deciders(swap.requester, _teams(swap)) if user.pk != swap.accepted_by_id]


def _waiting(swap_id: int, actor: User, *, at: datetime) -> Swap:
    swap = _locked(swap_id)
    if not permissions.may_decide_swap(actor, swap):
        raise NotAllowed(_("A manager decides this, and none who is part of it."))
    if swap.state != Swap.State.WAITING:
        raise Conflict(_("Somebody has decided it already."))
    if swap.expires_at <= at:
        raise Conflict(_("It is too late: this request is no longer open."))
    return swap


def _settle(swap: Swap, *, actor: User, at: datetime) -> Swap:
    """Write the overrides that make it so, and tell everybody."""
    taker = swap.accepted_by
    assert taker is not None  # noqa: S101  both callers have set it
    # Everybody concerned hears of the swap itself.
    told = [swap.requester_id, taker.pk]
    with shifts_watched([swap.schedule], actor=actor, at=at, told=told):
        made = _overrides(swap, taker, actor=actor, at=at)
    _end(swap, Swap.State.DONE, at=at)
    swap.overrides.add(*made)
    ports.tell(swap_words.settled(swap, [ask.user for ask in swap.asks.all() if not ask.answer], at=at), at=at)
    return swap


def _overrides(swap: Swap, taker: User, *, actor: User, at: datetime) -> list[Override]:
    made = [_override(swap, taker, swap.requester, max(swap.start, at), swap.end, actor=actor, at=at)]
    if swap.return_start and swap.return_end:
        made.append(_override(swap, swap.requester, taker, swap.return_start, swap.return_end, actor=actor, at=at))
    return made


def _override(
    swap: Swap, user: User, replaces: User, start: datetime, end: datetime, *, actor: User, at: datetime
) -> Override:
    return override_create(
        schedule=swap.schedule,
        user=user,
        replaces=replaces,
        kind=Override.Kind.REPLACE,
        role=swap.role,
        cause=Override.Cause.SWAP,
        start=start,
        end=end,
        reason=swap.note,
        actor=actor,
        at=at,
    )


def _end(swap: Swap, state: str, *, at: datetime) -> None:
    swap.state, swap.settled_at, swap.remind_at = state, at, None
    swap.save(update_fields=["state", "settled_at", "remind_at", "accepted_by", "decided_by"])


# --- the minute's task


def swaps_check(*, at: datetime) -> None:
    """Remind those who have not answered, and end what nobody took in time. One query when there is nothing to do.

    Each swap in a transaction of its own, looked at again under its lock: the task may run late or twice.
    """
    due = Swap.objects.filter(state__in=LIVE).filter(Q(expires_at__lte=at) | Q(remind_at__lte=at))
    for pk in list(due.order_by("id").values_list("pk", flat=True)):
        try:
            _check(pk, at=at)
        except Exception:  # One broken swap must not hide the others from their people.
            logger.exception("swap %s could not be checked", pk)


@transaction.atomic
def _check(swap_id: int, *, at: datetime) -> None:
    swap = _locked(swap_id)
    if swap.state not in LIVE:
        return
    if swap.expires_at <= at:
        _end(swap, Swap.State.EXPIRED, at=at)
        entry_append(_entry(swap, "swap.expire", actor=None, at=at))
        ports.tell(swap_words.expired(swap, at=at), at=at)
    elif swap.remind_at is not None and swap.remind_at <= at:
        _remind(swap, at=at)


def _remind(swap: Swap, *, at: datetime) -> None:
    number = int(swap.remind_at.timestamp()) if swap.remind_at else 0
    if swap.state == Swap.State.WAITING:
        notes = swap_words.waiting(swap, _managers(swap), at=at, reminder=number)
    else:
        silent = [ask for ask in swap.asks.all() if not ask.answer]
        notes = swap_words.asking(swap, silent, at=at, reminder=number)
    swap.remind_at = next_reminder(created_at=swap.created_at, start=swap.start, expires_at=swap.expires_at, after=at)
    swap.save(update_fields=["remind_at"])
    ports.tell(notes, at=at)


def swaps_end_of(*, user: User, actor: User | None, at: datetime) -> None:
    """Withdraw what ``user``, who leaves, has asked for or accepted and what is not settled: in the caller's transaction."""
    found = Swap.objects.filter(state__in=LIVE).filter(Q(requester=user) | Q(accepted_by=user))
    for pk in list(found.values_list("pk", flat=True)):
        _withdraw(_locked(pk), actor=actor, at=at)


def _entry(swap: Swap, action: str, *, actor: User | None, at: datetime, asked: list[str] | None = None) -> EntryValue:
    return EntryValue(
        at=at,
        action=action,
        object_type="swap",
        object_id=str(swap.pk),
        object_label=f"{swap.requester.name} · {swap.schedule.name}",
        subject=f"schedule:{swap.schedule_id}",
        actor=actor_of(actor),
        after={
            "requester": swap.requester.name,
            "role": swap.role,
            "start": swap.start.isoformat(),
            "end": swap.end.isoformat(),
            "return_start": swap.return_start.isoformat() if swap.return_start else None,
            "return_end": swap.return_end.isoformat() if swap.return_end else None,
            "accepted_by": swap.accepted_by.name if swap.accepted_by else None,
            **({"asked": asked} if asked else {}),
        },
    )
