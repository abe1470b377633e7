"""The last weeks of duty: handoffs accepted and rated, notes for whoever came next. By the services, each at its instant.

What changes who is on call changes it only after the demo's present, so that the year of incidents stays as it was told.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from escalation_site.demo.vocabulary import MISSING, NOTES, Left
from incidents.selectors.brief import Brief, brief_dump, brief_of
from oncall import ports
from oncall.handoff_check import handoffs_check
from oncall.handoffs import handoff_accept, handoff_note_create, handoff_note_done, handoff_rate
from oncall.models import DutyClock, Handoff, HandoffNote, Schedule
from oncall.selectors import holders_at, schedules_load

SPAN = timedelta(days=21)
SPAN_OFTEN = timedelta(days=2)
OFTEN = ("fraud-office-hours", "logistics-shifts", "payments-first", "platform-follow-the-sun", "storefront-first")
"""Schedules that change hands every day: a few days of them show as much as weeks of the others."""
NOTICED = timedelta(seconds=30)
"""The task that makes handoffs runs every minute."""
LEFT_OPEN = timedelta(hours=2)
"""Nobody has accepted yet what is newer."""
SIGNS_IN = ("jonas", "elena")
"""People of the demo's doors who find their own handoff waiting."""

Do = Callable[[datetime], None]


class Life:
    """What is planned, in order of time; an act may plan others that come after it."""

    def __init__(self, chance: random.Random, *, until: datetime) -> None:
        self.chance, self.until = chance, until
        self._planned: list[tuple[datetime, int, Do]] = []
        self._count = 0

    @property
    def next_at(self) -> datetime | None:
        return self._planned[0][0] if self._planned else None

    def act(self) -> None:
        at, _number, do = heapq.heappop(self._planned)
        with ports.nobody_told():
            do(at)

    def plan(self, at: datetime, do: Do) -> None:
        """Let ``do`` happen at ``at``, unless that is later than the demo's present."""
        if at <= self.until:
            self._count += 1
            heapq.heappush(self._planned, (at, self._count, do))

    def minutes(self, least: int, most: int) -> timedelta:
        return timedelta(seconds=self.chance.randint(60 * least, 60 * most))


def handoffs_plan(life: Life) -> None:
    """Plan every handoff of the last weeks and what people made of it."""
    schedules = list(Schedule.objects.all())
    since = {one.pk: life.until - (SPAN_OFTEN if one.slug in OFTEN else SPAN) for one in schedules}
    DutyClock.objects.bulk_create([DutyClock(schedule=one, checked_until=since[one.pk]) for one in schedules])
    loaded = schedules_load(schedules, since=life.until - SPAN)
    starts = {
        shift.start
        for pk, item in loaded.items()
        for shift in item.shifts(since=since[pk], until=life.until)
        if shift.start > since[pk]
    }
    for start in sorted(starts):
        life.plan(start + NOTICED, partial(_hand_over, life, start))


def _hand_over(life: Life, start: datetime, at: datetime) -> None:
    handoffs_check(at=at)
    made = Handoff.objects.filter(at=start, accepted_at=None).select_related("schedule", "incoming", "outgoing")
    for handoff in made.order_by("id"):
        when = at + life.minutes(1, 45)
        if _accepts(life, handoff, when):
            life.plan(when, partial(_accept, life, handoff))


def _accepts(life: Life, handoff: Handoff, when: datetime) -> bool:
    over = handoff.until is not None and handoff.until <= life.until
    if over:
        return handoff.until is not None and when < handoff.until and life.chance.random() < 0.93
    return handoff.at < life.until - LEFT_OPEN and handoff.incoming.username not in SIGNS_IN


def _accept(life: Life, handoff: Handoff, at: datetime) -> None:
    brief = brief_of(handoff, reader=handoff.incoming, at=at)
    handoff_accept(handoff=handoff, actor=handoff.incoming, at=at, brief=brief_dump(_as_of(brief, at)))
    if life.chance.random() < 0.7:
        life.plan(at + life.minutes(2, 90), partial(_rate, life, handoff))


def _as_of(brief: Brief, at: datetime) -> Brief:
    """The incidents are stored as they are at the end: without those that had not begun, and without later lines."""
    known = [one for one in brief.incidents if one.started_at <= at]
    incidents = tuple(replace(one, lines=tuple(line for line in one.lines if line.at <= at)) for one in known)
    return replace(brief, incidents=incidents, more=0)


def _rate(life: Life, handoff: Handoff, at: datetime) -> None:
    complete = life.chance.random() < 0.82
    remark = "" if complete else life.chance.choice(MISSING)
    handoff_rate(handoff=handoff, actor=handoff.incoming, complete=complete, remark=remark, at=at)


def notes_plan(life: Life) -> None:
    """Plan the notes: each by whoever is on call then; ticked off, where it is, by whoever is on call at that time."""
    for left in NOTES:
        life.plan(life.until - timedelta(hours=left.hours), partial(_leave, life, left))


def _leave(life: Life, left: Left, at: datetime) -> None:
    schedule = Schedule.objects.get(slug=left.schedule)
    holders = holders_at(schedules=[schedule], at=at)[schedule.pk]
    if not holders:
        return
    note = handoff_note_create(schedule=schedule, author=holders[0].user, text=left.text, watch=left.watch, at=at)
    if left.done_after:
        life.plan(at + timedelta(hours=left.done_after), partial(_tick_off, note))


def _tick_off(note: HandoffNote, at: datetime) -> None:
    holders = holders_at(schedules=[note.schedule], at=at)[note.schedule_id]
    handoff_note_done(note=note, actor=holders[0].user if holders else note.author, at=at)
