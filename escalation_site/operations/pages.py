"""The figures with their words, for the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from escalation_site.operations.selectors import NEWEST
from escalation_site.operations.values import ChannelFigures, Operations, Queue, Spread
from escalation_site.operations.words import LATENESS, OUTCOMES, PARTS, QUEUES
from escalation_site.ui import durations
from incidents.alarm_words import alarm_words
from notifications.channels.base import channel_labels

Label = str | Promise


@dataclass(frozen=True, slots=True)
class Waits:
    """How late one kind of work was in the last hour or day, in words."""

    count: int
    p50: str
    p99: str
    late: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The page: each row beside what it is called. ``outcomes`` are the heads of the channels' columns; each channel
    comes with one number for each."""

    figures: Operations
    queues: Sequence[tuple[Label, Queue]]
    lateness: Sequence[tuple[Label, Waits, Waits]]
    outcomes: Sequence[Label]
    channels: Sequence[tuple[Label, ChannelFigures, Sequence[int]]]
    missing: Sequence[Label]
    troubles: Sequence[str]
    capped: bool
    newest: int = NEWEST


def shown(figures: Operations) -> Shown:
    names = channel_labels()
    return Shown(
        figures=figures,
        queues=[(QUEUES[one.code], one) for one in figures.queues],
        lateness=[(LATENESS[one.code], _waits(one.hour), _waits(one.day)) for one in figures.lateness],
        outcomes=list(OUTCOMES.values()),
        channels=[
            (names.get(one.channel, one.channel), one, [one.outcomes.get(code, 0) for code in OUTCOMES])
            for one in figures.channels
        ],
        missing=[PARTS[name] for name in figures.missing],
        troubles=[alarm_words(alarm.code, alarm.data) for alarm in figures.alarms],
        capped=figures.attempts_capped or any(one.capped for one in figures.lateness),
    )


def _waits(spread: Spread) -> Waits:
    return Waits(spread.count, in_words(spread.p50), in_words(spread.p99), spread.late)


def in_words(span: timedelta | None) -> str:
    """ "0.12 s" below ten seconds, "6 min 50 s" above; "" for none."""
    if span is None:
        return ""
    seconds = span.total_seconds()
    if seconds >= 10:
        return durations.in_two_units(seconds)
    return _("%(n)s s") % {"n": number_format(seconds, decimal_pos=2)}
