"""What the minute's task does about handoffs: notices when somebody comes on call or goes off, and reminders of the unaccepted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.failures import is_passing
from escalation_site.ui import moments
from oncall import ports, spells
from oncall.handoffs import handoff_url
from oncall.loading import LOOKBACK
from oncall.models import DutyClock, Handoff, Override, Schedule, User
from oncall.permissions import deciders
from oncall.selectors import Loaded, schedules_load
from oncall.spells import Relief, Spell
from oncall.telling import duty_words, note_to

log = structlog.get_logger(__name__)

TOLD_BACK = timedelta(hours=24)
"""What a late task finds that is older is recorded and no longer told."""
LOOK_AHEAD = timedelta(days=35)
OVERLAP = timedelta(minutes=2)
"""The last minutes are looked at again each time: what begins at an instant may be committed after the look that passed it."""
INSTANT = timedelta(microseconds=1)
JUST_MADE = timedelta(minutes=15)
"""Who takes over on the spot is told when they do; the task adds nothing within this time."""
FIRST_REMINDER = timedelta(minutes=15)
NEXT_REMINDER = timedelta(hours=1)
REMINDERS = 4


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
    """What happened on one schedule since ``after``: who came, who went, all spells around, and the shifts that began."""

    schedule: Schedule
    after: datetime
    spells: Sequence[Spell]
    reliefs: Sequence[Relief]
    endings: Sequence[Spell]
    overrides: Mapping[tuple[int, str, datetime], int] = field(default_factory=dict)


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
    return _Moves(
        item.schedule,
        after,
        found,
        spells.reliefs(found, after=after, at=at),
        spells.endings(found, after=after, at=at),
        {
            (shift.user_id, shift.role, shift.start): shift.override_id
            for shift in around
            if shift.override_id is not None
        },
    )


def _record(moves: Sequence[_Moves], *, at: datetime) -> int:
    people = {relief.spell.user_id for one in moves for relief in one.reliefs}
    people |= {spell.user_id for one in moves for spell in one.spells}
    users = User.objects.in_bulk(list(people))
    overrides = Override.objects.in_bulk(
        [pk for one in moves for relief in one.reliefs if (pk := _override_id(one, relief)) is not None]
    )
    made, notes = 0, list[ports.Note]()
    for one in moves:
        came: dict[tuple[str, datetime], Handoff] = {}
        for relief in one.reliefs:
            override = overrides.get(_override_id(one, relief) or 0)
            handoff, is_new = _handoff(one, relief, override, users, at=at)
            if handoff is None:
                continue
            came[(handoff.role, handoff.at)] = handoff
            made += is_new
            if is_new and _is_news(handoff, override, at=at):
                notes.append(_incoming_note(handoff, at=at))
        notes += _ending_notes(one, came, users, at=at)
    ports.tell(notes, at=at)
    return made


def _override_id(moves: _Moves, relief: Relief) -> int | None:
    spell = relief.spell
    return moves.overrides.get((spell.user_id, spell.role, spell.start))


def _handoff(
    moves: _Moves, relief: Relief, override: Override | None, users: Mapping[int, User], *, at: datetime
) -> tuple[Handoff | None, bool]:
    """The row of this handoff and whether it is new; None for somebody who has left: nobody would page them."""
    spell, incoming = relief.spell, users.get(relief.spell.user_id)
    if incoming is None or not incoming.is_active:
        return None, False
    until = spell.end if spell.end < at + LOOK_AHEAD else None
    own_act = override is not None and override.created_by_id == incoming.pk
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


def _is_news(handoff: Handoff, override: Override | None, *, at: datetime) -> bool:
    """Whether the incoming person is to be told: not what is past, nor what they heard a moment ago when it was arranged."""
    if at - handoff.at > TOLD_BACK or (handoff.until is not None and handoff.until <= at):
        return False
    return override is None or handoff.at - override.created_at > JUST_MADE


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
    moves: _Moves, came: Mapping[tuple[str, datetime], Handoff], users: Mapping[int, User], *, at: datetime
) -> Iterable[ports.Note]:
    """One for each person whose spell has ended, unless they go on in another role at that instant."""
    begun = {(spell.user_id, spell.start) for spell in moves.spells}
    for spell in moves.endings:
        user = users.get(spell.user_id)
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


# --- reminders


@transaction.atomic
def handoffs_remind(*, at: datetime, limit: int = 200) -> int:
    """Remind whoever has not accepted: after 15 minutes, then every hour, four times; with the last the managers hear of it.

    Nobody is reminded once their shift is over or somebody else has the role; in a pause of the schedule the reminder
    waits. Returns how many were reminded.
    """
    due = list(
        Handoff.objects.filter(remind_at__lte=at, accepted_at=None)
        .select_for_update(of=("self",))
        .select_related("schedule__team", "incoming", "outgoing")
        .order_by("remind_at", "pk")[:limit]
    )
    schedules = {handoff.schedule_id: handoff.schedule for handoff in due}
    loaded = schedules_load(list(schedules.values()), since=at) if due else {}
    notes: list[ports.Note] = []
    for handoff in due:
        holders = {one.user_id for one in loaded[handoff.schedule_id].on_call_at(at) if one.role == handoff.role}
        reminded = handoff.incoming_id in holders
        reminders = handoff.reminders + reminded
        over = handoff.until is not None and handoff.until <= at
        done = over or reminders >= REMINDERS or (bool(holders) and not reminded)
        if reminded and not over:
            notes += _reminder_notes(handoff, reminders, at=at)
        # No row of history for a reminder: the message itself is the record.
        Handoff.objects.filter(pk=handoff.pk).update(
            reminders=reminders, remind_at=None if done else at + NEXT_REMINDER
        )
    ports.tell(notes, at=at)
    return len(notes)


def _reminder_notes(handoff: Handoff, number: int, *, at: datetime) -> list[ports.Note]:
    notes = [_reminder(handoff, number, at=at)]
    if number >= REMINDERS:
        teams = [handoff.schedule.team] if handoff.schedule.team else []
        notes += [_managers_note(handoff, manager, at=at) for manager in deciders(handoff.incoming, teams)]
    return notes


def _reminder(handoff: Handoff, number: int, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {
            "duty": duty_words(handoff.schedule, handoff.role),
            "since": moments.written(handoff.at, "short", at=at),
        }
        return (
            _("Not accepted yet: your handoff of %(duty)s") % places,
            _(
                "You have been on call for %(duty)s since %(since)s and have not accepted the handoff.\n\n"
                "Read what is open and accept it with one tap:"
            )
            % places,
        )

    return note_to(
        handoff.incoming,
        words,
        key=f"handoff:{handoff.pk}:reminder:{number}",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )


def _managers_note(handoff: Handoff, manager: User, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {
            "duty": duty_words(handoff.schedule, handoff.role),
            "name": handoff.incoming.name,
            "since": moments.written(handoff.at, "short", at=at),
            "number": REMINDERS,
        }
        return (
            _("Handoff not accepted: %(duty)s") % places,
            _(
                "%(name)s has been on call for %(duty)s since %(since)s and has not accepted the handoff "
                "after %(number)d reminders."
            )
            % places,
        )

    return note_to(
        manager,
        words,
        key=f"handoff:{handoff.pk}:unaccepted",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )
