"""The finer points of a level's times in sentences: by severity, in business hours, without an SLA, told again."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.definition import Entry, Hours, LevelDef, MeasuredFrom, Repeat, Timeout, severity_name
from policies.sentences.words import duration_words


def finer_sentences(level: LevelDef, *, mitigation_counts: bool, first: bool) -> Iterator[str]:
    yield from _of_entry(level.start, first=first)
    if level.ack_timeout is not None:
        yield from _by_severity(level.ack_timeout, _("Time to acknowledge at %(severity)s: %(time)s."))
    if level.resolve_timeout is not None:
        yield from _by_severity(
            level.resolve_timeout,
            _("Time to resolve or mitigate at %(severity)s: %(time)s.")
            if mitigation_counts
            else _("Time to resolve at %(severity)s: %(time)s."),
        )
    yield from _business(level)


def repeat_sentence(repeat: Repeat, severities: str) -> str:
    """`severities` is the list of those for which it holds."""
    places = {"every": duration_words(repeat.every_seconds), "severities": severities, "count": repeat.times}
    if repeat.times is None:
        return _("At %(severities)s they are told again every %(every)s until somebody answers.") % places
    text = ngettext(
        "At %(severities)s they are told again after %(every)s, %(count)d time, unless somebody answers.",
        "At %(severities)s they are told again every %(every)s, %(count)d times, unless somebody answers.",
        repeat.times,
    )
    return text % places


def _of_entry(entry: Entry, *, first: bool) -> Iterator[str]:
    for severity, seconds in entry.by_severity:
        places = {"severity": severity_name(severity), "time": duration_words(seconds)}
        match entry.measured_from:
            case MeasuredFrom.START:
                text = _("At %(severity)s this is %(time)s after the start.")
            case MeasuredFrom.BEFORE_SLA:
                text = _("At %(severity)s this is %(time)s before the SLA ends.")
            case _ if first:
                text = _("At %(severity)s this is %(time)s after the beginning.")
            case _:
                text = _("At %(severity)s this is %(time)s after their time was over.")
        yield text % places
    if entry.measured_from is MeasuredFrom.BEFORE_SLA:
        otherwise = duration_words(entry.otherwise_seconds or 0)
        yield (
            _("Where the incident has no SLA, they are told %(time)s later.") % {"time": otherwise}
            if entry.otherwise_seconds
            else _("Where the incident has no SLA, they are told at once.")
        )


def _by_severity(timeout: Timeout, text: str) -> Iterator[str]:
    for severity, seconds in timeout.by_severity:
        time = duration_words(seconds)
        match timeout.measured_from:
            case MeasuredFrom.START:
                time = _("%(time)s from the start") % {"time": time}
            case MeasuredFrom.BEFORE_SLA:
                time = _("until %(time)s before the SLA ends") % {"time": time}
        yield text % {"severity": severity_name(severity), "time": time}


def _business(level: LevelDef) -> Iterator[str]:
    if level.start.hours is Hours.BUSINESS:
        yield _("Only business hours count for the wait before it.")
    if level.ack_timeout is not None and level.ack_timeout.hours is Hours.BUSINESS:
        yield _("Only business hours count for the time to acknowledge.")
    if level.resolve_timeout is not None and level.resolve_timeout.hours is Hours.BUSINESS:
        yield _("Only business hours count for the time to resolve.")
