"""Telling people that their own coming shifts have changed, whatever changed them."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import moments
from escalation_site.ui.durations import list_of
from oncall import ports, rota
from oncall.models import Schedule, ScheduleVersion, User
from oncall.selectors import Loaded, schedules_load
from oncall.telling import duty_words, note_to, span_words

HORIZON = timedelta(days=60)
"""How far ahead a change is told: nobody plans by what lies beyond."""
MOST_LINES = 6


class Shifted(NamedTuple):
    """Time on call that somebody gains or loses."""

    schedule: Schedule
    gained: bool
    duty: rota.Duty


@dataclass(slots=True)
class _Watch:
    """What the outermost watch remembers: the schedules as they were, and who is told by other words."""

    at: datetime
    before: dict[int, Loaded] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)

    def look(self, schedules: Iterable[Schedule]) -> None:
        """Remember how these, and those that follow them, are now; what is remembered already stays."""
        new = [schedule for schedule in _with_followers(list(schedules)) if schedule.pk not in self.before]
        if new:
            self.before |= schedules_load(new, since=self.at)


_watch: ContextVar[_Watch | None] = ContextVar("shifts_watch", default=None)


@contextmanager
def shifts_watched(
    schedules: Collection[Schedule], *, actor: User | None, at: datetime, told: Collection[int] = ()
) -> Iterator[None]:
    """Tell whoever gains or loses time on call in the next 60 days by what happens inside, once it is done.

    To be used inside the caller's transaction. ``actor`` knows already, and so do the people of ``told`` (user ids), whom
    the caller tells in words of its own. Schedules that follow one of these are watched with them. A schedule that says
    something for the first time tells nobody: until then nobody had planned by it. Watches inside another are part of it.
    """
    running = _watch.get()
    if running is not None:
        running.look(schedules)
        running.silent.update(told)
        yield
        return
    watch = _Watch(at)
    watch.look(schedules)
    watch.silent.update(told, [actor.pk] if actor else [])
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
    _tell(watch, actor=actor)


def told_already(user_ids: Collection[int]) -> None:
    """Inside a watch: its caller tells these people in words of its own, as ``told`` says of those known from the start."""
    running = _watch.get()
    if running is not None:
        running.silent.update(user_ids)


def _with_followers(schedules: list[Schedule]) -> list[Schedule]:
    """The schedules and all that follow one of them, or ever did, near or far: two queries."""
    follows: dict[str, set[str]] = defaultdict(set)
    pairs = ScheduleVersion.objects.filter(definition__has_key="follow").values_list(
        "schedule__slug", "definition__follow"
    )
    for follower, followed in pairs:
        follows[str(followed)].add(follower)
    reached = {schedule.slug for schedule in schedules}
    waiting = list(reached)
    while waiting:
        more = follows.get(waiting.pop(), set()) - reached
        reached |= more
        waiting += more
    more = reached - {schedule.slug for schedule in schedules}
    return schedules + list(Schedule.objects.filter(slug__in=more).order_by("name")) if more else schedules


def _tell(watch: _Watch, *, actor: User | None) -> None:
    """Compare and tell. Queries: those of reading the schedules again and one for the people, however many there are."""
    known = {pk: item for pk, item in watch.before.items() if item.versions}
    if not known:
        return
    after = schedules_load([item.schedule for item in known.values()], since=watch.at)
    changes = _changes(known, after, at=watch.at)
    wanted = changes.keys() - watch.silent
    if not wanted:
        return
    users = User.objects.filter(is_active=True).in_bulk(list(wanted))
    ports.tell([_note(user, changes[pk], actor=actor, at=watch.at) for pk, user in users.items()], at=watch.at)


def _changes(before: Mapping[int, Loaded], after: Mapping[int, Loaded], *, at: datetime) -> dict[int, list[Shifted]]:
    """Who gains and loses what within the horizon, by user id, each in order of start."""
    found: dict[int, list[Shifted]] = defaultdict(list)
    until = at + HORIZON
    for pk, then in before.items():
        change = rota.compare(then.shifts(since=at, until=until), after[pk].shifts(since=at, until=until))
        for gained, duties in ((True, change.gained), (False, change.lost)):
            for duty in duties:
                found[duty.user_id].append(Shifted(then.schedule, gained, duty))
    return {pk: sorted(own, key=lambda one: (one.duty.start, one.schedule.name)) for pk, own in found.items()}


def _note(user: User, changes: list[Shifted], *, actor: User | None, at: datetime) -> ports.Note:
    schedules = list({one.schedule.pk: one.schedule for one in changes}.values())

    def words() -> tuple[str, str]:
        names = list_of([schedule.name for schedule in schedules])
        subject = _("Your on-call shifts have changed: %(names)s") % {"names": names}
        return subject, "\n".join(_body(changes, names, actor=actor, at=at))

    return note_to(
        user,
        words,
        key=f"shifts:{_digest(changes, at)}",
        link=_own_page(schedules[0]),
        subject_ref=f"schedule:{schedules[0].pk}" if len(schedules) == 1 else "",
    )


def _body(changes: list[Shifted], names: str, *, actor: User | None, at: datetime) -> Iterator[str]:
    if actor is None:
        yield _("When you are on call for %(names)s has changed.") % {"names": names}
    else:
        yield _("%(actor)s has changed when you are on call for %(names)s.") % {"actor": actor.name, "names": names}
    yield ""
    for one in changes[:MOST_LINES]:
        yield _line(one, at=at)
    left = len(changes) - MOST_LINES
    if left > 0:
        yield ngettext("… and %(number)d change more.", "… and %(number)d changes more.", left) % {"number": left}
    yield ""
    yield _("The times are those of %(zone)s.") % {"zone": timezone.get_current_timezone_name()}


def _line(one: Shifted, *, at: datetime) -> str:
    """ "You gain Payments (primary): Mon 23 Nov, 09:00 – Mon 30 Nov, 09:00 CET", open where it reaches the horizon."""
    duty, words = one.duty, {"duty": duty_words(one.schedule, one.duty.role)}
    if duty.end >= at + HORIZON:
        since = {**words, "start": moments.written(duty.start, "short", at=at)}
        return (
            _("You gain %(duty)s: from %(start)s on") % since
            if one.gained
            else _("You lose %(duty)s: from %(start)s on") % since
        )
    span = {**words, "span": span_words(duty.start, duty.end, at=at)}
    return _("You gain %(duty)s: %(span)s") % span if one.gained else _("You lose %(duty)s: %(span)s") % span


def _digest(changes: list[Shifted], at: datetime) -> str:
    """The same change told twice is one notice; a later one that undoes it is another."""
    parts = [at.isoformat()]
    parts += [f"{one.schedule.pk}{one.gained}{one.duty.role}{one.duty.start}{one.duty.end}" for one in changes]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def _own_page(schedule: Schedule) -> str:
    """Where a person sees their coming shifts."""
    try:
        return reverse("oncall:mine")
    except NoReverseMatch:
        return schedule.get_absolute_url()
