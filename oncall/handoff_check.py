"""What the minute's task does about handoffs: who has come on call and gone off since its last look, and notices to both."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.failures import is_passing
from escalation_site.ui import moments
from oncall import ports, spells
from oncall.handoff_reminders import FIRST_REMINDER
from oncall.handoffs import handoff_url
from oncall.loading import LOOKBACK
from oncall.models import DutyClock, Handoff, Override, Schedule, User
from oncall.selectors import Loaded, schedules_load
from oncall.spells import Relief, Spell
from oncall.telling import duty_words, note_to

log = structlog.get_logger(__name__)

Moment = tuple[int, str, datetime]
"""A person, a role and an instant."""

TOLD_BACK = timedelta(hours=24)
"""What a late task finds that is older is recorded and no longer told."""
LOOK_AHEAD = timedelta(days=35)
OVERLAP = timedelta(minutes=2)
"""The last minutes are looked at again each time: what begins at an instant may be committed after the look that passed it."""
INSTANT = timedelta(microseconds=1)
JUST_MADE = timedelta(minutes=15)
"""Who takes over on the spot is told when they do; the task adds nothing within this time."""


def handoffs_check(*, at: datetime) -> int:
    """Record who came on call since the last look and tell both sides; returns how many handoffs were made.

    Reading takes a constant number of queries. Schedules seen for the first time are looked at from now on. One schedule
    that raises does not keep the others from being looked at.
    """
    _clocks_add(at=at)
    ids = list(DutyClock.objects.filter(checked_until__lt=at).values_list("pk", flat=True))
    if not ids:
        return 0
    try:
        return _check(ids, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("handoffs.batch_failed", schedules=len(ids))
    return sum(_check_one(pk, at=at) for pk in ids)


def _check_one(pk: int, *, at: datetime) -> int:
    try:
        return _check([pk], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("handoffs.failed", schedule=pk)
        return 0


def _clocks_add(*, at: datetime) -> None:
    new = Schedule.objects.filter(duty_clock=None).values_list("pk", flat=True)
    DutyClock.objects.bulk_create([DutyClock(schedule_id=pk, checked_until=at) for pk in new], ignore_conflicts=True)


@dataclass(frozen=True, slots=True)
class _Moves:
    """What happened on one schedule: who came, who went, all spells around, and the overrides behind some of it.

    ``began`` and ``ended`` give the override by which somebody had a role from, or until, an instant of late.
    """

    schedule: Schedule
    spells: Sequence[Spell]
    reliefs: Sequence[Relief]
    endings: Sequence[Spell]
    began: Mapping[Moment, int]
    ended: Mapping[Moment, int]


@transaction.atomic
def _check(ids: Collection[int], *, at: datetime) -> int:
    # The locked clocks keep a second task out; what it then finds again has been recorded and told.
    clocks = list(
        DutyClock.objects.filter(pk__in=ids, checked_until__lt=at)
        .select_for_update(of=("self",))
        .select_related("schedule__team")
        .order_by("pk")
    )
    if not clocks:
        return 0
    since = {clock.pk: clock.checked_until for clock in clocks}
    loaded = schedules_load([clock.schedule for clock in clocks], since=min(since.values()))
    moves = [found for pk, after in since.items() if (found := _moves(loaded[pk], after, at)) is not None]
    made = _record(moves, at=at) if moves else 0
    done = at - OVERLAP
    DutyClock.objects.filter(pk__in=list(since), checked_until__lt=done).update(checked_until=done)
    return made


def _moves(item: Loaded, after: datetime, at: datetime) -> _Moves | None:
    """None in the minutes, nearly all, in which nobody comes and nobody goes."""
    if not spells.moved(item.shifts(since=after, until=at + INSTANT), after=after, at=at):
        return None
    around = item.shifts(since=after - LOOKBACK, until=at + LOOK_AHEAD)
    found = spells.spells(around)
    by_override = [(shift, shift.override_id) for shift in around if shift.override_id is not None]
    return _Moves(
        item.schedule,
        found,
        spells.reliefs(found, after=after, at=at),
        spells.endings(found, after=after, at=at),
        {(one.user_id, one.role, one.start): pk for one, pk in by_override if after < one.start <= at},
        {(one.user_id, one.role, one.end): pk for one, pk in by_override if after < one.end <= at},
    )


def _record(moves: Sequence[_Moves], *, at: datetime) -> int:
    users = User.objects.in_bulk(list({spell.user_id for one in moves for spell in one.spells}))
    overrides = _Overrides(moves)
    made, notes = 0, list[ports.Note]()
    for one in moves:
        arranged = overrides.arranged(one)
        came: dict[tuple[str, datetime], Handoff] = {}
        for relief in one.reliefs:
            handoff, is_new = _handoff(one, relief, users, own_act=overrides.own_act(one, relief), at=at)
            if handoff is None:
                continue
            came[(handoff.role, handoff.at)] = handoff
            made += is_new
            if is_new and _is_news(handoff, at=at) and (handoff.role, handoff.at) not in arranged:
                notes.append(_incoming_note(handoff, at=at))
        notes += _ending_notes(one, came, users, arranged=arranged, at=at)
    ports.tell(notes, at=at)
    return made


class _Overrides:
    """The overrides behind some moves: whoever takes over or gives back on the spot tells people then, not the task again."""

    def __init__(self, moves: Sequence[_Moves]) -> None:
        began = {pk for one in moves for pk in one.began.values()}
        ended = {pk for one in moves for pk in one.ended.values()}
        self._rows = Override.objects.in_bulk(list(began | ended))
        history: Any = Override.history
        self._planned_ends: dict[int, datetime] = (
            dict(history.filter(id__in=ended, history_type="+").values_list("id", "end")) if ended else {}
        )

    def own_act(self, moves: _Moves, relief: Relief) -> bool:
        """Whether whoever came put themselves on call."""
        spell = relief.spell
        row = self._rows.get(moves.began.get((spell.user_id, spell.role, spell.start), 0))
        return row is not None and row.created_by_id == spell.user_id

    def arranged(self, moves: _Moves) -> set[tuple[str, datetime]]:
        """The roles and instants at which somebody has just taken over, or has given back before it was due."""
        found = set()
        for (_user, role, start), pk in moves.began.items():
            if (row := self._rows.get(pk)) is not None and start - row.created_at <= JUST_MADE:
                found.add((role, start))
        for (_user, role, end), pk in moves.ended.items():
            if end < self._planned_ends.get(pk, end):
                found.add((role, end))
        return found


def _handoff(
    moves: _Moves, relief: Relief, users: Mapping[int, User], *, own_act: bool, at: datetime
) -> tuple[Handoff | None, bool]:
    """The row of this handoff and whether it is new; None for somebody who has left: nobody would page them."""
    spell, incoming = relief.spell, users.get(relief.spell.user_id)
    if incoming is None or not incoming.is_active:
        return None, False
    until = spell.end if spell.end < at + LOOK_AHEAD else None
    over = at - spell.start > TOLD_BACK or (until is not None and until <= at)
    return Handoff.objects.get_or_create(
        schedule=moves.schedule,
        role=spell.role,
        at=spell.start,
        incoming=incoming,
        defaults={
            "outgoing": users.get(relief.outgoing or 0),
            "until": until,
            # Nobody needs to be reminded of what they have just done themselves.
            "remind_at": None if over or own_act else at + FIRST_REMINDER,
            "created_at": at,
        },
    )


def _is_news(handoff: Handoff, *, at: datetime) -> bool:
    """Whether the incoming person is to be told: not what is long past, nor what is over."""
    return at - handoff.at <= TOLD_BACK and (handoff.until is None or handoff.until > at)


def _incoming_note(handoff: Handoff, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        duty = {"duty": duty_words(handoff.schedule, handoff.role)}
        if handoff.until is None:
            lines = [_("You are on call for %(duty)s from now on.") % duty]
        else:
            until = {"until": moments.written(handoff.until, "short", at=at)}
            lines = [_("You are on call for %(duty)s until %(until)s.") % {**duty, **until}]
        if handoff.outgoing is not None:
            lines.append(_("Before you it was %(name)s.") % {"name": handoff.outgoing.name})
        lines += ["", _("Read what is open and accept the handoff with one tap:")]
        return _("You are on call: %(duty)s") % duty, "\n".join(lines)

    return note_to(
        handoff.incoming,
        words,
        key=f"handoff:{handoff.pk}:in",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )


def _ending_notes(
    moves: _Moves,
    came: Mapping[tuple[str, datetime], Handoff],
    users: Mapping[int, User],
    *,
    arranged: Collection[tuple[str, datetime]],
    at: datetime,
) -> Iterable[ports.Note]:
    """One for each person whose spell has ended, unless they go on in another role at that instant."""
    begun = {(spell.user_id, spell.start) for spell in moves.spells}
    for spell in moves.endings:
        user = users.get(spell.user_id)
        if (spell.role, spell.end) in arranged:
            continue
        if user is None or (spell.user_id, spell.end) in begun or at - spell.end > TOLD_BACK:
            continue
        after = spells.follower(spell, moves.spells)
        handoff = came.get((spell.role, spell.end))
        yield _ending_note(moves.schedule, spell, user, after, handoff, users, at=at)


def _ending_note(
    schedule: Schedule,
    spell: Spell,
    user: User,
    after: Spell | None,
    handoff: Handoff | None,
    users: Mapping[int, User],
    *,
    at: datetime,
) -> ports.Note:
    def words() -> tuple[str, str]:
        duty = {"duty": duty_words(schedule, spell.role)}
        successor = users.get(after.user_id) if after is not None else None
        lines = [_("You are no longer on call for %(duty)s.") % duty]
        if after is None or successor is None:
            lines.append(_("Nobody has it after you."))
        elif after.start <= spell.end:
            lines.append(_("%(name)s has it now.") % {"name": successor.name})
        else:
            start = moments.written(after.start, "short", at=at)
            places = {"name": successor.name, "start": start}
            lines.append(_("Nobody has it until %(start)s, then %(name)s.") % places)
        lines += ["", _("What should the next person know? Leave a note:")]
        return _("Your shift has ended: %(duty)s") % duty, "\n".join(lines)

    return note_to(
        user,
        words,
        key=f"duty-end:{schedule.pk}:{spell.role}:{spell.end.isoformat()}",
        link=handoff_url(handoff) if handoff else reverse("incidents:handoff_next", args=(schedule.slug,)),
        subject_ref=f"schedule:{schedule.pk}",
    )
